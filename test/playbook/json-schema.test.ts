import { readFileSync } from 'node:fs'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { z } from 'zod'
import { type JsonSchema, playbookJsonSchema } from '../../scripts/generate/json-schemas.ts'
import { generatedFiles } from '../../scripts/generate/outputs.ts'
import { testTaskTypes } from '../helpers/task-types.ts'

const test = suite('JSON schemas')
const root = path.join(import.meta.dirname, '../..')

for (const [name, content] of generatedFiles()) {
  test(`${name} is up to date`, () => {
    assert.is(readFileSync(path.join(root, name), 'utf8'), content, 'run `npm run generate`')
  })
}

function accepts(schema: JsonSchema, yaml: string): boolean {
  return z.fromJSONSchema(schema as Parameters<typeof z.fromJSONSchema>[0]).safeParse(parse(yaml)).success
}

const playbook = playbookJsonSchema(testTaskTypes)
const task = (yaml: string) => `- hosts: all\n  tasks:\n    - ${yaml}\n`

for (const yaml of [
  task('bridge: {name: vmbr1, mtu: 1500}'),
  task(
    'bridge: {name: vmbr1, mtu: "<%= vars.mtu %>", ports: "<%= vars.ports %>", ranges: [{start: "<%= 1 %>", end: 10.0.0.1}]}',
  ),
  task('bridge: "<%= item %>"'),
  task('package: nginx'),
  task('package: [nginx, "<%= vars.more %>"]'),
  task('dump:'),
  task('{echo: {text: x, data: [1]}, name: x, tags: [a], when: [a, true], loop: "<%= vars.x %>"}'),
  '- import_playbook: x.yml\n',
  '- {hosts: [a, b], serial: [1, "25%"], vars: {a: {b: c}}, tags: x, tasks: []}\n',
]) {
  test(`accepts ${yaml.trim().replaceAll('\n', ' ')}`, () => assert.ok(accepts(playbook, yaml)))
}

for (const yaml of [
  task('bridge: {nam: vmbr1}'),
  task('bridge: {name: vmbr1, mtu: "1500"}'),
  task('bridge: vmbr1'),
  task('brigde: {name: vmbr1}'),
  '- {hosts: all, serial: 0, tasks: []}\n',
  '- {tasks: []}\n',
  'hosts: all\n',
]) {
  test(`refuses ${yaml.trim().replaceAll('\n', ' ')}`, () => assert.not.ok(accepts(playbook, yaml)))
}

// zod's reading of JSON Schema does not combine `oneOf` with the rest of an object.
test('refuses other keys of a task', () => {
  assert.is(playbook.definitions?.task?.additionalProperties, false)
})

test.run()
