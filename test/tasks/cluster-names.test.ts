import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fileAt } from '../../src/facts/file.ts'
import { hostsEntryTask } from '../../src/tasks/hosts-entry.ts'
import { knownHostTask } from '../../src/tasks/known-host.ts'
import { pveRepositoryTask } from '../../src/tasks/pve-repository.ts'
import { timeSyncTask } from '../../src/tasks/time-sync.ts'
import { hostContext } from '../helpers/host-context.ts'
import { fact, fileState, modelOf, planChange } from '../helpers/model.ts'
import { claimsOf, paramProblems } from '../helpers/param-problems.ts'

const test = suite('hosts_entry, known_host, pve_repository, time_sync')
const KEY = 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILJuP296/cd9qg42asVw2xX7BycV4GkegCuqaDHuggMU'

const RIGHT = [
  [hostsEntryTask, { address: '192.0.2.11', names: 'pve1' }],
  [hostsEntryTask, { address: '2001:db8::1', names: ['pve1.example.org', 'pve1'], state: 'absent' }],
  [knownHostTask, { names: ['pve2', '[192.0.2.12]:2222'], keys: `${KEY} root@pve2` }],
  [knownHostTask, { names: 'pve2', state: 'absent' }],
  [pveRepositoryTask, {}],
  [timeSyncTask, {}],
  [timeSyncTask, { servers: ['ntp.example.org', '192.0.2.1'] }],
] as const

const WRONG = [
  [hostsEntryTask, { address: 'pve1', names: 'pve1' }, 'address: must be an IP address'],
  [hostsEntryTask, { address: '192.0.2.11', names: 'pve_1' }, 'names: must be a host name'],
  [hostsEntryTask, { address: '192.0.2.11', names: [] }, 'names'],
  [knownHostTask, { names: 'pve2' }, 'keys: is missing'],
  [knownHostTask, { names: 'pve2', keys: KEY, state: 'absent' }, 'keys: does not go'],
  [knownHostTask, { names: 'pve*', keys: KEY }, 'names: must be a name'],
  [knownHostTask, { names: 'pve2', keys: '-----BEGIN OPENSSH PRIVATE KEY-----' }, 'keys: must be a public key'],
  [knownHostTask, { names: 'pve2', keys: KEY, file: 'known_hosts' }, 'file: must be an absolute path'],
  [pveRepositoryTask, { channel: 'free' }, 'channel'],
  [timeSyncTask, { servers: ['ntp.example.org iburst'] }, 'servers'],
] as const

for (const [type, params] of RIGHT) {
  test(`${type.name} ${JSON.stringify(params)} is taken`, () => assert.equal(paramProblems(type, params), []))
}

for (const [type, params, problem] of WRONG) {
  test(`${type.name}: ${problem}`, () => {
    const [first = ''] = paramProblems(type, params)
    assert.match(first.replace(/\.\d+:/, ':'), problem.split(':')[0] ?? '')
    assert.ok(first.includes(problem.split(': ')[1] ?? ''), first)
  })
}

test('two names of one node, or one name in both families, are no conflict; one name twice is', () => {
  const four = claimsOf(hostsEntryTask, { address: '192.0.2.11', names: 'pve1' })
  assert.is.not(four[0], claimsOf(hostsEntryTask, { address: '2001:db8::1', names: 'pve1' })[0])
  assert.is.not(four[0], claimsOf(hostsEntryTask, { address: '192.0.2.12', names: 'pve2' })[0])
  assert.is(four[0], claimsOf(hostsEntryTask, { address: '192.0.2.99', names: 'pve1' })[0])
})

test('entries for several members compose in one file', () => {
  const start = modelOf(fact(fileAt('/etc/hosts'), fileState('127.0.0.1 localhost\n')))
  const model = [1, 2].reduce((current, n) => {
    const params = hostsEntryTask.params.parse({ address: `192.0.2.1${n}`, names: `pve${n}` })
    return hostsEntryTask
      .resources(params, hostContext())
      .reduce((each, resource) => each.with(planChange(resource, each).after), current)
  }, start)
  const file = model.get(fileAt('/etc/hosts'))
  assert.is(
    file.type === 'file' ? file.content.toString() : '',
    '127.0.0.1 localhost\n192.0.2.12 pve2\n192.0.2.11 pve1\n',
  )
})

test.run()
