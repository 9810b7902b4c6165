import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { formatLines, parseLines } from '../../src/interfaces/lines.ts'
import { writeLink } from '../../src/interfaces/link-stanza.ts'
import { moveManagement } from '../../src/interfaces/management.ts'
import { joinIdleInet, lastingStanza } from '../../src/interfaces/one-family.ts'
import { adoptRouteHooks } from '../../src/nat/route-hooks.ts'
import { parseIpCidr, parseIpv4Cidr, parseIpv6Cidr } from '../../src/net/ip-cidr.ts'

const test = suite('interfaces: links with one family of addresses')

const file = (text: string) => parseLines(Buffer.from(text))
const text = (lines: ReturnType<typeof file>) => formatLines(lines).toString()

const OPTIONS = '\tbridge-ports eno1\n\tbridge-stp off\n\tbridge-fd 0\n'
const HOOK = '\tpost-up echo hi\n'
const TAIL = 'auto eno2\niface eno2 inet manual\n'

const BOTH = `auto vmbr0
iface vmbr0 inet static
	address 192.168.1.10/24
	gateway 192.168.1.1
${OPTIONS}${HOOK}#uplink

iface vmbr0 inet6 static
	address 2001:db8::2/64
	gateway fe80::1
	post-up echo six

${TAIL}`

const SIX = `auto vmbr0
iface vmbr0 inet6 static
	address 2001:db8::2/64
	gateway fe80::1
${OPTIONS}${HOOK}	post-up echo six
#uplink

${TAIL}`

test('the management address that leaves a link with IPv6 leaves one stanza, which a save keeps', () => {
  const address = parseIpv4Cidr('192.168.1.10/24')
  if (address === undefined) throw new Error('an address')
  const move = { name: 'eno2', address, gateway: 0xc0a80101, keep: false }
  const moved = text(moveManagement(file(BOTH), move))
  assert.is(
    moved,
    `${SIX.replace(TAIL, '')}auto eno2\niface eno2 inet static\n\taddress 192.168.1.10/24\n\tgateway 192.168.1.1\n`,
  )
  assert.is(text(moveManagement(file(moved), move)), moved)
})

test('so does an address that is taken away', () => {
  const wish = { name: 'vmbr0', type: 'bridge', address: 'none', marks: [], fresh: [], edits: [] } as const
  const before = BOTH.replace('\tgateway 192.168.1.1\n', '')
  assert.is(text(writeLink(file(before), wish)), SIX)
  assert.is(text(writeLink(file(SIX), wish)), SIX)
})

const IDLE = BOTH.replace('inet static\n\taddress 192.168.1.10/24\n\tgateway 192.168.1.1\n', 'inet manual\n')

const KEPT: readonly (readonly [string, string])[] = [
  ['an address of IPv4', BOTH],
  ['no IPv6 but by advertisements', IDLE.replace(/inet6 static[\s\S]*six\n/, 'inet6 auto\n')],
  ['options after a blank line', IDLE.replace(HOOK, `\n${HOOK}`)],
  ['a heading of the next stanza', IDLE.replace('six\n\nauto', 'six\n# cable 7\nauto')],
  ['DHCP', IDLE.replace('inet manual', 'inet dhcp')],
]

for (const [name, content] of KEPT)
  test(`two stanzas stay: ${name}`, () => assert.is(text(joinIdleInet(file(content), 'vmbr0')), content))

test('comments and an MTU said twice', () => {
  const twice = IDLE.replace('fd 0\n', 'fd 0\n\tmtu 9000\n').replace('six\n', 'six\n\tmtu 9000\n#both\n')
  const joined = SIX.replace('fd 0\n', 'fd 0\n\tmtu 9000\n').replace('#uplink\n', '#uplink\n#both\n')
  assert.is(text(joinIdleInet(file(twice), 'vmbr0')), joined)
})

test('hooks go where an address is', () => {
  const family = (content: string, wanted?: 'inet' | 'inet6') => lastingStanza(file(content), 'vmbr0', wanted)?.family
  assert.is(family(BOTH), 'inet')
  assert.is(family(BOTH, 'inet6'), 'inet6')
  assert.is(family(IDLE), 'inet6')
  assert.is(family(IDLE.replace(/inet6 static[\s\S]*six\n/, 'inet6 auto\n'), 'inet6'), 'inet')
  assert.is(family('iface vmbr0\n\tbridge-ports none\n\niface vmbr0 inet6 static\n\taddress fd00::1/64\n'), 'inet6')
  assert.is(family('iface eno1 inet manual\n'), undefined)
  const destination = parseIpCidr('198.51.100.16/29')
  if (destination === undefined) throw new Error('an address')
  const routed = text(adoptRouteHooks(file(IDLE), { destination, device: 'vmbr0' }))
  assert.ok(routed.includes('post-up echo six\n\tpost-up ip route replace 198.51.100.16/29 dev vmbr0\n'), routed)
})

test('IPv6 of a stanza without a family stands in that one', () => {
  const bare = 'auto vmbr1\niface vmbr1\n\tbridge-ports none\n'
  const wish = { name: 'vmbr1', type: 'bridge', marks: [], fresh: [], edits: [] } as const
  const address6 = parseIpv6Cidr('fd00::1/64')
  if (address6 === undefined) throw new Error('an address')
  const six = 'auto vmbr1\niface vmbr1\n\taddress fd00::1/64\n\tbridge-ports none\n'
  assert.is(text(writeLink(file(bare), { ...wish, address6 })), six)
  assert.is(text(writeLink(file(six), { ...wish, address6: 'none' })), bare)
})

test.run()
