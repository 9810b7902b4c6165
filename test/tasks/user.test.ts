import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { judgeWayIn } from '../../src/engine/way-in.ts'
import { type Arrival, arrivalRef } from '../../src/facts/arrival.ts'
import { linksRef } from '../../src/facts/links.ts'
import { type UserState, userNamed } from '../../src/facts/user.ts'
import { userTask } from '../../src/tasks/user.ts'
import { hostContext } from '../helpers/host-context.ts'
import { fact, modelOf, summaries } from '../helpers/model.ts'
import { planAll } from '../helpers/plan-all.ts'

const test = suite('user')
const NONE: UserState = { exists: false }
const ADA: UserState = {
  exists: true,
  uid: 1000,
  gecos: 'Ada',
  home: '/home/ada',
  shell: '/bin/bash',
  locked: false,
  groups: ['adm'],
}

const CASES: [string, object, UserState, string[]][] = [
  ['new', {}, NONE, ['create the user ada (shell /bin/bash, home /home/ada)']],
  ['new, system', { system: true }, NONE, ['create the system user ada (shell /usr/sbin/nologin, home /nonexistent)']],
  ['as it is', { comment: 'Ada', groups: ['adm'] }, ADA, []],
  ['groups are added, none taken', { groups: ['sudo'] }, ADA, ['groups of ada: + sudo']],
  ['another shell', { shell: '/bin/sh' }, ADA, ['shell of ada: /bin/bash → /bin/sh']],
  ['removed', { state: 'absent' }, ADA, ['remove the user ada (the home directory stays)']],
  ['not there to remove', { state: 'absent' }, NONE, []],
]
for (const [name, params, state, expected] of CASES) {
  test(name, () => {
    const resources = userTask.resources(userTask.params.parse({ name: 'ada', ...params }), hostContext())
    assert.equal(planAll(resources, modelOf(fact(userNamed('ada'), state))).flatMap(summaries), expected)
  })
}

test('the account that the run logged in by, and root: its shell and its end are guarded, and said so', () => {
  const said = (login: string, params: object) => {
    const arrival: Arrival = {
      client: { address: '198.51.100.7', port: 50000 },
      server: { address: '192.168.1.10', port: 22 },
      user: login,
    }
    const model = modelOf(
      fact(userNamed('ada'), ADA),
      fact(arrivalRef, arrival),
      fact(linksRef, { links: [], routes: [] }),
    )
    const [resource] = userTask.resources(userTask.params.parse({ name: 'ada', ...params }), hostContext())
    const plan = resource?.plan(model)
    return resource !== undefined && plan?.kind === 'change' ? judgeWayIn(resource, plan, model)?.reasons : undefined
  }
  const own = ['changes the account ada: this connection logged in as it']
  assert.equal(said('ada', { state: 'absent' }), own)
  assert.equal(said('ada', { shell: '/bin/false' }), own)
  assert.is(said('ada', { comment: 'Ada L' }), undefined, 'not risky')
  assert.is(said('bob', { state: 'absent' }), undefined, 'not risky')
})

test('mistakes: names that useradd refuses, a colon for passwd, root removed', () => {
  const bad = (params: object) => !userTask.params.safeParse(params).success
  for (const name of ['Ada', '1a', 'a b', '-r', '']) assert.ok(bad({ name }), name)
  assert.ok(bad({ name: 'ada', comment: 'a:b' }))
  assert.ok(bad({ name: 'ada', home: 'home' }))
  assert.ok(bad({ name: 'root', state: 'absent' }))
  assert.ok(bad({ name: 'root', shell: '/usr/sbin/nologin' }))
  assert.not(bad({ name: 'root', shell: '/usr/bin/zsh' }))
})

test.run()
