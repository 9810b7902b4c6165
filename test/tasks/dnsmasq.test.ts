import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { type DirectoryFiles, filesIn } from '../../src/facts/directory-files.ts'
import type { FactUpdate } from '../../src/facts/fact.ts'
import { type FileState, fileAt } from '../../src/facts/file.ts'
import { interfacesRef } from '../../src/facts/interfaces.ts'
import { linksRef } from '../../src/facts/links.ts'
import type { Model } from '../../src/facts/model.ts'
import { packageNamed } from '../../src/facts/package.ts'
import { sdnRef } from '../../src/facts/sdn.ts'
import { socketsRef } from '../../src/facts/sockets.ts'
import { type UnitState, unitNamed } from '../../src/facts/unit.ts'
import type { PlanBlocked, Resource } from '../../src/resources/resource.ts'
import { dnsmasqTask } from '../../src/tasks/dnsmasq.ts'
import { hostContext } from '../helpers/host-context.ts'
import { fact, fileState, NOW, summaries, unitState } from '../helpers/model.ts'
import { bridge } from '../helpers/network-node.ts'
import { planAll } from '../helpers/plan-all.ts'
import { firewallNode } from '../helpers/pve-firewall-node.ts'

const test = suite('dnsmasq')
const ABSENT: FileState = { type: 'absent' }
const OWN = '/etc/dnsmasq.d/pvectl-vmbr1.conf'
const DROP_IN = '/etc/systemd/system/dnsmasq.service.d/pvectl.conf'
const DROP_IN_TEXT = '# Managed by pvectl: changes made here will be overwritten.\n[Unit]\nAfter=networking.service\n'
const BASE = { interface: 'vmbr1', subnet: '10.0.0.1/16' }
const RANGE = { start: '10.0.1.0', end: '10.0.2.0' }

function expand(params: unknown): readonly Resource[] {
  return dnsmasqTask.resources(dnsmasqTask.params.parse(params), hostContext())
}

function text(params: object): string {
  const model = node()
  const plan = planAll(expand({ ...BASE, ...params }), model).find(({ changes }) => changes[0]?.diff?.path === OWN)
  return plan?.changes[0]?.diff?.after?.toString() ?? ''
}

interface Node {
  /** IPv6 addresses of vmbr1; default: fd00:10::1/64. */
  ipv6?: readonly string[]
  installed?: boolean
  main?: string
  files?: Record<string, string>
  unit?: Partial<UnitState>
  dropIn?: boolean
}

function quietNode(): Model {
  return firewallNode({ state: { resolved: [] } }).with([
    fact(socketsRef, []),
    fact(sdnRef, { vnets: [], subnets: [] }),
  ])
}

/** A node on which dnsmasq is not installed, unless told otherwise. */
function node({
  ipv6 = ['fd00:10::1/64', 'fe80::1/64'],
  installed = false,
  main,
  files = {},
  unit,
  dropIn = installed,
}: Node = {}) {
  const list: DirectoryFiles = Object.entries(files).map(([path, content]) => ({ path, content: Buffer.from(content) }))
  const missing = unitState({ load: 'not-found', active: 'inactive', enabled: '', activeSince: 0, changedAt: 0 })
  const addresses = ipv6.map((cidr) => ({ cidr, family: 6 as const, scope: 'global' }))
  const updates: FactUpdate[] = [
    fact(linksRef, { links: [{ ...bridge('vmbr1'), addresses }], routes: [] }),
    fact(interfacesRef, { main: undefined, mode: '0644', owner: 'root:root', pending: undefined, sourced: [] }),
    fact(packageNamed('dnsmasq'), { installed }),
    fact(unitNamed('dnsmasq.service'), installed ? unitState(unit) : missing),
    fact(fileAt('/etc/dnsmasq.conf'), main === undefined ? ABSENT : fileState(main)),
    fact(fileAt('/etc/default/dnsmasq'), ABSENT),
    fact(fileAt('/etc/dnsmasq.d'), fileState('', { type: 'directory', mode: '0755' } as Partial<FileState>)),
    fact(filesIn('/etc/dnsmasq.d'), list),
    fact(fileAt(DROP_IN), dropIn ? fileState(DROP_IN_TEXT) : ABSENT),
    ...[OWN, '/etc/dnsmasq.d/pvectl-vmbr2.conf', '/etc/dnsmasq.d/lan.conf'].map((path) => {
      const content = files[path]
      return fact(fileAt(path), content === undefined ? ABSENT : fileState(content))
    }),
  ]
  // Of a node without Proxmox VE, on which nobody else listens.
  return quietNode().with(updates)
}

