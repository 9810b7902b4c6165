/** A small registry of task types for tests of the loader; their resources only carry what the loader looks at. */
import { z } from 'zod'
import { OK, type Resource } from '../../src/resources/resource.ts'
import { defineTask, ParamProblem, type TaskType } from '../../src/tasks/task-type.ts'

function resource(key: string, more: Partial<Resource> = {}): Resource {
  return { kind: key.split(':')[0] ?? '', key, title: key.replace(':', ' '), reads: [], plan: () => OK, ...more }
}

const bridge = defineTask({
  name: 'bridge',
  summary: 'a bridge',
  example: 'bridge: {name: vmbr1}',
  params: z.strictObject({
    name: z
      .string()
      .regex(/^[a-z]+\d+$/, 'must be a name such as vmbr1')
      .describe('name of the bridge'),
    address: z.cidrv4().optional(),
    mtu: z.number().int().min(576).max(9000).optional(),
    vlan: z.boolean().optional(),
    ports: z.array(z.string()).default([]),
    ranges: z.array(z.strictObject({ start: z.ipv4(), end: z.ipv4() })).default([]),
    stp: z.enum(['on', 'off']).optional(),
  }),
  resources({ name, ports, ranges }) {
    ranges.forEach(({ start, end }, index) => {
      if (start > end)
        throw new ParamProblem(['ranges', index, 'end'], `the range ends before ${start}`, 'swap the two')
    })
    return [resource(`bridge:${name}`, { claims: ports.map((port) => `port:${port}`) })]
  },
})

const echo = defineTask({
  name: 'echo',
  summary: 'a text',
  example: 'echo: hello',
  shorthand: 'text',
  params: z.strictObject({ text: z.union([z.string(), z.number()]), data: z.unknown().optional() }),
  resources: ({ text, data }) => [resource(`echo:${JSON.stringify({ text, data })}`, { shared: true })],
})

const packages = defineTask({
  name: 'package',
  summary: 'packages',
  example: 'package: nginx',
  shorthand: 'names',
  params: z.strictObject({ names: z.union([z.string(), z.array(z.string())]) }),
  resources: ({ names }) => [names].flat().map((name) => resource(`package:${name}`, { shared: true })),
})

const render = defineTask({
  name: 'render',
  summary: 'a template',
  example: 'render: x.ejs',
  shorthand: 'template',
  params: z.strictObject({ template: z.string(), vars: z.record(z.string(), z.unknown()).default({}) }),
  resources: ({ template, vars }, host) => [resource(`text:${host.template(template, vars)}`, { shared: true })],
})

const copy = defineTask({
  name: 'copy',
  summary: 'a file of the controller',
  example: 'copy: {source: x}',
  params: z.strictObject({ source: z.string() }),
  resources: ({ source }, host) => [resource(`copy:${host.readFile(source).toString()}`, { shared: true })],
})

const dump = defineTask({
  name: 'dump',
  summary: 'the variables that a task type sees',
  example: 'dump: {}',
  params: z.strictObject({}),
  resources: (_, host) => [resource(`dump:${JSON.stringify(host.vars)}`, { shared: true })],
})

/** All of them. */
export const testTaskTypes: readonly TaskType[] = [bridge, echo, packages, render, copy, dump]
