import { execFileSync, spawnSync } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Script } from '../../src/connection/script.ts'
import { factKey } from '../../src/facts/fact.ts'
import { Model } from '../../src/facts/model.ts'
import { userFact } from '../../src/facts/user.ts'
import type { Resource } from '../../src/resources/resource.ts'
import { pveAclTask } from '../../src/tasks/pve-acl.ts'
import { pveRoleTask } from '../../src/tasks/pve-role.ts'
import { pveUserTask } from '../../src/tasks/pve-user.ts'
import type { TaskType } from '../../src/tasks/task-type.ts'
import { hostContext } from '../helpers/host-context.ts'
import { NOW, planChange, summaries } from '../helpers/model.ts'
import { machineBelow } from '../helpers/run-here.ts'

const test = suite('pve_user, pve_role, pve_acl, on a stand-in for pveum')

let root = ''
let bin = ''
let machine: ReturnType<typeof machineBelow>

test.before.each(() => {
  seen.clear()
  root = mkdtempSync(join(tmpdir(), 'pveum-'))
  bin = join(root, 'bin')
  mkdirSync(bin)
  mkdirSync(join(root, 'etc/pve/priv'), { recursive: true })
  const source = readFileSync(join(import.meta.dirname, '../stand-ins/pveum-stand-in'), 'utf8')
  writeFileSync(join(bin, 'pveum'), source.replaceAll("'/etc/pve/", `'${root}/etc/pve/`), { mode: 0o755 })
  machine = machineBelow(root, ['/etc/pve'])
})
test.after.each(() => rmSync(root, { recursive: true, force: true }))

function config(): string {
  return readFileSync(join(root, 'etc/pve/user.cfg'), 'utf8')
}

function resource(type: TaskType, params: unknown): Resource {
  const [one] = type.resources(type.params.parse(params), hostContext())
  if (one === undefined) throw new Error('no resource')
  return one
}

/** What the node has said since the last step. */
const seen = new Map<string, unknown>()

/** Runs a step as a run does. */
function step(script: Script) {
  seen.clear()
  return machine.step(script, `${bin}:`)
}

/** What the node says now; its PATH begins with the stand-in. */
function observe({ reads }: Resource): Model {
  const old = process.env.PATH
  const states = reads.map((ref): [string, unknown] => {
    const known = seen.get(ref.kind.name)
    if (known !== undefined) return [factKey(ref), known]
    const script = ref.kind.observe([ref.id], 'mark').latin1.replaceAll('/etc/pve/', `${root}/etc/pve/`)
    const env = { ...process.env, PATH: `${bin}:${old}` }
    const output = execFileSync('sh', ['-c', script], { env, stdio: ['ignore', 'pipe', 'ignore'] })
    const state = ref.kind === userFact ? { exists: false } : ref.kind.parse(output, [ref.id], 'mark')[0]
    seen.set(ref.kind.name, state)
    return [factKey(ref), state]
  })
  return new Model(new Map(states), NOW)
}

/** Plans, runs the step, observes again: it must be as described. */
function converge(type: TaskType, params: unknown): readonly string[] {
  const one = resource(type, params)
  const plan = planChange(one, observe(one))
  const { code, stderr } = step(plan.script)
  assert.is(code, 0, stderr)
  assert.is(one.plan(observe(one)).kind, 'ok', `${one.title} after the step`)
  return summaries(plan)
}

function blocked(type: TaskType, params: unknown) {
  const one = resource(type, params)
  const plan = one.plan(observe(one))
  if (plan.kind !== 'blocked') throw new Error(`expected blocked: ${JSON.stringify(plan)}`)
  return `${plan.reason} / ${plan.hint ?? ''}`
}

