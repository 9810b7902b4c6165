import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { taskTypes } from '../../src/tasks/index.ts'
import type { BetweenCheck } from '../../src/verify/check.ts'
import { proverOf } from '../../src/verify/kinds/index.ts'
import { hostContext } from '../helpers/host-context.ts'
import { evidence, hostView } from '../helpers/node-view.ts'

const test = suite('what is seen to pass between networks')

const NETWORKS = [
  { name: 'web', address: '10.20.1.1/24' },
  { name: 'db', address: '10.20.2.1/24' },
  { name: 'admin', address: '10.20.9.1/24' },
]

function checksOf(more: object, networks: readonly object[] = NETWORKS): readonly BetweenCheck[] {
  const type = taskTypes.find(({ name }) => name === 'partition')
  assert.ok(type)
  return (type.checks?.(type.params.parse({ networks, ...more }), hostContext()) ?? []) as readonly BetweenCheck[]
}

const tries = (check: BetweenCheck | undefined) =>
  check?.tries.map(
    ({ name, address, protocol, port, passes }) => `${passes ? '+' : '-'} ${address ?? name} ${protocol} ${port}`,
  )
const titles = (checks: readonly BetweenCheck[]) => checks.map((check) => proverOf(check).title(check, hostView()))

test('of each pair one that is allowed and one that is not', () => {
  const checks = checksOf({ allow: ['web -> db:5432', 'admin -> web', '* -> db:udp/514', 'db -> web:9-11'] })
  assert.equal(tries(checks[0]), ['+ db tcp 5432', '- db tcp 9', '- admin tcp 9'])
  assert.equal(tries(checks[1]), ['+ web tcp 9', '- web tcp 12', '- admin tcp 9'])
  assert.equal(tries(checks[2]), ['+ web tcp 9', '+ db udp 514', '- db tcp 9'])
  assert.equal(titles(checks), [
    'guests of web reach db:5432, and nothing else in db, admin',
    'guests of db reach web:9, and nothing else in web, admin',
    'guests of admin reach web, db:udp/514, and nothing else in db',
  ])
})

test('one guest alone is asked itself; of UDP to it nothing is known', () => {
  const checks = checksOf({ allow: ['web -> 10.20.2.7:22', 'admin -> 10.20.2.7:udp/53'] })
  assert.equal(tries(checks[0]), ['+ 10.20.2.7 tcp 22', '- db tcp 9', '- admin tcp 9'])
  assert.equal(tries(checks[2]), ['- web tcp 9', '- db tcp 9'])
})

test('nothing where nothing is kept apart', () => {
  assert.equal(checksOf({ isolate: false }), [])
  assert.equal(checksOf({}, NETWORKS.slice(0, 1)), [])
  assert.equal(checksOf({ state: 'absent' }), [])
  assert.equal(
    checksOf({ router: {} }, [
      { name: 'web', bridge: 'web' },
      { name: 'db', bridge: 'db' },
    ]),
    [],
  )
})

test('many networks are counted, not listed', () => {
  const many = Array.from({ length: 6 }, (_, i) => ({ name: `net${i}`, address: `10.20.${i}.1/24` }))
  assert.is(titles(checksOf({}, many))[0], 'guests of net0 reach nothing in 5 other networks')
})

/** The table as nft prints it. */
function nft(rules: readonly object[], policy = 'accept'): string {
  const place = { family: 'inet', table: 'pvectl-partition' }
  const chain = { ...place, name: 'forward', type: 'filter', hook: 'forward', policy }
  return JSON.stringify({
    nftables: [{ chain }, ...rules.map((expr) => ({ rule: { ...place, chain: 'forward', expr } }))],
  })
}

const meta = (key: string, right: unknown) => ({ match: { op: '==', left: { meta: { key } }, right } })
const port = { match: { op: '==', left: { payload: { protocol: 'tcp', field: 'dport' } }, right: 5432 } }
const PASS = [meta('iifname', 'vmbr1'), meta('oifname', 'vmbr2'), port, { accept: null }]
const SHUT = [meta('iifname', 'vmbr1'), meta('oifname', { set: ['vmbr2', 'vmbr3'] }), { drop: null }]

