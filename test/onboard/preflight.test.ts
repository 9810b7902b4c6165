import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type JoinView, membersRow, ranges } from '../../src/onboard/judge-join.ts'
import { judgeNode } from '../../src/onboard/preflight.ts'
import { ignoring, ROW_IDS, type Row } from '../../src/onboard/row.ts'
import type { NodeSurvey } from '../../src/onboard/survey.ts'
import { goodMember, goodNode, type SurveyChanges } from '../helpers/node-survey.ts'

const test = suite('preflight')

const OPEN = { open: [5405, 5406], blocked: [], busy: [] }
const JOIN: JoinView = { kind: 'join', via: 'pve1', member: goodMember(), ports: { there: OPEN, back: OPEN } }

function rows(changes: SurveyChanges, join?: JoinView, members: ReadonlyMap<string, NodeSurvey> = new Map()) {
  return judgeNode({ node: goodNode(changes), address: '192.0.2.14', members, join })
}

/** The row of this id: its verdict, what was seen, and the remedy. */
function row(id: string, changes: SurveyChanges, join?: JoinView, members?: ReadonlyMap<string, NodeSurvey>): Row {
  const found = rows(changes, join, members).find((candidate) => candidate.id === id)
  if (found === undefined) throw new Error(`no row ${id}`)
  return found
}

test('a good node passes all, alone and on its way into a cluster', () => {
  assert.equal([...new Set(rows({}).map(({ verdict }) => verdict))], ['pass'])
  assert.equal([...new Set(rows({}, JOIN).map(({ verdict }) => verdict))], ['pass'])
  assert.equal([...new Set(rows({}, { kind: 'create', name: 'prod' }).map(({ verdict }) => verdict))], ['pass'])
})

test('whatever is not passed says what to do, unless it could not be tried', () => {
  const bad = rows({
    basics: {
      resolved: ['127.0.1.1'],
      pending: 'differs',
      freeMiB: 10,
      noise: 'hi',
      ifupdown2: undefined,
      route4: undefined,
    },
    pve: { version: undefined, major: undefined },
    skewMs: 400_000,
  })
  for (const { verdict, remedy, id } of bad) {
    if (verdict === 'warn' || verdict === 'fail') assert.ok((remedy ?? '').length > 20, id)
  }
})