test('an account with everything, then with other things, then none', () => {
  const said = converge(pveUserTask, {
    userid: 'alice@pve',
    comment: 'Größe: 10%',
    email: 'alice@example.org',
    firstname: 'Alice',
    groups: ['web', 'ops'],
    expires: '2027-06-30',
    password: "it's a \\ secret",
  })
  assert.equal(said.slice(0, 2), ['create the group web', 'create the group ops'])
  assert.match(said[2] ?? '', 'create the account alice@pve in web and ops, with a password')
  assert.match(readFileSync(join(root, 'etc/pve/priv/shadow.cfg'), 'utf8'), /^alice:\$5\$/)
  assert.match(config(), 'user:alice@pve:1:1814313600:Alice::alice@example.org:')
  const then = converge(pveUserTask, {
    userid: 'alice@pve',
    groups: ['db'],
    enabled: false,
    expires: 'never',
    comment: '',
  })
  assert.equal(then, [
    'comment of alice@pve: Größe: 10% → (none)',
    'disable alice@pve',
    'alice@pve expires: 2027-06-30 → never',
    'create the group db',
    'groups of alice@pve: + db',
  ])
  assert.match(config(), 'group:web:alice@pve:')
  converge(pveAclTask, { path: '/vms', roles: 'PVEVMUser', users: ['alice@pve'] })
  assert.equal(converge(pveUserTask, { userid: 'alice@pve', state: 'absent' }), [
    'remove the account alice@pve and its permissions',
  ])
  assert.not.match(config(), 'alice')
})

test('a password is set where there is none, and one that is there stays', () => {
  assert.match(converge(pveUserTask, { userid: 'bob@pve' }).join(), 'cannot log in before it has a password')
  const params = { userid: 'bob@pve', password: 'correct horse' }
  assert.equal(converge(pveUserTask, params), ['set a password for bob@pve, which has none'])
  const shadow = readFileSync(join(root, 'etc/pve/priv/shadow.cfg'), 'utf8')
  const one = resource(pveUserTask, { ...params, password: 'another one' })
  assert.is(one.plan(observe(one)).kind, 'ok')
  assert.is(readFileSync(join(root, 'etc/pve/priv/shadow.cfg'), 'utf8'), shadow)
})

test('a password never shows: not in the plan, not in the step as it is printed, not in any argument', () => {
  const one = resource(pveUserTask, { userid: 'eve@pve', password: 'hunter2hunter2' })
  const plan = planChange(one, observe(one))
  assert.not.match(JSON.stringify(plan) + plan.script.display, 'hunter2')
  writeFileSync(join(bin, 'real'), readFileSync(join(bin, 'pveum')), { mode: 0o755 })
  writeFileSync(join(bin, 'pveum'), `#!/bin/sh\necho "$@" >> ${root}/argv\nexec ${bin}/real "$@"\n`, { mode: 0o755 })
  assert.is(step(plan.script).code, 0)
  assert.not.match(readFileSync(join(root, 'argv'), 'utf8'), 'hunter2')
  assert.match(readFileSync(join(root, 'argv'), 'utf8'), 'passwd eve@pve')
})

test('an account that another node of the cluster has just made is brought to the same', () => {
  const params = { userid: 'carl@pve', comment: 'new', groups: ['ops'] }
  const one = resource(pveUserTask, params)
  const plan = planChange(one, observe(one))
  for (const args of [
    ['group', 'add', 'ops'],
    ['user', 'add', 'carl@pve', '--comment', 'old'],
  ])
    assert.is(spawnSync(join(bin, 'pveum'), args).status, 0)
  assert.is(step(plan.script).code, 0)
  assert.is(one.plan(observe(one)).kind, 'ok')
  const role = resource(pveRoleTask, { role: 'Ops', privs: ['VM.Audit'] })
  const create = planChange(role, observe(role))
  spawnSync(join(bin, 'pveum'), ['role', 'add', 'Ops', '--privs', 'VM.Console'])
  assert.is(step(create.script).code, 0)
  assert.is(role.plan(observe(role)).kind, 'ok')
})

test('a failure of pveum is that of the step, with its words', () => {
  const one = resource(pveUserTask, { userid: 'dora@pve' })
  const plan = planChange(one, observe(one))
  cpSync(join(bin, 'pveum'), join(bin, 'real'))
  writeFileSync(join(bin, 'pveum'), '#!/bin/sh\necho "cfs-lock error: no quorum!" >&2; exit 5\n', { mode: 0o755 })
  const { code, stderr } = step(plan.script)
  assert.is(code, 1)
  assert.match(stderr, 'no quorum!')
})

test('roles hold what is described and no more, unless they are appended to', () => {
  assert.equal(converge(pveRoleTask, { role: 'Ops', privs: ['VM.PowerMgmt', 'VM.Audit'] }), [
    'create the role Ops: VM.Audit, VM.PowerMgmt',
  ])
  assert.equal(converge(pveRoleTask, { role: 'Ops', privs: ['VM.Audit', 'VM.Console'] }), [
    'privileges of Ops: + VM.Console',
    'privileges of Ops: - VM.PowerMgmt',
  ])
  converge(pveRoleTask, { role: 'Ops', privs: ['VM.Backup'], append: true })
  assert.match(config(), 'role:Ops:VM.Audit,VM.Backup,VM.Console:')
  assert.match(blocked(pveRoleTask, { role: 'Ops', privs: ['VM.Powermgmt'] }), 'did you mean `VM.PowerMgmt`')
})

