import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { formatLocation } from '../../src/errors.ts'
import { loadInventory } from '../../src/inventory/load.ts'
import { parseExtraVars } from '../../src/playbook/extra-vars.ts'
import type { Job } from '../../src/playbook/job.ts'
import { loadJob } from '../../src/playbook/load.ts'
import { maskError } from '../../src/secrets/mask-data.ts'
import type { SecretStore } from '../../src/secrets/store.ts'
import { taskTypes } from '../../src/tasks/index.ts'
import { fact, modelOf } from '../helpers/model.ts'
import { project } from '../helpers/project.ts'
import { type TestKey, testKey } from '../helpers/sealed.ts'
import { failureOf } from '../helpers/within.ts'

const test = suite('secrets: playbook')

interface Loading {
  readonly key: TestKey
  readonly tasks: string
  readonly vars?: string
  readonly extra?: readonly string[]
  readonly files?: Readonly<Record<string, string>>
}

async function load({ key, tasks, vars = '', extra = [], files = {} }: Loading): Promise<[Job, SecretStore]> {
  const secrets = key.store()
  const cwd = project({
    'inventory/prod.yml': `all:\n  hosts: {node1: {address: 10.0.0.1}}\n  vars:\n    db:\n      password: ${await key.seal('hunter2-of-the-db', '        ')}\n`,
    'playbooks/site.yml': `- hosts: all\n${vars}  tasks:\n${tasks}`,
    ...files,
  })
  const extraVars = await secrets.open(parseExtraVars(extra, cwd))
  const inventory = await loadInventory('prod', { cwd, secrets })
  try {
    const job = await loadJob({ playbook: 'site', inventory, cwd, registry: taskTypes, extraVars, secrets })
    return [job, secrets]
  } catch (error) {
    throw maskError(error, secrets.mask)
  }
}

function commands([job]: readonly [Job, SecretStore]): string[] {
  return (job.stages[0]?.hosts[0]?.tasks ?? []).map(({ title }) => title.replace(/^command /, ''))
}

test('however a template gets at a secret, it gets the text', async () => {
  const key = await testKey()
  const lines = [
    '<%= vars.db.password %>',
    '<%= `${vars.db.password}!` %>',
    "<%= get('db.password') %>",
    "<%= get('db').password + 'x' %>",
    'n=<%= hosts.node1.vars.db.password.length %>',
    '<%= Object.values(vars.db).join() %>',
    '<%= { ...vars.db }.password %>',
    '<%= JSON.stringify(vars.db) %>',
  ]
  const loaded = await load({ key, tasks: lines.map((line) => `    - command: ${JSON.stringify(line)}\n`).join('') })
  assert.equal(commands(loaded), [
    'hunter2-of-the-db',
    'hunter2-of-the-db!',
    'hunter2-of-the-db',
    'hunter2-of-the-dbx',
    'n=17',
    'hunter2-of-the-db',
    'hunter2-of-the-db',
    '{"password":"hunter2-of-the-db"}',
  ])
})

test('a secret in a template file, with what looks like a template in it', async () => {
  const key = await testKey()
  const vars = `  vars:\n    odd: ${await key.seal('<%= vars.nothing %>', '      ')}\n`
  const files = { 'playbooks/templates/x.ejs': 'p=<%= vars.db.password %> o=<%- vars.odd %>\n' }
  const [job] = await load({ key, vars, files, tasks: '    - template: {path: /etc/x, template: x}\n' })
  const [resource] = job.stages[0]?.hosts[0]?.tasks[0]?.resources ?? []
  const plan = resource?.plan(modelOf(...resource.reads.map((ref) => fact(ref, { type: 'absent' }))))
  assert.is(plan?.kind, 'change')
  const change = plan?.kind === 'change' ? plan.changes[0] : undefined
  assert.is(change?.diff?.after?.toString(), 'p=hunter2-of-the-db o=<%= vars.nothing %>\n')
})

test('variables of plays and --extra-vars may be encrypted', async () => {
  const key = await testKey()
  const vars = `  vars:\n    mine: ${await key.seal('of-the-play', '      ')}\n    twice: "<%= vars.mine + vars.given %>"\n`
  const given = path.join(project({ 'given.yml': `given: ${await key.seal('on-the-line')}\n` }), 'given.yml')
  const loaded = await load({ key, vars, extra: [`@${given}`], tasks: '    - command: "<%= vars.twice %>"\n' })
  assert.equal(commands(loaded), ['of-the-playon-the-line'])
  assert.is(loaded[1].mask('of-the-playon-the-line'), '****************')
})

test('an encrypted value in a task is refused at its place', async () => {
  const key = await testKey()
  const tasks = `    - file:\n        path: /etc/x\n        content: ${await key.seal('hunter2', '          ')}\n`
  const error = await failureOf(load({ key, tasks }))
  assert.is(error.problems.length, 1)
  assert.match(error.message, 'an encrypted value cannot stand in a task')
  assert.is(formatLocation(error.problems[0]?.location ?? { file: '' }), 'playbooks/site.yml:5:23')
})

test('a problem with a parameter does not quote the secret', async () => {
  const key = await testKey()
  const password = '<%= vars.db.password %>'
  const tasks = [
    `template: {path: /etc/x, template: "${password}"}`,
    `file: {path: /etc/x, state: "${password}"}`,
    `file: {path: /etc/x, source: "${password}"}`,
    `command: x\n      loop: "${'y'.repeat(50)}${password}"`,
    `command: x\n      when: vars.db.password`,
  ]
  for (const task of tasks) {
    const error = await failureOf(load({ key, tasks: `    - ${task}\n` }))
    assert.match(error.message, '********', error.message)
    assert.not.match(JSON.stringify([error.problems, error.stack]), 'hunter')
  }
})

test.run()