test('a fresh node: installed with the daemon held, configured, started', () => {
  const plans = planAll(expand({ ...BASE, ranges: [RANGE] }), node())
  assert.equal(plans.flatMap(summaries), [
    'install dnsmasq',
    `create ${DROP_IN} (0644 root:root)`,
    `create ${OWN} (0644 root:root)`,
    'enable dnsmasq.service',
    'start dnsmasq.service',
  ])
  assert.match(plans[0]?.script.display ?? '', 'mask -q --runtime')
  assert.match(plans[1]?.script.display ?? '', /absent\nsystemctl daemon-reload$/)
  assert.match(plans[2]?.script.display ?? '', 'dnsmasq --test')
})

test('the file: bound to the bridge alone, options by its tag', () => {
  const example = parse(dnsmasqTask.example) as { dnsmasq: object }
  assert.is(
    text(example.dnsmasq),
    [
      '# Managed by pvectl: changes made here will be overwritten.',
      'interface=vmbr1',
      'except-interface=lo',
      'bind-dynamic',
      'domain-needed',
      'bogus-priv',
      'domain=lab.internal,10.0.0.0/16',
      'local=/lab.internal/',
      'expand-hosts',
      'no-resolv',
      'server=9.9.9.9',
      'dhcp-authoritative',
      'dhcp-range=set:vmbr1,10.0.100.1,10.0.199.254,255.255.0.0,12h',
      'dhcp-option=tag:vmbr1,option:router,10.0.0.1',
      'dhcp-option=tag:vmbr1,option:dns-server,10.0.0.1',
      'dhcp-host=bc:24:11:aa:bb:cc,10.0.0.20,web1',
      'host-record=web1,web1.lab.internal,10.0.0.20',
      'host-record=proxy,proxy.lab.internal,10.0.0.2',
      'dhcp-name-match=set:wpad-ignore,wpad',
      'dhcp-ignore-names=tag:wpad-ignore',
      '',
    ].join('\n'),
  )
})

