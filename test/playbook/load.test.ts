import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { loadInventory } from '../../src/inventory/load.ts'
import type { HostTask, Job } from '../../src/playbook/job.ts'
import { type LoadJobOptions, loadJob } from '../../src/playbook/load.ts'
import { type Files, project } from '../helpers/project.ts'
import { testTaskTypes } from '../helpers/task-types.ts'

const INVENTORY = `all:
  vars: { domain: example.org, level: inventory, vlan: 20, bridges: [{name: vmbr1}, {name: vmbr2, mtu: 9000}] }
  hosts: { gate: { address: 203.0.113.5 } }
  children:
    pve:
      hosts:
        node1: { address: 203.0.113.11, vars: { internal: 10.0.1.1/24, raw: "<%= 1 %>" } }
        node2: { address: 203.0.113.12 }
`

const test = suite('playbook: load')

async function load(files: string | Files, options: Partial<LoadJobOptions> = {}): Promise<Job> {
  const cwd = project({
    'inventory/prod.yml': INVENTORY,
    ...(typeof files === 'string' ? { 'site.yml': files } : files),
  })
  const inventory = await loadInventory('prod', { cwd })
  return loadJob({ playbook: 'site.yml', inventory, cwd, registry: testTaskTypes, ...options })
}

function tasksOf(job: Job, host: string): readonly HostTask[] {
  return job.stages.flatMap(({ hosts }) => hosts.filter((h) => h.host.name === host).flatMap(({ tasks }) => tasks))
}

/** What the tasks of a host come to: keys of resources, or why it is skipped. */
function outcome(job: Job, host: string): readonly (readonly [id: string, title: string, result: string])[] {
  return tasksOf(job, host).map(({ id, title, skipped, resources }) => [
    id,
    title,
    skipped === undefined ? resources.map(({ key }) => key).join(' ') : `skipped: ${skipped}`,
  ])
}

/** What `echo` tasks got, in order. */
function echoed(job: Job, host: string): readonly unknown[] {
  return tasksOf(job, host).map(({ resources: [resource] }) => {
    const { text, data } = JSON.parse(resource?.key.replace('echo:', '') ?? '{}') as { text: unknown; data: unknown }
    return data ?? text
  })
}

test('what is to be proven may stand in plays, a part in each, and on the command line', async () => {
  const play = (vars: string) => `- hosts: all\n  vars: { ${vars} }\n  tasks: [{ package: nginx }]\n`
  const plays = play("verify: { closed_ports: ['<%= 8000 + 6 %>'] }") + play('verify: { outside_name: example.org }')
  const job = await load(plays.replaceAll("'", '"'))
  const wanted = job.verify?.get('node1') as { closed_ports: unknown; outside_name: unknown }
  assert.equal(wanted, { closed_ports: [8006], outside_name: 'example.org' })
  assert.is((await load(play('x: 1'))).verify, undefined)
  const extra = await load(plays.replaceAll("'", '"'), { extraVars: { verify: { closed_ports: [22] } } })
  assert.equal(extra.verify?.get('node1'), { closed_ports: [22] })
})

test('a play becomes a stage with tasks for each host', async () => {
  const job = await load(
    '- name: Network\n  hosts: pve\n  tasks:\n    - name: Bridge\n      tags: net\n      bridge: {name: vmbr1}\n    - package: [nginx, curl]\n',
  )
  assert.is(job.playbook, 'site.yml')
  assert.is(job.inventory, 'prod')
  assert.equal(
    job.hosts.map(({ name }) => name),
    ['node1', 'node2'],
  )
  assert.is(job.stages.length, 1)
  assert.is(job.stages[0]?.title, 'Network')
  assert.equal(job.stages[0]?.serial, [])
  assert.equal(outcome(job, 'node2'), [
    ['1.1', 'Bridge', 'bridge:vmbr1'],
    ['1.2', 'package nginx, curl', 'package:nginx package:curl'],
  ])
  const [task] = tasksOf(job, 'node1')
  assert.equal(task?.location, { file: 'site.yml', line: 4, column: 7 })
  assert.equal(task?.tags, ['net'])
  assert.is(task?.type, 'bridge')
  assert.is(task?.skipped, undefined)
})