const check: BetweenCheck = {
  kind: 'between',
  seat: { interface: 'vmbr1', network: '10.10.10.0/24' },
  name: 'web',
  table: 'pvectl-partition',
  tries: [
    { name: 'db', to: { interface: 'vmbr2' }, protocol: 'tcp', port: 5432, passes: true },
    { name: 'db', to: { interface: 'vmbr2' }, protocol: 'tcp', port: 9, passes: false },
  ],
}
const toGuest: BetweenCheck = {
  ...check,
  tries: [{ name: 'db', to: { interface: 'vmbr2' }, address: '10.20.2.7', protocol: 'tcp', port: 22, passes: true }],
}

const open = { open: 1, address: '10.20.2.254' }
const silence = { silence: 1, address: '10.20.2.254' }
const seen = (...results: object[]) => ({ tries: results, alive: 1, from: '10.10.10.254' })

type Given = Parameters<typeof evidence>[0]
const CASES: readonly (readonly [string, BetweenCheck, Given, RegExp])[] = [
  ['as described', check, { seen: seen(open, silence) }, /^passed: db:5432 answers; db:9 does not$/],
  [
    'the table is gone',
    check,
    { seen: seen(open, open) },
    /^failed: db:9 answers; the table inet pvectl-partition of nftables is gone/,
  ],
  [
    'the rule that drops is gone',
    check,
    { seen: seen(open, open), node: { nft: nft([PASS]) } },
    /^failed: db:9 answers; no rule of inet pvectl-partition drops what goes from vmbr1 to vmbr2/,
  ],
  [
    'a rule lets all pass',
    check,
    { seen: seen(open, open), node: { nft: nft([[meta('iifname', 'vmbr1'), { accept: null }], SHUT]) } },
    /^failed: db:9 answers; a rule lets it pass: .*iifname vmbr1 accept/,
  ],
  [
    'the rule that accepts is gone',
    check,
    { seen: seen(silence, silence), node: { nft: nft([SHUT]) } },
    /^failed: db:5432: no answer; no rule of inet pvectl-partition lets tcp port 5432 pass .*\{ vmbr2, vmbr3 \} drop\)/,
  ],
  [
    'another policy',
    check,
    { seen: seen(silence, silence), node: { nft: nft([], 'drop') } },
    /^failed: db:5432: no answer; .*\(policy of forward\)/,
  ],
  [
    'another firewall',
    check,
    {
      seen: seen(silence, silence),
      node: { nft: nft([PASS, SHUT]), iptables: '*filter\n:FORWARD DROP [0:0]\nCOMMIT\n' },
    },
    /^failed: .*iptables: policy of FORWARD is drop/,
  ],
  [
    'forwarding is off: silence proves nothing',
    { ...check, tries: check.tries.slice(1) },
    { seen: seen(silence), node: { forwarding: 'ip_forward:0' } },
    /^skipped: db:9: IPv4 forwarding is off/,
  ],
  [
    'a guest that the node does not answer proves nothing',
    { ...check, tries: check.tries.slice(1) },
    { seen: { tries: [silence] } },
    /^skipped: db:9: the node does not answer guests of vmbr1/,
  ],
  [
    'no guest in the other network',
    check,
    { seen: seen({ why: 'the node does not see it' }, silence) },
    /^skipped: db:5432 not tried: the node does not see it$/,
  ],
  ['nobody knows why', check, { seen: seen(silence, silence) }, /^failed: .*nothing on the node is seen to stop it/],
  [
    'a guest that refuses is reached',
    toGuest,
    { seen: seen({ error: 'Connection refused' }) },
    /^passed: 10\.20\.2\.7:22/,
  ],
  ['a guest that is silent', toGuest, { seen: seen(silence) }, /^skipped: .*does not answer the node either/],
  ['no such bridge', check, { seen: { place: { missing: 1, interface: 'vmbr1' } } }, /^failed: there is no vmbr1/],
]

for (const [name, one, given, wanted] of CASES) {
  test(name, () => {
    const { status, saw, cause } = proverOf(one).judge(one, evidence(given))
    assert.match([`${status}: ${saw}`, cause].filter(Boolean).join('; '), wanted)
  })
}

test.run()