const LINES: [string, object, string][] = [
  ['no router', { ranges: [RANGE], router: false }, 'dhcp-option=tag:vmbr1,option:router\n'],
  ['another router', { ranges: [RANGE], router: '10.0.0.254' }, 'option:router,10.0.0.254\n'],
  ['name servers', { ranges: [RANGE], dns: ['1.1.1.1', '9.9.9.9'] }, 'option:dns-server,1.1.1.1,9.9.9.9\n'],
  [
    'reservations alone',
    { reservations: [{ mac: 'AA:00:00:00:00:01', ip: '10.0.0.9' }] },
    'dhcp-range=set:vmbr1,10.0.0.0,static,255.255.0.0,12h\n',
  ],
  ['option by number', { ranges: [RANGE], options: [{ option: 42, value: '10.0.0.1' }] }, 'tag:vmbr1,42,10.0.0.1\n'],
  ['wildcard', { records: { '*.apps.lab': '10.0.0.3' } }, 'address=/apps.lab/10.0.0.3\n'],
  ['several addresses', { records: { a: ['10.0.0.3', 'fd00::1'] } }, 'host-record=a,10.0.0.3\nhost-record=a,fd00::1\n'],
  ['alias', { domain: 'lab', records: { a: '10.0.0.3' }, aliases: { www: 'a' } }, 'cname=www,www.lab,a.lab\n'],
  [
    'advertisements',
    { ipv6_ra: true },
    'enable-ra\ndhcp-range=set:vmbr1,::,constructor:vmbr1,ra-stateless,ra-names,64,12h\n',
  ],
  [
    'advertisements with names',
    { ipv6_ra: { subnet: 'fd00:10::1/64' }, domain: 'lab.internal' },
    'dhcp-option=tag:vmbr1,option6:domain-search,lab.internal\ndomain=lab.internal,fd00:10::/64\n',
  ],
  [
    'advertisements of other name servers, and of no way out',
    { ipv6_ra: { dns: ['fd00:10::53', 'fd00:10::54'], router: false } },
    'dhcp-option=tag:vmbr1,option6:dns-server,[fd00:10::53],[fd00:10::54]\nra-param=vmbr1,0,0\n',
  ],
  ['extra', { extra: ['log-queries'] }, '\nlog-queries\n'],
]
for (const [name, params, expected] of LINES) {
  test(`line: ${name}`, () => assert.ok(text(params).includes(expected), text(params)))
}

test('DNS alone has no DHCP lines', () => assert.not.match(text({ records: { a: '10.0.0.2' } }), 'dhcp'))

const MISTAKES: [string, object, string[]][] = [
  [
    'another prefix than /64',
    { ipv6_ra: { subnet: 'fd00:10::1/48' } },
    ["ipv6_ra.subnet: must be the node's IPv6 address with /64, e.g. fd00:10::1/64"],
  ],
  [
    'range outside',
    { ranges: [{ start: '10.1.0.1', end: '10.0.0.9' }] },
    ['ranges.0.start: 10.1.0.1 is not in 10.0.0.0/16'],
  ],
  [
    'range reversed',
    { ranges: [{ start: '10.0.0.9', end: '10.0.0.2' }] },
    ['ranges.0: begins (10.0.0.9) after its end (10.0.0.2)'],
  ],
  [
    'range to broadcast',
    { ranges: [{ start: '10.0.0.9', end: '10.0.255.255' }] },
    ['ranges.0.end: 10.0.255.255 is the broadcast address of 10.0.0.0/16'],
  ],
  ['ranges overlap', { ranges: [RANGE, { start: '10.0.1.9', end: '10.0.9.9' }] }, ['ranges.1: overlaps with range 1']],
  [
    'lease',
    { ranges: [{ ...RANGE, lease: '12 hours' }] },
    ['ranges.0.lease: must be a time such as 45m, 12h or 7d, or infinite'],
  ],
  [
    'reservations: all at once',
    {
      reservations: [
        { mac: 'aa:00:00:00:00:01', ip: '10.0.0.1', name: 'a' },
        { mac: 'AA:00:00:00:00:01', ip: '10.9.0.1', name: 'A' },
        { mac: 'aa:00:00:00:00:03', ip: '10.0.0.0' },
        { mac: 'aa:00:00:00:00:04', ip: '10.0.255.255' },
        { mac: 'aa:00:00:00:00:05', ip: '10.0.255.255' },
      ],
    },
    [
      'reservations.0.ip: 10.0.0.1 is the address of the node itself',
      'reservations.1.ip: 10.9.0.1 is not in 10.0.0.0/16',
      'reservations.2.ip: 10.0.0.0 is the address of the network itself',
      'reservations.3.ip: 10.0.255.255 is the broadcast address of 10.0.0.0/16',
      'reservations.4.ip: 10.0.255.255 is the broadcast address of 10.0.0.0/16',
      'reservations.1.mac: aa:00:00:00:00:01 is in reservation 1 already',
      'reservations.4.ip: 10.0.255.255 is in reservation 4 already',
      'reservations.1.name: a is in reservation 1 already',
    ],
  ],
  [
    'mac',
    { reservations: [{ mac: 'aa-00', ip: '10.0.0.9' }] },
    ['reservations.0.mac: must be a hardware address such as bc:24:11:aa:bb:cc'],
  ],
  [
    'network as subnet',
    { subnet: '10.0.0.0/16' },
    ["subnet: 10.0.0.0/16 is no host address: give the node's own, e.g. 10.0.0.1"],
  ],
  [
    'no subnet',
    { subnet: undefined },
    ["subnet: must be the node's address and prefix length (8 to 30), e.g. 10.0.0.1/16"],
  ],
  [
    'router outside',
    { router: '192.168.0.1' },
    ['router: 192.168.0.1 is not in 10.0.0.0/16, so guests could not reach it'],
  ],
  ['record', { records: { a: 'nowhere' } }, ['records.a: must be an IP address, or a list of such']],
  [
    'one name, two addresses',
    { reservations: [{ mac: 'aa:00:00:00:00:01', ip: '10.0.0.9', name: 'a' }], records: { A: '10.0.0.8' } },
    ['records.A: A is the name of a reservation too'],
  ],
  ['alias of itself', { aliases: { a: 'A' } }, ['aliases.a: is an alias of itself']],
  [
    'aliases in a circle',
    { aliases: { a: 'b', b: 'C', c: 'a', d: 'a' } },
    ['a', 'b', 'c'].map((name) => `aliases.${name}: leads back to ${name}: dnsmasq would not start`),
  ],
  [
    'an option cut short by what reads like a comment',
    { options: [{ option: 67, value: 'boot # 2' }] },
    ['options.0.value: must have no # after a blank'],
  ],
  ['port', { upstream: ['9.9.9.9#99999'] }, ['upstream.0: must have a port of 1 to 65535']],
  ['router as option', { options: [{ option: 3, value: '10.0.0.1' }] }, ['options.0.option: is what `router` is for']],
  ['a line break', { extra: ['a\nb'] }, ['extra.0: must not contain a line break']],
]
for (const [name, params, expected] of MISTAKES) {
  test(`mistake: ${name}`, () => {
    const issues = dnsmasqTask.params.safeParse({ ...BASE, ...params }).error?.issues ?? []
    assert.equal(
      issues.map(({ path, message }) => `${path.join('.')}: ${message}`),
      expected,
    )
  })
}