test('whole expressions keep their type, parts of a text become text', async () => {
  const job = await load(`- hosts: node1
  tasks:
    - echo: {text: x, data: {n: "<%= vars.vlan + 1 %>", t: "v<%= vars.vlan %>", l: "<%= vars.bridges.map((b) => b.name) %>", o: "<%= vars.bridges[1] %>", z: "<%= null %>", f: "<%= has('nope') %>"}}
    - echo: "  <%= host.name %> "
    - echo: {text: x, data: ["<%= host %>", "<%= groups.pve %>", "<%= hosts.node2.address %>", "<%= hosts.node1.vars.internal %>"]}
    - echo: {text: x, data: ["<%= net.network(vars.internal) %>", "<%= net.nth(vars.internal, 9) %>", "<%= net.prefix(vars.internal) %>"]}
    - echo: "<%= vars.raw %>"
    - echo: "literal <%% and <%= 1 %>"
    - echo: {text: x, data: ["<%= get('vars.a.b', 7) %>", "<%= get('vlan', 1) %>", "<%= vars.bridges.filter((b) => 'mtu' in b).length %>"]}
`)
  assert.equal(echoed(job, 'node1'), [
    { n: 21, t: 'v20', l: ['vmbr1', 'vmbr2'], o: { name: 'vmbr2', mtu: 9000 }, z: null, f: false },
    'node1',
    [
      { name: 'node1', address: '203.0.113.11', groups: ['all', 'pve'] },
      ['node1', 'node2'],
      '203.0.113.12',
      '10.0.1.1/24',
    ],
    ['10.0.1.0/24', '10.0.1.9', 24],
    '<%= 1 %>',
    'literal <% and 1',
    [7, 20, 1],
  ])
})

test('variables: those of the play over the inventory, the command line over all; in any order', async () => {
  const playbook = `- hosts: pve
  vars:
    fqdn: "<%= host.name %>.<%= vars.zone %>"
    zone: "<%= vars.prefix %>.<%= vars.domain %>"
    prefix: lab
    level: play
    vlan: "<%= 1 + 1 %>"
  tasks:
    - dump:
`
  const seen = (job: Job) => JSON.parse(tasksOf(job, 'node2')[0]?.resources[0]?.key.slice(5) ?? '')
  const plain = seen(await load(playbook))
  assert.is(plain.fqdn, 'node2.lab.example.org')
  assert.is(plain.level, 'play')
  assert.is(plain.vlan, 2)
  assert.is(plain.bridges.length, 2)
  const extra = seen(await load(playbook, { extraVars: { prefix: 'x', level: 'extra', more: '<%= 1 %>' } }))
  assert.is(extra.fqdn, 'node2.x.example.org')
  assert.is(extra.level, 'extra')
  assert.is(extra.more, '<%= 1 %>')
})

test('variables of one play do not reach the next', async () => {
  const job = await load(
    '- hosts: node1\n  vars: {a: 1}\n  tasks: [{echo: "<%= vars.a %>"}]\n- hosts: node1\n  tasks: [{echo: "<%= has(\'a\') %> x"}]\n',
  )
  assert.equal(echoed(job, 'node1'), [1, 'false x'])
})

test('conditions skip tasks before their parameters are rendered', async () => {
  const job = await load(`- hosts: pve
  tasks:
    - name: Only with an internal network
      echo: "<%= vars.internal %>"
      when: vars.internal != null
    - echo: "at <%= vars.internal %>"
      when: "<%= has('internal') %>"
    - {echo: a, when: false}
    - {echo: b, when: [true, "host.name === 'node2'"]}
    - {bridge: {name: "<%= vars.nope %>", mtu: 1}, when: "false"}
`)
  assert.equal(outcome(job, 'node2'), [
    ['1.1', 'Only with an internal network', 'skipped: vars.internal != null is false'],
    ['1.2', 'echo', "skipped: has('internal') is false"],
    ['1.3', 'echo a', 'skipped: false is false'],
    ['1.4', 'echo b', 'echo:{"text":"b"}'],
    ['1.5', 'bridge 1', 'skipped: false is false'],
  ])
  assert.equal(
    tasksOf(job, 'node1').map(({ skipped }) => skipped !== undefined),
    [false, false, true, true, true],
  )
})