const CASES: readonly (readonly [string, SurveyChanges, Row['verdict'], RegExp])[] = [
  ['version', { pve: { version: undefined, major: undefined } }, 'warn', /not installed/],
  ['version', { pve: { version: '6.4-15', major: 6 } }, 'fail', /6\.4/],
  ['version', { pve: { version: '7.4-3', major: 7 } }, 'warn', /7\.4/],
  ['hostname', { basics: { resolved: ['127.0.1.1'] } }, 'warn', /127\.0\.1\.1, a loopback/],
  ['hostname', { basics: { resolved: ['::1', '192.0.2.14'] } }, 'warn', /::1, a loopback/],
  ['hostname', { basics: { resolved: [] } }, 'warn', /does not resolve/],
  ['hostname', { basics: { resolved: ['198.51.100.1'] } }, 'warn', /no address of the node/],
  ['hostname', { basics: { hostname: 'pve_4' } }, 'fail', /no name/],
  ['hostname', { basics: { hostname: 'localhost', resolved: ['127.0.0.1'] } }, 'fail', /every machine/],
  ['hostname', { basics: { hostname: 'pve4.example.org' } }, 'fail', /no name/],
  ['clock', { skewMs: 1500 }, 'pass', /this machine/],
  ['clock', { skewMs: -5000 }, 'warn', /5\.0 s behind this machine/],
  ['clock', { skewMs: 3 * 3600_000 }, 'fail', /3 h ahead/],
  ['time-service', { basics: { timeServices: [] } }, 'warn', /none/],
  ['time-service', { basics: { timeServices: ['chrony', 'ntp'] } }, 'warn', /both/],
  ['time-service', { basics: { synchronized: false } }, 'warn', /not synchronized/],
  ['ifupdown2', { basics: { ifupdown2: undefined } }, 'warn', /not installed/],
  ['ifupdown2', { basics: { ifupdown2: '3.0.0-1.1' } }, 'warn', /Debian's/],
  ['ifupdown2', { basics: { ifupdown2: '1.2.7-1+pve1' } }, 'warn', /1\.2\.7/],
  ['ifupdown2', { basics: { ifupdown2: '1.2.8-1+pve1' } }, 'pass', /1\.2\.8/],
  ['pending', { basics: { pending: 'differs' } }, 'fail', /interfaces\.new waits/],
  ['pending', { basics: { pending: 'same' } }, 'warn', /nothing new/],
  [
    'nics',
    { basics: { nics: [{ name: 'eno1', mac: '00:00:5e:00:53:01', pinned: false }] } },
    'warn',
    /eno1 not pinned/,
  ],
  ['nics', { basics: { nics: [] } }, 'skipped', /no network card/],
  ['route', { basics: { route4: undefined } }, 'fail', /none/],
  ['uplink', { basics: { route4: undefined } }, 'skipped', /no default route/],
  ['uplink', { basics: { route4: { gateway: '192.0.2.1', device: 'eno1' } } }, 'warn', /no bridge/],
  ['uplink', { basics: { bridges: new Map([['vmbr0', ['tap100i0']]]) } }, 'warn', /no network card/],
  ['disk', { basics: { freeMiB: 300 } }, 'fail', /300 MiB/],
  ['disk', { basics: { freeMiB: 1500 } }, 'warn', /1500 MiB/],
  ['subscription', { pve: { subscription: 'notfound' } }, 'warn', /none/],
  ['subscription', { pve: { subscription: 'expired' } }, 'warn', /expired/],
  ['subscription', { pve: { version: undefined, major: undefined } }, 'skipped', /no Proxmox/],
  ['shell', { basics: { noise: 'Welcome!\nmore' } }, 'warn', /"Welcome!"/],
]

for (const [id, changes, verdict, saw] of CASES) {
  test(`${id}: ${saw.source} is ${verdict}`, () => {
    const result = row(id, changes)
    assert.is(result.verdict, verdict, JSON.stringify(result))
    assert.match(result.saw, saw)
  })
}

test('clocks of members count, against the node and not against this machine', () => {
  const members = new Map([['pve1', goodMember({ skewMs: 10_000 })]])
  assert.match(row('clock', { skewMs: 10_000 }, undefined, members).saw, '10.0 s ahead of this machine')
  assert.match(row('clock', {}, undefined, members).saw, '10.0 s behind pve1')
})

test('a member of another major release stops the node', () => {
  const result = row('version', {}, undefined, new Map([['pve1', goodMember({ pve: { version: '9.0.3', major: 9 } })]]))
  assert.is(result.verdict, 'fail')
  assert.match(result.saw, '8.2.4, but pve1 has 9.0.3')
})

const join = (changes: SurveyChanges, more: Partial<Extract<JoinView, { kind: 'join' }>> = {}): JoinView => ({
  ...(JOIN as Extract<JoinView, { kind: 'join' }>),
  member: goodMember(changes),
  ...more,
})
/** A cluster in which the node's name is taken, by a member of this address, or with this one in corosync.conf. */
const taken = (ip: string | undefined, ring?: string) => {
  const node = ring === undefined ? '' : `node {\n    name: pve4\n    nodeid: 3\n    ring0_addr: ${ring}\n  }\n`
  return join({
    cluster: {
      members: [
        { name: 'pve1', online: true, ip: '192.0.2.11' },
        { name: 'pve4', online: ip !== undefined, ip },
      ],
      corosyncConf: `nodelist {\n  ${node}}\n`,
    },
  })
}
const WAY = (blocked: readonly number[], busy: readonly number[] = []) => ({ open: [5406], blocked, busy })

const JOIN_CASES: readonly (readonly [string, SurveyChanges, JoinView, Row['verdict'], RegExp])[] = [
  ['pmxcfs', { cluster: { state: 'none' } }, JOIN, 'fail', /not mounted/],
  ['pmxcfs', { cluster: { writable: false } }, JOIN, 'fail', /read-only/],
  ['pmxcfs', { pve: { version: undefined, major: undefined } }, JOIN, 'fail', /no Proxmox/],
  ['membership', { cluster: { state: 'member', cluster: 'other' } }, JOIN, 'fail', /in the cluster other, not in prod/],
  ['membership', { cluster: { state: 'member', cluster: 'prod' } }, JOIN, 'pass', /in prod already/],
  ['membership', { cluster: { hasAuthKey: true } }, JOIN, 'fail', /authkey/],
  ['membership', { cluster: { corosyncConf: 'totem {}' } }, JOIN, 'fail', /corosync\.conf/],
  ['membership', { cluster: { corosyncActive: true } }, { kind: 'create', name: 'x' }, 'fail', /corosync runs/],
  ['membership', { cluster: { hasAuthKey: true } }, { kind: 'create', name: 'x' }, 'pass', /none/],
  ['member-name', {}, JOIN, 'pass', /no other pve4/],
  ['member-name', {}, taken('192.0.2.99'), 'fail', /has a member pve4 already \(192\.0\.2\.99\)/],
  ['member-name', { cluster: { nodeName: 'PVE4' } }, taken('192.0.2.99'), 'fail', /has a member pve4 already/],
  ['member-name', {}, taken(undefined), 'fail', /has a member pve4 already/],
  ['member-name', {}, taken(undefined, '192.0.2.13'), 'fail', /\(192\.0\.2\.13\)/],
  ['member-name', {}, taken(undefined, '192.0.2.14'), 'pass', /as this node/],
  ['member-name', {}, taken('192.0.2.14'), 'pass', /as this node/],
  ['guests', { cluster: { guests: ['qemu-server/100'] } }, JOIN, 'fail', /qemu-server\/100/],
  ['quorum', {}, join({ cluster: { state: 'alone', cluster: undefined } }), 'fail', /in no cluster/],
  ['quorum', {}, join({ cluster: { quorate: false } }), 'fail', /no quorum/],
  ['quorum', {}, join({ cluster: { voteQuorate: false } }), 'fail', /no quorum/],
  ['quorum', {}, join({ cluster: { writable: false } }), 'fail', /read-only on pve1/],
  ['member-shell', {}, join({ basics: { noise: 'hello' } }), 'fail', /prints text/],
  ['corosync-ports', {}, join({}, { ports: undefined }), 'skipped', /not tried/],
  ['corosync-ports', {}, join({}, { ports: { there: WAY([5405]), back: WAY([]) } }), 'fail', /to pve1: udp 5405/],
  [
    'corosync-ports',
    {},
    join({}, { ports: { there: WAY([]), back: WAY([5405, 5407]) } }),
    'fail',
    /from pve1: udp 5405, 5407/,
  ],
  ['corosync-ports', {}, join({}, { ports: { there: WAY([], [5405]), back: WAY([]) } }), 'pass', /5405 in use/],
]

for (const [id, changes, view, verdict, saw] of JOIN_CASES) {
  test(`${view.kind} ${id}: ${saw.source} is ${verdict}`, () => {
    const result = row(id, changes, view)
    assert.is(result.verdict, verdict, JSON.stringify(result))
    assert.match(result.saw, saw)
  })
}

test('a member that is away is a warning that names it', () => {
  const members = [
    { name: 'pve1', online: true, ip: '192.0.2.11' },
    { name: 'pve2', online: true, ip: '192.0.2.12' },
    { name: 'pve3', online: false, ip: undefined },
  ]
  const result = row('quorum', {}, join({ cluster: { members } }))
  assert.is(result.verdict, 'warn')
  assert.match(result.saw, '2 of 3 members online; pve3 missing')
})

test('failures that are ignored become warnings, others stay', () => {
  const bad = rows({ basics: { pending: 'differs', freeMiB: 1 } })
  const verdicts = Object.fromEntries(ignoring(bad, ['pending', 'nics']).map(({ id, verdict }) => [id, verdict]))
  assert.is(verdicts.pending, 'warn')
  assert.is(verdicts.disk, 'fail')
  assert.is(verdicts.nics, 'pass')
})

test('members that cannot be told of the node are named', () => {
  assert.is(membersRow([], new Map()).verdict, 'pass')
  const row = membersRow(['pve3'], new Map([['pve2', 'no route']]))
  assert.is(row.verdict, 'warn')
  assert.match(row.saw, 'not in the inventory: pve3; not reached: pve2')
})

test('every check can be named by --ignore', () => {
  const ids = [...rows({}, JOIN), membersRow([], new Map())].map(({ id }) => id)
  assert.equal(ids, [...ROW_IDS])
})

test('ports are told as ranges', () => {
  assert.is(ranges([5407, 5405, 5406, 5412, 5405]), '5405-5407, 5412')
  assert.is(ranges([]), '')
})

test.run()