test('again: nothing; a file newer than the daemon: restart; stopped by hand: started', () => {
  const files = { [OWN]: text({}) }
  assert.equal(planAll(expand(BASE), node({ installed: true, files })), [])
  const since = { activeSince: NOW - 7_200_000 }
  const late = planAll(expand(BASE), node({ installed: true, files, unit: since })).flatMap(summaries)
  assert.equal(late, [`restart dnsmasq.service (${OWN} is newer)`])
  const stopped = node({ installed: true, files, unit: { active: 'inactive', enabled: 'disabled' } })
  assert.equal(planAll(expand(BASE), stopped).flatMap(summaries), ['enable dnsmasq.service', 'start dnsmasq.service'])
})

function blocked(params: object, model = node()): PlanBlocked {
  const resource = expand({ ...BASE, ...params }).find(({ kind }) => kind === 'dnsmasq_conflicts')
  const plan = resource?.plan(model)
  assert.is(plan?.kind, 'blocked')
  return plan as PlanBlocked
}

test('the same bridge or subnet by hand blocks, with the place', () => {
  const lan = (content: string) => node({ files: { '/etc/dnsmasq.d/lan.conf': content } })
  const plan = blocked({}, lan('# mine\n interface = vmbr1 # lan\ndhcp-range=10.0.0.5,10.0.0.9,1h\n'))
  assert.match(plan.reason, '/etc/dnsmasq.d/lan.conf:2 (interface=vmbr1), /etc/dnsmasq.d/lan.conf:3 (dhcp-range=')
  assert.match(plan.hint ?? '', 'replace: [/etc/dnsmasq.d/lan.conf]')
  assert.match(blocked({}, lan('interface=vmbr*')).reason, ':1')
  assert.match(blocked({}, lan('bind-interfaces')).reason, 'does not go with bind-dynamic')
  assert.match(blocked({}, node({ main: '#\nlisten-address=127.0.0.1,10.0.0.1\n' })).hint ?? '', 'comment out line 2')
})