test('permissions: given, narrowed, made exclusive, taken away; those of others stay', () => {
  converge(pveUserTask, { userid: 'alice@pve', groups: ['web'] })
  converge(pveUserTask, { userid: 'bob@pve' })
  assert.equal(
    converge(pveAclTask, { path: '/vms/100', roles: ['PVEVMUser', 'PVEAuditor'], groups: ['web'], users: ['bob@pve'] }),
    [
      'bob@pve gets PVEVMUser on /vms/100',
      'bob@pve gets PVEAuditor on /vms/100',
      'web gets PVEVMUser on /vms/100',
      'web gets PVEAuditor on /vms/100',
    ],
  )
  assert.match(config(), 'acl:1:/vms/100:@web:PVEVMUser:')
  converge(pveAclTask, { path: '/vms/100', roles: 'PVEAuditor', users: ['bob@pve'], propagate: false, exclusive: true })
  assert.not.match(config(), 'bob@pve:PVEVMUser')
  assert.match(config(), 'acl:0:/vms/100:bob@pve:PVEAuditor:')
  assert.match(config(), '@web:PVEVMUser')
  assert.match(blocked(pveRoleTask, { role: 'Nothing', privs: ['VM.Nothing'] }), 'no privilege VM.Nothing')
  converge(pveAclTask, { path: '/vms/100', roles: ['PVEAuditor'], users: ['bob@pve'], state: 'absent' })
  assert.not.match(config(), 'acl:0')
  const admin = converge(pveAclTask, { path: '/', roles: 'Administrator', users: ['bob@pve'] })
  assert.match(admin.join('\n'), 'everything in the whole cluster')
})

test('what does not exist, or is in use, is told before anything changes', () => {
  assert.match(blocked(pveUserTask, { userid: 'x1@ldap' }), 'no realm ldap in this cluster / it has pam and pve')
  assert.match(blocked(pveAclTask, { path: '/', roles: 'PVEAuditor', users: ['no@pve'] }), 'no user no@pve')
  assert.match(blocked(pveAclTask, { path: '/', roles: 'PVEAuditor', tokens: ['root@pam!ci'] }), 'no token root@pam!ci')
  converge(pveUserTask, { userid: 'alice@pve' })
  assert.match(blocked(pveAclTask, { path: '/', roles: 'Nope', users: ['alice@pve'] }), 'no role Nope')
  converge(pveRoleTask, { role: 'Ops', privs: ['VM.Audit'] })
  converge(pveAclTask, { path: '/vms', roles: 'Ops', users: ['alice@pve'] })
  assert.match(blocked(pveRoleTask, { role: 'Ops', state: 'absent' }), 'in use: alice@pve on /vms')
  rmSync(join(bin, 'pveum'))
  seen.clear()
  assert.match(blocked(pveRoleTask, { role: 'Ops', state: 'absent' }), 'no pveum on this node')
})

test('parameters that cannot be are refused', () => {
  const cases: [TaskType, unknown][] = [
    [pveUserTask, { userid: 'alice' }],
    [pveUserTask, { userid: 'root@pam', state: 'absent' }],
    [pveUserTask, { userid: 'root@pam', enabled: false }],
    [pveUserTask, { userid: 'a@pam', password: 'long enough' }],
    [pveUserTask, { userid: 'a1@pve', password: 'short' }],
    [pveUserTask, { userid: 'a1@pve', expires: '2027-13-01' }],
    [pveRoleTask, { role: 'PVEOps', privs: ['VM.Audit'] }],
    [pveRoleTask, { role: 'Ops' }],
    [pveAclTask, { path: '/vms/1', roles: 'PVEAuditor', users: ['a1@pve'] }],
    [pveAclTask, { path: '/', roles: 'PVEAuditor' }],
    [pveAclTask, { path: '/', roles: 'PVEAuditor', users: ['root@pam'] }],
  ]
  for (const [type, params] of cases) assert.not.ok(type.params.safeParse(params).success, JSON.stringify(params))
})

test.run()
