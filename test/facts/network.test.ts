import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { bridgeVlansFact } from '../../src/facts/bridge-vlans.ts'
import { interfacesFact } from '../../src/facts/interfaces.ts'
import {
  carriesDefaultRoute,
  type Link,
  type LinksState,
  linkNamed,
  linksAbove,
  linksFact,
  portsOf,
} from '../../src/facts/links.ts'
import { type NatState, natFact } from '../../src/facts/nat.ts'

const test = suite('facts of the network')

const CARD: Link = { name: '', kind: '', mtu: 1500, up: true, altnames: [], addresses: [] }

const roots: string[] = []
test.after(() => {
  for (const root of roots) rmSync(root, { recursive: true, force: true })
})

function node(files: Readonly<Record<string, string>>) {
  const root = mkdtempSync(path.join(tmpdir(), 'pvectl-network-'))
  roots.push(root)
  mkdirSync(`${root}/etc/network/interfaces.d`, { recursive: true })
  mkdirSync(`${root}/bin`)
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(`${root}/${name}`, Buffer.from(content, 'latin1'), { mode: name.startsWith('bin/') ? 0o755 : 0o640 })
  }
  return root
}

function sh(script: string): Buffer {
  return spawnSync('/bin/sh', ['-s'], { input: Buffer.from(script, 'latin1'), timeout: 10_000 }).stdout
}

function observeInterfaces(files: Readonly<Record<string, string>>) {
  const root = node(files)
  const output = sh(interfacesFact.observe([''], 'mark').latin1.replaceAll('/etc/network', `${root}/etc/network`))
  const [state] = interfacesFact.parse(
    Buffer.from(output.toString('latin1').replaceAll(root, ''), 'latin1'),
    [''],
    'mark',
  )
  if (state === undefined) throw new Error('no state')
  return { ...state, sourced: state.sourced.map(({ path, content }) => [path, content.toString()]) }
}

test('interfaces: nothing there', () => {
  assert.equal(observeInterfaces({}), {
    main: undefined,
    mode: '0644',
    owner: 'root:root',
    pending: undefined,
    sourced: [],
  })
})

test('interfaces: any bytes, pending and sourced files', () => {
  const main =
    'auto lo\r\n\xe9\xff\nmark 3 0644\nsource interfaces.d/*\n  source-directory more\nsource $(touch /tmp/x)\niface lo'
  const { mode, ...state } = observeInterfaces({
    'etc/network/interfaces': main,
    'etc/network/interfaces.new': '\n\n',
    'etc/network/interfaces.d/sdn': 'sdn',
    'etc/network/interfaces.d/b': '',
    'etc/network/elsewhere': 'no',
  })
  assert.is(mode, '0640')
  assert.is(state.main?.toString('latin1'), main)
  assert.is(state.pending?.toString(), '\n\n')
  assert.equal(state.sourced, [
    ['/etc/network/interfaces.d/b', ''],
    ['/etc/network/interfaces.d/sdn', 'sdn'],
  ])
})

test('interfaces: files that no line sources are left out', () => {
  const state = observeInterfaces({ 'etc/network/interfaces': 'auto lo\n', 'etc/network/interfaces.d/sdn': 'sdn' })
  assert.equal(state.sourced, [])
})

const ADDRESSES = [
  {
    ifname: 'lo',
    flags: ['LOOPBACK', 'UP'],
    mtu: 65536,
    addr_info: [{ family: 'inet', local: '127.0.0.1', prefixlen: 8, scope: 'host' }],
  },
  { ifname: 'eno1', flags: ['BROADCAST', 'UP'], mtu: 1500, master: 'vmbr0', altnames: ['enp3s0'] },
  {
    ifname: 'vmbr0',
    flags: ['UP'],
    mtu: 1500,
    linkinfo: { info_kind: 'bridge', info_data: { stp_state: 0, forward_delay: 0 } },
    addr_info: [
      { family: 'inet', local: '192.168.1.10', prefixlen: 24, scope: 'global' },
      { family: 'inet6', local: 'fe80::1', prefixlen: 64, scope: 'link' },
    ],
  },
  {
    ifname: 'vmbr1',
    flags: [],
    mtu: 1500,
    linkinfo: { info_kind: 'bridge', info_data: { stp_state: 1, forward_delay: 1500 } },
  },
  {},
]
const ROUTES = [
  { dst: 'default', gateway: '192.168.1.1', dev: 'vmbr0' },
  { dst: '10.9.0.0/16', nexthops: [{ dev: 'vmbr0' }, { dev: 'vmbr1' }] },
]