test('loops: one task an item, with its own id and title', async () => {
  const job = await load(`- hosts: node1
  tasks:
    - name: Bridge
      bridge: "<%= item %>"
      loop: "<%= vars.bridges %>"
    - name: Number <%= loop_index %>
      echo: "<%= item %>"
      loop: [a, "<%= vars.vlan %>", c]
      when: ["item !== 'c'", "vars.vlan === 20"]
    - echo: "<%= item %>"
      loop: []
    - echo: "<%= vars.nope %>"
      loop: "<%= vars.nope %>"
      when: has('nope')
`)
  assert.equal(outcome(job, 'node1'), [
    ['1.1[0]', 'Bridge [vmbr1]', 'bridge:vmbr1'],
    ['1.1[1]', 'Bridge [vmbr2]', 'bridge:vmbr2'],
    ['1.2[0]', 'Number 0', 'echo:{"text":"a"}'],
    ['1.2[1]', 'Number 1', 'echo:{"text":20}'],
    ['1.2[2]', 'Number 2', "skipped: item !== 'c' is false"],
    ['1.3', 'echo', 'skipped: the list of the loop is empty'],
    ['1.4', 'echo', "skipped: has('nope') is false"],
  ])
})

test('consecutive plays of the same hosts and batches are one stage', async () => {
  const play = (name: string, rest: string) => `- name: ${name}\n  ${rest}\n  tasks: [{echo: ${name}}]\n`
  const job = await load(
    play('a', 'hosts: pve') +
      play('b', 'hosts: "node2,node1"') +
      play('c', 'hosts: pve\n  serial: 1') +
      play('d', 'hosts: gate') +
      play('e', 'hosts: pve') +
      '- {name: empty, hosts: all, tasks: []}\n' +
      play('none', 'hosts: "pve,!pve"') +
      play('f', 'hosts: pve'),
  )
  assert.equal(
    job.stages.map(({ title, hosts }) => [title, hosts.map(({ host }) => host.name).join(' ')]),
    [
      ['a, b', 'node1 node2'],
      ['c', 'node1 node2'],
      ['d', 'gate'],
      ['e, f', 'node1 node2'],
    ],
  )
  assert.equal(
    tasksOf(job, 'node1').map(({ id }) => id),
    ['1.1', '2.1', '3.1', '5.1', '8.1'],
  )
  assert.equal(
    job.hosts.map(({ name }) => name),
    ['gate', 'node1', 'node2'],
  )
})

test('batch sizes: a number, a share, a list', async () => {
  const play = (hosts: string, serial: string) => `- hosts: ${hosts}\n  serial: ${serial}\n  tasks: [{echo: x}]\n`
  const job = await load(play('all', '2') + play('pve', '"25%"') + play('all', '[1, 5, "12.5%", "100%"]'))
  assert.equal(
    job.stages.map(({ serial }) => serial),
    [[2], [{ share: 0.25 }], [1, 5, { share: 0.125 }, { share: 1 }]],
  )
})

test('a limit keeps ids, and merges plays that come to the same hosts', async () => {
  const playbook =
    '- {hosts: gate, tasks: [{echo: a}]}\n- {hosts: pve, tasks: [{echo: b}]}\n- {hosts: all, tasks: [{echo: c}]}\n'
  const job = await load(playbook, { limit: 'node2' })
  assert.is(job.stages.length, 1)
  assert.equal(outcome(job, 'node2'), [
    ['2.1', 'echo b', 'echo:{"text":"b"}'],
    ['3.1', 'echo c', 'echo:{"text":"c"}'],
  ])
})

