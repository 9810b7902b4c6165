import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { writeBond } from '../../src/interfaces/bond.ts'
import { writeBridge } from '../../src/interfaces/bridge.ts'
import { continues, formatLines, type Lines, parseLines } from '../../src/interfaces/lines.ts'
import { writeOvsBridge, writeOvsPort } from '../../src/interfaces/ovs.ts'
import { writeVlan } from '../../src/interfaces/vlan.ts'
import { writeVxlan } from '../../src/interfaces/vxlan.ts'
import { parseIpv6Cidr } from '../../src/net/ip-cidr.ts'
import { draws } from '../helpers/draws.ts'

const test = suite('interfaces: links of every kind lose nothing foreign')

const corpus = readdirSync(new URL('corpus', import.meta.url)).map((name) =>
  readFileSync(new URL(`corpus/${name}`, import.meta.url)),
)

/** Lines that belong to none of the links edited here, and lines of theirs in every spelling. */
const FRAGMENTS = [
  'auto lo eno2 bond0 vlan50',
  'iface lo inet loopback',
  'iface eno2 inet manual',
  'iface bond0 inet manual',
  'iface bond0 inet6 static',
  'iface vlan50 inet static',
  'iface vmbr2 inet manual',
  'source /etc/network/interfaces.d/*',
  '  bond_slaves eno2 eno3',
  '\tslaves eno2 eno3',
  '\tbond-ports eno2',
  '\tbond_mode 4',
  '\tbond-xmit-hash-policy 1',
  '\tvlan_raw_device eno3',
  '\tvlan-id 7',
  '\tovs_type OVSBridge',
  '\tovs_type OVSIntPort',
  '\tovs_ports eno2 vlan50',
  '\tovs_options vlan_mode=access tag=7',
  '\tovs_bridge vmbr2',
  '\tvxlan-remoteip 10.0.0.9',
  '\tvxlan-id 5',
  '\tbridge-vlan-aware no',
  '\taddress fd00::1/64',
  '\tmtu 9000',
  '\tpost-up ip route add 10.9.0.0/16 via 10.0.0.2',
  '# a note',
  '',
  'caf\xe9 \xff',
]
const file = fc.oneof(
  fc.constantFrom(...corpus),
  fc
    .array(fc.constantFrom(...FRAGMENTS), { maxLength: 30 })
    .map((texts) => Buffer.from(texts.map((text) => `${text}\n`).join(''), 'latin1')),
)

interface Edit {
  readonly what: string
  readonly run: (lines: Lines) => Lines
}

const ULA = parseIpv6Cidr('fd00:7::1/64')
const EDITS: readonly Edit[] = [
  {
    what: 'bond',
    run: (lines) =>
      writeBond(lines, {
        name: 'bond0',
        slaves: ['eno2', 'eno3'],
        mode: '802.3ad',
        lacpRate: 'fast',
        miimon: 100,
        mtu: 1500,
      }),
  },
  {
    what: 'bond of another mode',
    run: (lines) => writeBond(lines, { name: 'bond0', mode: 'active-backup', primary: 'eno2' }),
  },
  { what: 'VLAN', run: (lines) => writeVlan(lines, { name: 'vlan50', rawDevice: 'eno2', id: 50, address6: ULA }) },
  {
    what: 'VLAN by name',
    run: (lines) => writeVlan(lines, { name: 'eno2.50', rawDevice: 'eno2', id: 50, address: 'none' }),
  },
  { what: 'VXLAN', run: (lines) => writeVxlan(lines, { name: 'vx1', id: 5, peers: ['10.0.0.2', '10.0.0.3'] }) },
  { what: 'OVS bridge', run: (lines) => writeOvsBridge(lines, { name: 'vmbr2', ports: ['eno2'] }) },
  {
    what: 'OVS port',
    run: (lines) =>
      writeOvsPort(lines, { name: 'vlan50', type: 'OVSIntPort', bridge: 'vmbr2', options: { tag: '50' } }),
  },
  {
    what: 'aware bridge',
    run: (lines) => writeBridge(lines, { name: 'vmbr2', vlanAware: true, address6: ULA, mtu: 1500, linkLocal: false }),
  },
  { what: 'plain bridge', run: (lines) => writeBridge(lines, { name: 'vmbr2', vlanAware: false, address6: 'none' }) },
]
const edit = fc.constantFrom(...EDITS)

const OWNED =
  /^\s*(auto|allow-\S*|iface|address|netmask|mtu|ipv6-addrgen|slaves|(bond|bridge|ovs|vlan|vxlan)[-_]\S+)(\s|$)|^\s*$|#/
const show = (bytes: Buffer) => JSON.stringify(bytes.toString('latin1'))

test('every foreign line stays, byte for byte and in order', () => {
  fc.assert(
    fc.property(file, edit, (bytes, { what, run }) => {
      const continued = (lines: Lines, i: number) => [lines[i - 1], lines[i]].some((line) => continues(line?.text))
      const foreign = (lines: Lines) =>
        lines.filter(({ text }, i) => !continued(lines, i) && !OWNED.test(text)).map(({ text }) => text)
      const before = parseLines(bytes)
      assert.equal(foreign(run(before)), foreign(before), `${what} on ${show(bytes)}`)
    }),
    draws(3000),
  )
})

test('the same edit again changes nothing', () => {
  fc.assert(
    fc.property(file, edit, (bytes, { what, run }) => {
      const once = formatLines(run(parseLines(bytes)))
      assert.is(show(formatLines(run(parseLines(once)))), show(once), `${what} on ${show(bytes)}`)
    }),
    draws(4000),
  )
})

test.run()
