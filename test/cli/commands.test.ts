import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { taskTypes } from '../../src/tasks/index.ts'
import { pvectl } from '../helpers/cli.ts'
import { project } from '../helpers/project.ts'

const test = suite('commands')

/** Breaks what describes a task type. */
const CRASH = `Object.defineProperty(process.stdout, 'columns', { get() { throw new Error('boom') } })\n`

test('wrong flags end with 2, with and without --json', async () => {
  const cwd = project({})
  const [plain, json, tasks] = await Promise.all([
    pvectl(['check', '--nope'], cwd),
    pvectl(['check', '--nope', '--json'], cwd),
    pvectl(['tasks', '--nope', '--json'], cwd),
  ])
  assert.equal([plain.code, json.code, tasks.code], [2, 2, 2])
  assert.is(plain.stderr, 'error: Nonexistent flag: --nope\n  hint: see the command with --help\n')
  assert.is(plain.stdout, '')
  const { stderr } = await pvectl(['check', '--exitcode'], cwd)
  assert.is(stderr, 'error: Nonexistent flag: --exitcode\n  hint: did you mean `--exit-code`?\n')
  for (const { stdout } of [json, tasks]) assert.is(JSON.parse(stdout).error.code, 'USAGE')
})

test('bad input ends with 3, with and without --json, and names the place', async () => {
  const cwd = project({
    'inventory/prod.yml': 'all:\n  hosts:\n    n1: { address: 127.0.0.1 }\n',
    'playbooks/site.yml': '- hosts: all\n  tasks:\n    - brigde: { name: vmbr1 }\n',
  })
  const [plain, json] = await Promise.all([pvectl(['check'], cwd), pvectl(['apply', '--json'], cwd)])
  assert.equal([plain.code, json.code], [3, 3])
  assert.match(plain.stderr, /^error: .*brigde/)
  assert.match(plain.stderr, /^ {2}--> playbooks\/site\.yml:3:7$/m)
  assert.match(plain.stderr, /^ {2}hint: .*`bridge`/m)
  const { error } = JSON.parse(json.stdout)
  assert.is(error.code, 'PLAYBOOK_INVALID')
  assert.equal(error.problems[0].location, { file: 'playbooks/site.yml', line: 3, column: 7 })
})

test('a command that does not exist ends with 2 and a suggestion', async () => {
  const { code, stderr } = await pvectl(['aply', 'site'], project({}))
  assert.is(code, 2)
  assert.match(stderr, 'did you mean `pvectl apply`?')
  const help = await pvectl(['aply', '--help'], project({}))
  assert.equal([help.code, help.stderr], [2, stderr.replace('aply site', 'aply')])
})

test('tasks lists the registry', async () => {
  const { code, stdout } = await pvectl(['tasks', '--json'], project({}))
  assert.is(code, 0)
  assert.equal(
    JSON.parse(stdout).map(({ name }: { name: string }) => name),
    taskTypes.map(({ name }) => name),
  )
})

test('tasks TYPE describes parameters and shows the example', async () => {
  const { code, stdout } = await pvectl(['tasks', 'package'], project({}))
  assert.is(code, 0)
  assert.match(stdout, /^ {2}name {2}\(text or list of texts, required\)$/m)
  assert.match(stdout, /^ {2}state {2}\(present \| absent, default "present"\)$/m)
  assert.match(stdout, /^EXAMPLE\n {2}package: /m)
})

test('init fills a folder that check can load, and keeps what is there', async () => {
  const cwd = project({ 'mine/playbooks/site.yml': '# mine\n' })
  const first = await pvectl(['init', 'mine', '--json'], cwd)
  assert.is(first.code, 0, first.stderr)
  const report = JSON.parse(first.stdout)
  assert.equal(report.kept, ['playbooks/site.yml'])
  assert.ok(report.created.includes('inventory/prod.yml') && report.created.includes('playbooks/reverse-proxy.yml'))
  assert.is(readFileSync(path.join(cwd, 'mine/playbooks/site.yml'), 'utf8'), '# mine\n')
  const second = await pvectl(['init', 'mine'], cwd)
  assert.not.match(second.stdout, /^created/m)
  assert.match(second.stdout, '1. cd mine\n')
  const loaded = await pvectl(['check', 'reverse-proxy', '--tags', 'no-such-tag'], path.join(cwd, 'mine'))
  assert.match(loaded.stderr, 'no-such-tag')
  assert.is(loaded.code, 2)
})

test('init into what is no folder is the fault of the user', async () => {
  const cwd = project({ file: '' })
  const { code, stderr } = await pvectl(['init', 'file'], cwd)
  assert.is(code, 2)
  assert.match(stderr, /^error: cannot write /)
})

test('a bug is called one, with a stack trace only on demand', async () => {
  const cwd = project({})
  writeFileSync(path.join(cwd, 'crash.mjs'), CRASH)
  const env = { NODE_OPTIONS: `--import=${path.join(cwd, 'crash.mjs')}` }
  const [quiet, loud] = await Promise.all([
    pvectl(['tasks', 'package'], cwd, env),
    pvectl(['tasks', 'package'], cwd, { ...env, PVECTL_DEBUG: '1' }),
  ])
  assert.equal([quiet.code, loud.code], [1, 1])
  assert.match(quiet.stderr, /^error: internal error: boom\n {2}hint: this is a bug in pvectl, please report it/)
  assert.not.match(quiet.stderr, /^ {4}at /m)
  assert.match(loud.stderr, /^ {4}at /m)
})

test('version and help', async () => {
  const cwd = project({})
  const [version, help, short] = await Promise.all([
    pvectl(['--version'], cwd),
    pvectl(['help', 'check'], cwd),
    pvectl(['check', '-h'], cwd),
  ])
  assert.is(short.stdout, help.stdout)
  assert.match(version.stdout, /^pvectl\/\d+\.\d+\.\d+ /)
  assert.match(help.stdout, '--exit-code')
})

test.run()