test('tags leave tasks out altogether, with their mistakes that need a host', async () => {
  const playbook = `- hosts: node1
  tags: net
  tasks:
    - {echo: a, tags: [x, y]}
    - {echo: "<%= vars.nope %>"}
- {hosts: node1, tasks: [{echo: c}, {echo: d, tags: always}, {echo: e, tags: [never, x]}]}
`
  const ids = async (options: Partial<LoadJobOptions>) =>
    tasksOf(await load(playbook, options), 'node1').map(({ id, tags }) => `${id} ${tags.join(',')}`)
  assert.equal(await ids({ tags: ['x'] }), ['1.1 net,x,y', '2.2 always', '2.3 never,x'])
  assert.equal(await ids({ skipTags: ['net'] }), ['2.1 ', '2.2 always'])
})

test('imports are relative to the importing file, and count on', async () => {
  const files = {
    'playbooks/site.yml': '- import_playbook: sub/a.yml\n- {hosts: gate, tasks: [{echo: z}]}\n',
    'playbooks/sub/a.yml':
      '- {hosts: pve, tasks: [{copy: {source: ../motd}}, {render: {template: x, vars: {who: me}}}]}\n- import_playbook: b\n',
    'playbooks/sub/b.yml': '- {hosts: gate, tasks: [{echo: b}]}\n',
    'playbooks/motd': 'hello',
    'playbooks/templates/x.ejs': 'beside the folder: <%= who %> of <%= vars.domain %>\n',
    'templates/x.ejs': 'in the working directory\n',
  }
  const job = await load(files, { playbook: 'site' })
  assert.equal(outcome(job, 'node1'), [
    ['1.1', 'copy ../motd', 'copy:hello'],
    ['1.2', 'render x', 'text:beside the folder: me of example.org\n'],
  ])
  assert.equal(outcome(job, 'gate'), [
    ['2.1', 'echo b', 'echo:{"text":"b"}'],
    ['3.1', 'echo z', 'echo:{"text":"z"}'],
  ])
  assert.is(tasksOf(job, 'node1')[0]?.location.file, 'playbooks/sub/a.yml')
})

test('shared resources of several tasks, and claims of one task, are no conflict', async () => {
  const job = await load(
    '- {hosts: node1, tasks: [{package: nginx}, {package: nginx}, {bridge: {name: vmbr1, ports: [eno1, eno1]}}]}\n',
  )
  assert.is(tasksOf(job, 'node1').length, 3)
})

test('a shorthand may be rendered, and may come to a mapping', async () => {
  const job = await load(`- hosts: node1
  tasks:
    - package: "<%= vars.bridges.map((b) => b.name) %>"
    - echo: "<%= ({ text: 'from a mapping' }) %>"
`)
  assert.equal(outcome(job, 'node1'), [
    ['1.1', 'package vmbr1, vmbr2', 'package:vmbr1 package:vmbr2'],
    ['1.2', 'echo from a mapping', 'echo:{"text":"from a mapping"}'],
  ])
})

test('fifty hosts with sixty tasks load in less than two seconds of a processor', async () => {
  const hosts = Array.from({ length: 50 }, (_, i) => `    node${i}: {address: 203.0.113.${i}, vars: {n: ${i}}}\n`).join(
    '',
  )
  const tasks = Array.from(
    { length: 60 },
    (_, i) =>
      `    - bridge: {name: vmbr${i}, address: "10.<%= vars.n %>.${i}.1/24", mtu: "<%= 1500 + vars.n %>", ports: ["<%= host.name %>p${i}"]}\n      when: vars.n >= 0\n`,
  ).join('')
  const cwd = project({
    'inventory/prod.yml': `all:\n  hosts:\n${hosts}`,
    'site.yml': `- hosts: all\n  vars: {x: "<%= vars.n %>"}\n  tasks:\n${tasks}`,
  })
  const inventory = await loadInventory('prod', { cwd })
  const before = process.cpuUsage()
  const job = await loadJob({ playbook: 'site.yml', inventory, cwd, registry: testTaskTypes })
  const { user, system } = process.cpuUsage(before)
  assert.is(tasksOf(job, 'node49').length, 60)
  assert.ok(user + system < 2e6, `took ${user + system} µs`)
})

test.run()
