import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Adopter, Way } from '../../src/adopt/adopter.ts'
import { pveAccessAdopter } from '../../src/adopt/adopters/pve-access.ts'
import { pveFirewallAdopter } from '../../src/adopt/adopters/pve-firewall.ts'
import { systemAdopter } from '../../src/adopt/adopters/system.ts'
import { plainParams } from '../../src/adopt/expand.ts'
import { configurationIn } from '../../src/facts/configuration-files.ts'
import { filesIn } from '../../src/facts/directory-files.ts'
import type { FactUpdate } from '../../src/facts/fact.ts'
import { fileAt } from '../../src/facts/file.ts'
import { packageNamed } from '../../src/facts/package.ts'
import { pvePermissionsRef, pveRolesRef, pveUsersRef } from '../../src/facts/pve-access.ts'
import { taskTypes } from '../../src/tasks/index.ts'
import { fact, fileState, modelOf } from '../helpers/model.ts'

const test = suite('adopt: Proxmox VE')

interface Found {
  /** First ways: type and parameters of each task. */
  readonly tasks: readonly (readonly [string, unknown])[]
  readonly left: readonly string[]
}

/** What an adopter finds; every task must be one that its type takes. */
function adopt(adopter: Adopter, ...facts: readonly FactUpdate[]): Found {
  const { findings, leftOvers } = adopter.adopt({ host: 'node1', model: modelOf(...facts) })
  const tasks = findings.flatMap(({ ways: [first] }: { readonly ways: readonly [Way, ...Way[]] }) => first.tasks)
  for (const task of tasks) {
    const type = taskTypes.find(({ name }) => name === task.type)
    assert.ok(type?.params.safeParse(plainParams(task)).success, `${task.type} ${JSON.stringify(plainParams(task))}`)
  }
  return { tasks: tasks.map((task) => [task.type, plainParams(task)]), left: leftOvers.map(({ what }) => what) }
}

const CLUSTER = `[OPTIONS]

enable: 1
policy_in: DROP
weird: 3

[ALIASES]

office 192.0.2.0/24 # the office

[IPSET management] # admins

192.0.2.0/24
!192.0.2.66 # not him

[RULES]

GROUP web -i vmbr0
|IN ACCEPT -p tcp -dport 8006 # off

[group web]

IN HTTP(ACCEPT)
`

test('firewalls of cluster and node', () => {
  const host = '[OPTIONS]\nnf_conntrack_max: 100000\nnf_conntrack_helpers: ftp,tftp\n'
  const { tasks, left } = adopt(
    pveFirewallAdopter,
    fact(fileAt('/etc/pve/firewall/cluster.fw'), fileState(CLUSTER)),
    fact(fileAt('/etc/pve/local/host.fw'), fileState(host)),
  )
  assert.equal(tasks, [
    [
      'pve_firewall_cluster',
      {
        options: { enable: true, policy_in: 'DROP' },
        aliases: { office: { address: '192.0.2.0/24', comment: 'the office' } },
        ipsets: {
          management: {
            entries: ['192.0.2.0/24', { address: '192.0.2.66', nomatch: true, comment: 'not him' }],
            comment: 'admins',
          },
        },
        groups: { web: { rules: ['IN HTTP(ACCEPT)'] } },
        rules: ['GROUP web -i vmbr0', '|IN ACCEPT -p tcp -dport 8006 # off'],
      },
    ],
    ['pve_firewall_host', { options: { nf_conntrack_max: 100_000, nf_conntrack_helpers: ['ftp', 'tftp'] } }],
  ])
  assert.equal(left, ['`weird: 3` in /etc/pve/firewall/cluster.fw'])
})

test('a node without firewall files', () => {
  const absent = { type: 'absent' } as const
  const paths = ['/etc/pve/firewall/cluster.fw', '/etc/pve/local/host.fw']
  assert.equal(adopt(pveFirewallAdopter, ...paths.map((path) => fact(fileAt(path), absent))), { tasks: [], left: [] })
})

test('roles, accounts and permissions; passwords and tokens are named', () => {
  const user = {
    enabled: true,
    expire: 0,
    firstname: '',
    lastname: '',
    email: '',
    comment: '',
    groups: [],
    tokens: [],
    hasPassword: false,
  }
  const { tasks, left } = adopt(
    pveAccessAdopter,
    fact(pveUsersRef, {
      rows: [
        { ...user, userid: 'root@pam' },
        {
          ...user,
          userid: 'alice@pve',
          groups: ['web'],
          comment: 'runs web',
          expire: 1_800_000_000,
          tokens: ['alice@pve!ci'],
          hasPassword: true,
        },
      ],
    }),
    fact(pveRolesRef, {
      rows: [
        { roleid: 'Op', privs: ['VM.Console', 'VM.Audit'], special: false },
        { roleid: 'PVEAuditor', privs: ['VM.Audit'], special: true },
      ],
    }),
    fact(pvePermissionsRef, {
      rows: [
        { path: '/vms/100', type: 'user', who: 'alice@pve', roleid: 'Op', propagate: false },
        { path: '/', type: 'token', who: 'alice@pve!ci', roleid: 'PVEAuditor', propagate: true },
      ],
    }),
  )
  assert.equal(tasks, [
    ['pve_role', { role: 'Op', privs: ['VM.Audit', 'VM.Console'] }],
    ['pve_user', { userid: 'alice@pve', comment: 'runs web', expires: '2027-01-15', groups: ['web'] }],
    ['pve_acl', { path: '/vms/100', roles: ['Op'], users: ['alice@pve'], propagate: false }],
    ['pve_acl', { path: '/', roles: ['PVEAuditor'], tokens: ['alice@pve!ci'] }],
  ])
  assert.equal(left, ['password of alice@pve', 'API token alice@pve!ci'])
  const none = { missing: 'pveum' } as const
  assert.equal(
    adopt(pveAccessAdopter, fact(pveUsersRef, none), fact(pveRolesRef, none), fact(pvePermissionsRef, none)),
    { tasks: [], left: [] },
  )
})

test('names in /etc/hosts, and repositories', () => {
  const list = '/etc/apt/sources.list.d/pve.list'
  const hosts =
    '127.0.0.1 localhost\n192.0.2.11 pve1.example.org pve1 # me\n::1 ip6-localhost\n192.0.2.11 alias\n192.0.2.12 pve2\n'
  const source = 'deb http://download.proxmox.com/debian/pve bookworm pve-no-subscription\n'
  const about = (installed: boolean) => [
    fact(fileAt('/etc/hosts'), fileState(hosts)),
    fact(packageNamed('pve-manager'), { installed }),
    fact(configurationIn('/etc/apt/sources.list.d'), [
      { path: list, type: 'file', mode: '0644', owner: 'root:root', size: 1, origin: 'own' },
    ] as const),
    fact(filesIn('/etc/apt/sources.list.d'), [{ path: list, content: Buffer.from(source) }]),
  ]
  const names = [
    ['hosts_entry', { address: '192.0.2.11', names: ['pve1.example.org', 'pve1', 'alias'] }],
    ['hosts_entry', { address: '192.0.2.12', names: ['pve2'] }],
    ['time_sync', {}],
  ]
  assert.equal(adopt(systemAdopter, ...about(true)).tasks, [...names, ['pve_repository', { channel: 'enterprise' }]])
  assert.equal(adopt(systemAdopter, ...about(false)).tasks, [
    ...names,
    ['file', { path: list, source: `files/node1${list}` }],
  ])
})

test.run()