test('other bridges, comments and ignored files by hand do not matter', () => {
  const files = {
    '/etc/dnsmasq.d/lan.conf': '#interface=vmbr1\ninterface=vmbr2\ndhcp-range=10.1.0.5,10.1.0.9\n',
    '/etc/dnsmasq.d/old.conf.dpkg-old': 'interface=vmbr1\n',
  }
  assert.ok(planAll(expand(BASE), node({ files })).length > 0)
})

test('replace removes the file by hand, and the daemon restarts', () => {
  const files = { '/etc/dnsmasq.d/lan.conf': 'interface=vmbr1\n', [OWN]: text({}) }
  const plans = planAll(expand({ ...BASE, replace: ['/etc/dnsmasq.d/lan.conf'] }), node({ installed: true, files }))
  assert.equal(plans.flatMap(summaries), [
    'remove /etc/dnsmasq.d/lan.conf',
    'restart dnsmasq.service (/etc/dnsmasq.d is newer)',
  ])
})

test('two bridges compose; overlapping subnets do not', () => {
  const second = { interface: 'vmbr2', subnet: '10.1.0.1/24', ranges: [{ start: '10.1.0.9', end: '10.1.0.99' }] }
  const both = planAll([...expand({ ...BASE, ranges: [RANGE] }), ...expand(second)], node())
  assert.equal(both.flatMap(summaries).slice(5), [
    'create /etc/dnsmasq.d/pvectl-vmbr2.conf (0644 root:root)',
    'restart dnsmasq.service (/etc/dnsmasq.d/pvectl-vmbr2.conf is newer)',
  ])
  const inside = { ...second, subnet: '10.0.1.1/24', ranges: [] }
  assert.throws(() => planAll([...expand({ ...BASE, ranges: [RANGE] }), ...expand(inside)], node()), /by hand|vmbr2/)
})

test('absent: the last one stops the daemon, another one restarts it, a foreign daemon is left alone', () => {
  const gone = { interface: 'vmbr1', state: 'absent' }
  const files = { [OWN]: text({}) }
  assert.equal(planAll(expand(gone), node({ installed: true, files })).flatMap(summaries), [
    `remove ${OWN}`,
    'disable dnsmasq.service',
    'stop dnsmasq.service',
    `remove ${DROP_IN}`,
  ])
  const others = { ...files, '/etc/dnsmasq.d/pvectl-vmbr2.conf': 'interface=vmbr2\n' }
  assert.equal(planAll(expand(gone), node({ installed: true, files: others })).flatMap(summaries), [
    `remove ${OWN}`,
    'restart dnsmasq.service (/etc/dnsmasq.d is newer)',
  ])
  assert.equal(planAll(expand(gone), node({ installed: true, dropIn: false })), [])
  assert.equal(planAll(expand(gone), node()), [])
})

for (const [ipv6, expected] of [
  [['fe80::1/64'], /vmbr1 has no IPv6 address, so there is no prefix to advertise/],
  [['fd00:10::1/48'], /vmbr1 has fd00:10::1\/48, and guests choose addresses in a \/64 only/],
] as const)
  test(`advertisements need a prefix: ${ipv6.join()}`, () => {
    const [, , resource] = expand({ ...BASE, ipv6_ra: true })
    const plan = resource?.plan(node({ ipv6 })) as PlanBlocked
    assert.is(plan.kind, 'blocked')
    assert.match(plan.reason, expected)
  })

test.run()