function links(): LinksState {
  const output = `${JSON.stringify(ADDRESSES)}\nmark\n${JSON.stringify(ROUTES)}\nmark\n[]\n`
  const [state] = linksFact.parse(Buffer.from(output), [''], 'mark')
  if (state === undefined) throw new Error('no state')
  return state
}

test('links: addresses, bridges, ports, routes', () => {
  const state = links()
  assert.equal(
    state.links.map(({ name, kind, up }) => [name, kind, up]),
    [
      ['lo', '', true],
      ['eno1', '', true],
      ['vmbr0', 'bridge', true],
      ['vmbr1', 'bridge', false],
    ],
  )
  assert.equal(linkNamed(state, 'vmbr0')?.addresses, [
    { cidr: '192.168.1.10/24', family: 4, scope: 'global' },
    { cidr: 'fe80::1/64', family: 6, scope: 'link' },
  ])
  assert.equal(linkNamed(state, 'vmbr1')?.bridge, { stp: true, forwardDelay: 15 })
  assert.is(linkNamed(state, 'enp3s0')?.name, 'eno1')
  assert.equal(
    portsOf(state, 'vmbr0').map(({ name }) => name),
    ['eno1'],
  )
  assert.equal(
    state.routes.map(({ destination, devices }) => [destination, ...devices]),
    [
      ['default', 'vmbr0'],
      ['10.9.0.0/16', 'vmbr0', 'vmbr1'],
    ],
  )
})

test('links: the default route is carried by its bridge and by the ports of that', () => {
  assert.equal(
    ['vmbr0', 'eno1', 'vmbr1', 'lo'].map((name) => carriesDefaultRoute(links(), name)),
    [true, true, false, false],
  )
})

test('links: VLANs, bonds, tunnels, aware bridges, and those without an address of their own', () => {
  const raw = [
    {
      ifname: 'eno1.50',
      link: 'eno1',
      linkinfo: { info_kind: 'vlan', info_data: { protocol: '802.1Q', id: 50, flags: [] } },
    },
    { ifname: 'veth1', link: 'veth2', linkinfo: { info_kind: 'veth' } },
    { ifname: 'away', link: null },
    {
      ifname: 'bond0',
      linkinfo: {
        info_kind: 'bond',
        info_data: { mode: '802.3ad', miimon: 100, xmit_hash_policy: 'layer2+3', ad_lacp_rate: 'fast' },
      },
    },
    {
      ifname: 'bond1',
      linkinfo: {
        info_kind: 'bond',
        info_data: {
          mode: 'active-backup',
          miimon: 50,
          xmit_hash_policy: 'layer2',
          ad_lacp_rate: 'slow',
          primary: 'eno3',
        },
      },
    },
    { ifname: 'vx7', linkinfo: { info_kind: 'vxlan', info_data: { id: 7, port: 4789, local: '10.0.0.1' } } },
    {
      ifname: 'vmbr1',
      linkinfo: { info_kind: 'bridge', info_data: { stp_state: 0, forward_delay: 0, vlan_filtering: 1 } },
    },
  ]
  const silent = '/proc/sys/net/ipv6/conf/vmbr1/addr_gen_mode\n'
  const output = Buffer.from(`${JSON.stringify(raw)}\nmark\n[]\nmark\n[]\nmark\n${silent}`)
  const [state] = linksFact.parse(output, [''], 'mark')
  const kinds = state?.links.map(({ name, lower, vlan, bond, vxlan, bridge, noLinkLocal }) =>
    JSON.parse(JSON.stringify({ name, lower, vlan, bond, vxlan, bridge, noLinkLocal })),
  )
  assert.equal(kinds, [
    { name: 'eno1.50', lower: 'eno1', vlan: { id: 50, protocol: '802.1Q' } },
    { name: 'veth1' },
    { name: 'away' },
    { name: 'bond0', bond: { mode: '802.3ad', miimon: 100, hashPolicy: 'layer2+3', lacpRate: 'fast' } },
    { name: 'bond1', bond: { mode: 'active-backup', miimon: 50, hashPolicy: 'layer2', primary: 'eno3' } },
    { name: 'vx7', vxlan: { id: 7, port: 4789, local: '10.0.0.1' } },
    { name: 'vmbr1', bridge: { stp: false, forwardDelay: 0, vlanAware: true }, noLinkLocal: true },
  ])
})

