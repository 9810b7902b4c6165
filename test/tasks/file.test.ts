import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import type { FileState, fileAt } from '../../src/facts/file.ts'
import type { PlanChange } from '../../src/resources/resource.ts'
import { fileTask } from '../../src/tasks/file.ts'
import type { HostContext, TaskType } from '../../src/tasks/task-type.ts'
import { templateTask } from '../../src/tasks/template.ts'
import { hostContext } from '../helpers/host-context.ts'
import { fact, fileState, modelOf, planChange, summaries } from '../helpers/model.ts'
import { machineBelow } from '../helpers/run-here.ts'

const test = suite('file and template')
const ABSENT: FileState = { type: 'absent' }

function plan(
  type: TaskType,
  params: unknown,
  state: FileState = ABSENT,
  host: HostContext = hostContext(),
): PlanChange {
  const [resource] = type.resources(type.params.parse(params), host)
  assert.ok(resource)
  return planChange(resource, modelOf(...resource.reads.map((ref) => fact(ref as ReturnType<typeof fileAt>, state))))
}

function problems(type: TaskType, params: unknown): string[] {
  const { error } = type.params.safeParse(params)
  return (error?.issues ?? []).map((issue) => `${issue.path.join('.')}: ${issue.message}`)
}

test('content, a file of the controller, a link, a directory, nothing', () => {
  const of = (params: unknown, state?: FileState, host?: HostContext) => summaries(plan(fileTask, params, state, host))
  assert.equal(of({ path: '/x', content: 'a', mode: '600' }), ['create /x (0600 root:root)'])
  assert.equal(of({ path: '/x', source: 'a.bin' }, ABSENT, hostContext({ files: { 'a.bin': 'a' } })), [
    'create /x (0644 root:root)',
  ])
  assert.equal(of({ path: '/l', state: 'link', target: '/t' }), ['link /l → /t'])
  assert.equal(of({ path: '/d', state: 'directory', mode: '0700' }), ['create directory /d (0700 root:root)'])
  assert.equal(of({ path: '/x', state: 'absent' }, fileState('a')), ['remove /x'])
})

test('a sensitive file shows no diff', () => {
  const { changes } = plan(fileTask, { path: '/x', content: 'pw', sensitive: true })
  assert.is(changes[0]?.diff, undefined)
})

test('what does not go together is refused', () => {
  assert.equal(problems(fileTask, { path: '/x' }), [
    'content: or `source`: exactly one of the two says what is in the file',
  ])
  assert.equal(problems(fileTask, { path: '/x', state: 'absent', content: 'a', mode: '0644' }), [
    'content: does not go with `state: absent`',
    'mode: does not go with `state: absent`',
  ])
  assert.equal(problems(fileTask, { path: '/x', state: 'link' }), ['target: is missing: where does the link lead?'])
  assert.equal(problems(fileTask, { path: '/x', content: '', mode: 420 }), [
    "mode: must be text, since YAML reads a bare 0644 as the number 644: write '0644'",
  ])
  assert.ok(problems(fileTask, { path: 'x', content: '' }).length > 0)
  assert.ok(problems(fileTask, { path: '/etc/../x', content: '' }).length > 0)
  assert.ok(problems(fileTask, { path: '/x/', content: '' }).length > 0)
})

test('folders of keys that sshd would not believe are refused', () => {
  const folder = (params: object) => problems(fileTask, { state: 'directory', ...params })
  assert.match(folder({ path: '/root/.ssh', mode: '0770' }).join(), 'mode: must let nobody but the owner write')
  assert.match(folder({ path: '/home/ada/.ssh', mode: '0777' }).join(), 'mode: must let nobody')
  assert.match(folder({ path: '/root', owner: 'nobody:nogroup' }).join(), "owner: must be root's")
  assert.equal(folder({ path: '/root', mode: '0755', owner: 'root:adm' }), [])
  assert.equal(folder({ path: '/home/ada/.ssh', mode: '0700', owner: 'ada:ada' }), [])
  assert.equal(folder({ path: '/srv/share', mode: '2777', owner: 'nobody:nogroup' }), [])
})

test('a template gets its own values and the variables of the host', () => {
  const host = hostContext({ vars: { site: 'lab' }, templates: { 'a.ejs': '<%= vars.site %> <%= port %> <&>' } })
  const { changes } = plan(templateTask, { path: '/x', template: 'a.ejs', vars: { port: 80 } }, ABSENT, host)
  assert.is(changes[0]?.diff?.after?.toString(), 'lab 80 <&>')
  const wrong = { path: '/x', template: 'a', vars: { 'a-b': 1 } }
  assert.is(problems(templateTask, wrong).length, 1)
})

test('a check that fails puts the previous file back, whatever its path', () => {
  const root = mkdtempSync(path.join(tmpdir(), "pvectl-file '$x' "))
  const machine = machineBelow(root)
  const target = `${root}/a file`
  const step = (content: string, state: FileState) =>
    machine.step(
      plan(fileTask, { path: target, content, validate: 'grep -q good %s', owner: 'root:root' }, state).script,
    )
  const bad = step('bad', ABSENT)
  assert.is(bad.code, 1)
  assert.match(bad.stderr, `grep -q good ${target} rejects the new ${target}; the previous state is back`)
  assert.not(existsSync(target))
  writeFileSync(target, 'good 1')
  assert.is(step('bad', fileState('good 1')).code, 1)
  assert.is(readFileSync(target, 'utf8'), 'good 1')
  assert.equal(step('good 2', fileState('good 1')), { code: 0, stderr: '' })
  assert.is(readFileSync(target, 'utf8'), 'good 2')
  rmSync(root, { recursive: true })
})

test('the examples are valid', () => {
  for (const type of [fileTask, templateTask]) {
    const example = parse(type.example) as Record<string, unknown>
    assert.equal(problems(type, example[type.name]), [])
  }
})

test.run()
