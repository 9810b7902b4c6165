import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fileAt } from '../../src/facts/file.ts'
import { packageAccounts } from '../../src/facts/installation.ts'
import type { Model } from '../../src/facts/model.ts'
import { packageNamed } from '../../src/facts/package.ts'
import { type UserState, userFact, userNamed } from '../../src/facts/user.ts'
import { directory } from '../../src/resources/directory.ts'
import { file } from '../../src/resources/file.ts'
import { debianPackage } from '../../src/resources/package.ts'
import { userTask } from '../../src/tasks/user.ts'
import { hostContext } from '../helpers/host-context.ts'
import { fact, fileState, modelOf, planChange } from '../helpers/model.ts'

const test = suite('accounts and groups that are not there')

const GROUPS = ['root', 'adm', 'ada']
const ADA: UserState = {
  exists: true,
  uid: 1000,
  gecos: '',
  home: '/home/ada',
  shell: '/bin/bash',
  locked: true,
  groups: [],
  nodeGroups: GROUPS,
}

const node = (): Model =>
  modelOf(
    fact(fileAt('/x'), { type: 'absent' }),
    fact(userNamed('ada'), ADA),
    fact(userNamed('bob'), { exists: false, nodeGroups: GROUPS }),
    fact(packageNamed('chrony'), { installed: false }),
  )

/** Kind of the plan, and why. */
function told(owner: string, model = node()): string {
  return [file({ path: '/x', content: Buffer.from('x'), owner }), directory('/x', { owner })]
    .map((resource) => {
      const plan = resource.plan(model)
      return plan.kind === 'blocked' || plan.kind === 'unknown' ? `${plan.kind}: ${plan.reason}` : plan.kind
    })
    .filter((text, i, all) => all.indexOf(text) === i)
    .join(', ')
}

test('an owner that is not there is told beforehand, and not by chown', () => {
  assert.is(told('ada:adm'), 'change')
  assert.is(told('root:root'), 'change')
  assert.is(told('bob:adm'), 'blocked: there is no user bob on this node')
  assert.is(told('ada:web'), 'blocked: there is no group web on this node')
})

test('what an earlier step brings is not missed', () => {
  const made = planChange(user('bob', ['adm']), node())
  assert.is(told('bob:bob', node().with(made.after)), 'change')
  const installed = planChange(debianPackage({ name: 'chrony', state: 'present', units: [] }), node())
  assert.ok(installed.disturbs !== 'anything' && installed.disturbs?.includes(packageAccounts))
  const after = node().disturbed([packageAccounts])
  assert.is(told('bob:adm', after), 'unknown: an earlier step installs packages, which may bring the user bob')
  assert.match(told('ada:web', node().disturbed([fileAt('/etc/group')])), /^unknown: an earlier step may make/)
})

test('a file that has its owner already is left as it is', () => {
  const there = fact(fileAt('/x'), fileState('x', { owner: 'bob:web' }))
  assert.match(told('bob:web', node().with([there])), 'ok')
})

const user = (name: string, groups: readonly string[]) => {
  const [resource] = userTask.resources(userTask.params.parse({ name, groups }), hostContext())
  if (resource === undefined) throw new Error('no resource')
  return resource
}

test('an account goes only into groups that are there', () => {
  const plan = (name: string, groups: readonly string[], model = node()) => user(name, groups).plan(model).kind
  assert.is(plan('ada', ['adm']), 'change')
  assert.is(plan('ada', ['sudoers']), 'blocked')
  assert.is(plan('bob', ['adm', 'sudoers']), 'blocked')
  assert.is(plan('ada', ['bob'], node().with(planChange(user('bob', []), node()).after)), 'change')
})

test('all groups are read along with the accounts', () => {
  const output = 'ada:x:1000:1000::/home/ada:/bin/bash\nM\nada:!:1::::::\nM\nroot:x:0:\nadm:x:4:ada\nM\n'
  const [ada, bob] = userFact.parse(Buffer.from(`${output}files [NOTFOUND=continue] systemd\n`), ['ada', 'bob'], 'M')
  assert.equal(ada?.nodeGroups, ['root', 'adm'])
  assert.equal(bob, { exists: false, nodeGroups: ['root', 'adm'] })
  // LDAP and the like need not list what they know.
  assert.equal(userFact.parse(Buffer.from(`${output}files sss\n`), ['bob'], 'M'), [{ exists: false }])
})

test.run()
