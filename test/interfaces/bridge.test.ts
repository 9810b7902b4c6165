import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type BridgeSettings, writeBridge } from '../../src/interfaces/bridge.ts'
import { formatLines, parseLines } from '../../src/interfaces/lines.ts'
import { parseIpv4Cidr } from '../../src/net/ip-cidr.ts'

const test = suite('interfaces: bridges')

const corpus = (name: string) => readFileSync(new URL(`corpus/${name}`, import.meta.url), 'latin1')

function write(text: string, settings: Partial<Omit<BridgeSettings, 'address'>> & { address?: string }): string {
  const { address } = settings
  const cidr = address === undefined || address === 'none' ? address : parseIpv4Cidr(address)
  const all: BridgeSettings = { name: 'vmbr1', ...settings, address: cidr }
  const once = formatLines(writeBridge(parseLines(Buffer.from(text, 'latin1')), all))
  assert.equal(formatLines(writeBridge(parseLines(once), all)), once, 'the second edit changes nothing')
  return once.toString('latin1')
}

const NEW = `auto vmbr1
iface vmbr1 inet static
	address 10.10.10.1/24
	bridge-ports none
	bridge-stp off
	bridge-fd 0
#Internal network
`
const WANTED = { address: '10.10.10.1/24', comment: 'Internal network' }

/** What a new stanza stands between: the text before it, and the text after. */
const PLACES: readonly (readonly [string, string, string])[] = [
  ['pve-default', '\tbridge-fd 0\n\n', '\nsource /etc'],
  ['pve-gui-saved', '\taddress 10.50.0.2/24\n\n', '\nauto storage\n'],
  ['pve-docs-nat', '-o eno1 -j MASQUERADE\n\n', ''],
  ['no-newline', 'iface lo inet loopback\n\n', ''],
  ['empty', '', ''],
]

for (const [name, before, after] of PLACES)
  test(`a new bridge in ${name}`, () => {
    const text = corpus(name)
    const written = write(text, WANTED)
    const at = written.indexOf(NEW)
    assert.ok(at >= 0, written)
    assert.ok(written.slice(0, at).endsWith(before), written)
    assert.is(written.slice(at + NEW.length, at + NEW.length + after.length), after)
    const rest = written.slice(0, at) + written.slice(at + NEW.length)
    assert.is(rest.replace(/\n+/g, '\n').trim(), text.replace(/\n+/g, '\n').trim())
  })

test('a new bridge without address, with spanning tree, not at boot', () => {
  assert.is(
    write('', { name: 'vmbr2', ports: ['eno2', 'eno3'], stp: true, autostart: false }),
    'iface vmbr2 inet manual\n\tbridge-ports eno2 eno3\n\tbridge-stp on\n',
  )
})

test('a forward delay that spanning tree does not allow goes', () => {
  const text = 'iface vmbr1 inet manual\n\tbridge-ports none\n\tbridge-stp off\n\tbridge-fd 0\n'
  const after = 'iface vmbr1 inet manual\n\tbridge-ports none\n\tbridge-stp on\n'
  assert.is(write(text, { name: 'vmbr1', stp: true }), after)
  const four = text.replace('fd 0', 'fd 4')
  assert.is(write(four, { name: 'vmbr1', stp: true }), four.replace('off', 'on'))
})

test('a file in CRLF stays one', () => {
  const written = write(corpus('crlf'), WANTED)
  assert.is(written.replaceAll('\r\n', '').indexOf('\n'), -1)
  assert.ok(written.includes(NEW.replaceAll('\n', '\r\n')))
})

const OLD = `auto vmbr1
iface vmbr1 inet static
        address 10.10.10.1
        netmask 255.255.255.0
        bridge_ports eno2 eno3
        bridge_stp no
`

const EDITS: readonly (readonly [string, Parameters<typeof write>[1], string, string])[] = [
  ['nothing given', {}, '', ''],
  ['address and netmask are the same address', { address: '10.10.10.1/24' }, '', ''],
  ['ports in another order, stp spelled otherwise', { ports: ['eno3', 'eno2'], stp: false }, '', ''],
  ['ports', { ports: [] }, 'bridge_ports eno2 eno3', 'bridge_ports none'],
  ['stp', { stp: true }, 'bridge_stp no', 'bridge_stp on'],
  ['a forward delay', { forwardDelay: 0 }, 'bridge_stp no\n', 'bridge_stp no\n        bridge-fd 0\n'],
  [
    'address in the spelling that is there',
    { address: '10.20.0.1/16' },
    '10.10.10.1\n        netmask 255.255.255.0',
    '10.20.0.1\n        netmask 255.255.0.0',
  ],
  ['no autostart', { autostart: false }, 'auto vmbr1\n', ''],
  ['no address', { address: 'none' }, 'static\n        address 10.10.10.1\n        netmask 255.255.255.0', 'manual'],
]

for (const [what, settings, before, after] of EDITS)
  test(`an existing bridge: ${what}`, () => assert.is(write(OLD, settings), OLD.replace(before, after)))

test('an address for a bridge that has none', () => {
  const manual = 'auto vmbr1\niface vmbr1 inet manual\n  bridge_ports none\n\n  up true\n'
  assert.is(
    write(manual, { address: '10.0.0.1/24' }),
    'auto vmbr1\niface vmbr1 inet static\n  address 10.0.0.1/24\n  bridge_ports none\n\n  up true\n',
  )
})

test('one of several `auto` names', () => {
  const text = 'auto lo vmbr1 eno1\nallow-hotplug vmbr1\niface vmbr1 inet manual\n\tbridge-ports none\n'
  assert.is(write(text, { autostart: false }), 'auto lo eno1\niface vmbr1 inet manual\n\tbridge-ports none\n')
  assert.is(write(text, { autostart: true }), text)
})

test('what PVE takes for part of the value is not taken for a comment', () => {
  const text = 'iface vmbr1 inet static\n\taddress 10.0.0.1/24 # inner\n\tbridge-ports none\n'
  assert.is(write(text, { address: '10.0.0.1/24' }), text.replace(' # inner', ''))
})

test('options of the other family are left alone', () => {
  const text =
    'iface vmbr1 inet6 static\n\taddress 2001:db8::1/64\n\niface vmbr1 inet static\n\taddress 10.0.0.1/24\n\tbridge-ports none\n'
  assert.is(
    write(text, { address: '10.0.0.2/24', stp: true }),
    text.replace('10.0.0.1/24', '10.0.0.2/24').replace('none\n', 'none\n\tbridge-stp on\n'),
  )
})

test.run()