test('links: what is built on a card, however high', () => {
  const state: LinksState = {
    links: [
      { ...CARD, name: 'eno1', master: 'bond0' },
      { ...CARD, name: 'bond0', kind: 'bond' },
      { ...CARD, name: 'mgmt', kind: 'vlan', lower: 'bond0', master: 'vmbr0' },
      { ...CARD, name: 'vmbr0', kind: 'bridge' },
      { ...CARD, name: 'eno2' },
    ],
    routes: [{ family: 4, destination: 'default', devices: ['vmbr0'] }],
  }
  assert.equal([...linksAbove(state, 'eno1')].sort(), ['bond0', 'eno1', 'mgmt', 'vmbr0'])
  assert.equal(
    ['eno1', 'bond0', 'mgmt', 'eno2'].map((name) => carriesDefaultRoute(state, name)),
    [true, true, true, false],
  )
})

const PORTS = [
  {
    ifname: 'eno2',
    vlans: [
      { vlan: 1, flags: ['PVID', 'Egress Untagged'] },
      { vlan: 2, vlanEnd: 4094 },
    ],
  },
  { ifname: 'eno3', vlans: [{ vlan: 9 }] },
]

test('VLANs of ports: ranges, and the one of untagged frames', () => {
  const parse = (text: string) => bridgeVlansFact.parse(Buffer.from(text), [''], 'mark')[0]
  assert.equal(parse(`${JSON.stringify(PORTS)}\n`), [
    {
      name: 'eno2',
      pvid: 1,
      vids: [
        { from: 1, to: 1 },
        { from: 2, to: 4094 },
      ],
    },
    { name: 'eno3', vids: [{ from: 9, to: 9 }] },
  ])
  assert.equal(parse(''), [])
})

test('links: nothing but brackets, and nothing at all', () => {
  for (const output of ['[]\nmark\n[]\nmark\n[]\n', '\nmark\n\nmark\n'])
    assert.equal(linksFact.parse(Buffer.from(output), [''], 'mark'), [{ links: [], routes: [] }])
})

function observeNat(save: string | undefined): NatState | undefined {
  const root = node(save === undefined ? {} : { 'bin/iptables-save': `#!/bin/sh\n${save}` })
  const path = `PATH=${root}/bin${save === undefined ? '' : ':/usr/bin:/bin'}`
  return natFact.parse(sh(`${path}\n${natFact.observe(['ip4 nat'], 'mark').latin1}`), ['ip4 nat'], 'mark')[0]
}

test('nat: rules in order, with their words', () => {
  const state = observeNat(`cat <<'END'
# Generated by iptables-save
*nat
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -i vmbr0 -j DNAT --to-destination 10.0.0.2
-A POSTROUTING -s 10.0.0.0/24 -m comment --comment "a b" -j MASQUERADE
COMMIT
END`)
  assert.equal(state?.available === true && state.rules.map(({ chain, args }) => [chain, args]), [
    ['PREROUTING', ['-i', 'vmbr0', '-j', 'DNAT', '--to-destination', '10.0.0.2']],
    ['POSTROUTING', ['-s', '10.0.0.0/24', '-m', 'comment', '--comment', 'a b', '-j', 'MASQUERADE']],
  ])
})

test('nat: no iptables, and one that fails', () => {
  assert.equal(observeNat(undefined), { available: false, reason: 'iptables is not installed' })
  assert.equal(observeNat('echo "Could not fetch rule set generation id" >&2; exit 4'), {
    available: false,
    reason: 'iptables-save failed: Could not fetch rule set generation id',
  })
})

test.run()
