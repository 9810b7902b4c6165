import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { formatLines, parseLines } from '../../src/interfaces/lines.ts'
import { managementLink, moveManagement } from '../../src/interfaces/management.ts'
import { parseIpv4Cidr } from '../../src/net/ip-cidr.ts'
import { parseIpv4 } from '../../src/net/subnet.ts'

const test = suite('management address in the file')

const FILE = `auto lo
iface lo inet loopback

iface eno1 inet manual

auto vmbr0
iface vmbr0 inet static
	address 192.0.2.11/24
	gateway 192.0.2.1
	bridge-ports eno1
	bridge-stp off
	bridge-fd 0
	post-up echo kept
#Guests

iface eno2 inet manual
`

const settings = (more = {}) => ({
  name: 'eno2',
  address: parseIpv4Cidr('192.0.2.11/24') ?? assert.unreachable(),
  gateway: parseIpv4('192.0.2.1') ?? 0,
  keep: false,
  ...more,
})

const moved = (file: string, more = {}) =>
  formatLines(moveManagement(parseLines(Buffer.from(file)), settings(more) as never)).toString()

test('address and gateway go to the new link, and nothing else changes', () => {
  const after = FILE.replace('inet static', 'inet manual')
    .replace('\taddress 192.0.2.11/24\n\tgateway 192.0.2.1\n', '')
    .replace(
      'iface eno2 inet manual\n',
      'auto eno2\niface eno2 inet static\n\taddress 192.0.2.11/24\n\tgateway 192.0.2.1\n',
    )
  assert.is(moved(FILE), after)
  assert.is(moved(after), after)
})

test('keep: only the gateway goes', () => {
  const after = moved(FILE, { address: parseIpv4Cidr('192.0.2.12/24'), keep: true })
  assert.match(after, 'iface vmbr0 inet static\n\taddress 192.0.2.11/24\n\tbridge-ports eno1')
  assert.match(after, 'iface eno2 inet static\n\taddress 192.0.2.12/24\n\tgateway 192.0.2.1\n')
})

test('the IPv6 side of a stanza without a family stays', () => {
  const both = `auto vmbr0
iface vmbr0
\taddress 2001:db8::11/64
\taddress 192.0.2.11/24
\tgateway 2001:db8::1
\tgateway 192.0.2.1
\tbridge-ports eno1

iface eno2
\taddress 2001:db8:2::11/64
\tgateway fe80::1
`
  const after = both
    .replace('\taddress 192.0.2.11/24\n', '')
    .replace('\tgateway 192.0.2.1\n', '')
    .replace('\niface eno2', '\nauto eno2\niface eno2')
    .replace('2::11/64\n', '2::11/64\n\taddress 192.0.2.11/24\n')
    .replace('\tgateway fe80::1\n', '\tgateway fe80::1\n\tgateway 192.0.2.1\n')
  assert.is(moved(both), after)
  assert.is(moved(after), after)
})

test('a link that has only IPv6 gets a stanza for it', () => {
  const six = FILE.replace('iface eno2 inet manual\n', 'iface eno2 inet6 static\n\taddress fd00::2/64\n')
  assert.match(
    moved(six),
    'auto eno2\niface eno2 inet6 static\n\taddress fd00::2/64\n\niface eno2 inet static\n\taddress 192.0.2.11/24\n\tgateway 192.0.2.1\n',
  )
  assert.is(moved(moved(six)), moved(six))
})

test('the old spelling of an address goes as a whole', () => {
  const old = FILE.replace('address 192.0.2.11/24', 'address 192.0.2.11\n\tnetmask 255.255.255.0')
  assert.not.match(moved(old), 'netmask')
})

test('the link that gives it up is the one with the gateway', () => {
  assert.is(managementLink(parseLines(Buffer.from(FILE)), settings() as never), 'vmbr0')
  assert.is(managementLink(parseLines(Buffer.from(moved(FILE))), settings() as never), undefined)
})

test.run()
