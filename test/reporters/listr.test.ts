import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RunEvent } from '../../src/engine/events.ts'
import { createListrReporter } from '../../src/reporters/listr.ts'
import { createPalette } from '../../src/reporters/palette.ts'
import { symbolsFor } from '../../src/reporters/symbols.ts'
import { madeUpRun } from '../helpers/run-events.ts'
import { FakeTerminal } from '../helpers/screen.ts'

const test = suite('listr reporter')

function setUp(columns: number, rows: number, options: { verbose?: boolean; diff?: boolean } = {}) {
  const terminal = new FakeTerminal(columns, rows)
  const palette = createPalette(false)
  const symbols = symbolsFor({ LANG: 'C.UTF-8' })
  const { verbose = false, diff = false } = options
  const reporter = createListrReporter({ terminal, palette, symbols, verbose, diff, intervalMs: 5 })
  return { terminal, reporter }
}

/** Lines on the screen a few frames later, clocks and spinners replaced: they depend on the time. */
async function frame(terminal: FakeTerminal): Promise<string[]> {
  await sleep(40)
  return terminal.lines.map((line) => line.replace(/\d+\.\ds$/, '0.0s').replace(/[⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏]/g, '*'))
}

/** The events up to the first for which `isLast` holds. */
function upTo(events: readonly RunEvent[], isLast: (event: RunEvent) => boolean): readonly RunEvent[] {
  return events.slice(0, events.findIndex(isLast) + 1)
}

test('one host: all its tasks, as they go', async () => {
  const { terminal, reporter } = setUp(60, 24)
  const run = madeUpRun({ mode: 'apply', hosts: ['node1'], tasks: 6 })
  const begun = upTo(run, ({ event }) => event === 'task:output')
  for (const event of begun) reporter.handle(event)
  assert.equal(await frame(terminal), [
    'pvectl apply  playbooks/site.yml → prod (1 host)',
    '',
    'Proxmox nodes',
    '* node1  applying 1/2: DHCP and DNS on vmbr1           0.0s',
    '  ✔ IP forwarding                                        ok',
    '  ✔ internal bridge vmbr1                                ok',
    '  * DHCP and DNS on vmbr1',
    '    │ Setting up dnsmasq (2.89-1) ...',
    '  ✔ nginx site wildcard                                  ok',
    '  ✔ jump user                                            ok',
    '  ~ IP forwarding 5',
  ])
  assert.is(terminal.cursorShown, false)
  for (const event of run.slice(begun.length)) reporter.handle(event)
  await reporter.close()
  assert.is(
    terminal.text,
    `pvectl apply  playbooks/site.yml → prod (1 host)

node1
  ✔ DHCP and DNS on vmbr1  changed
      edit /etc/dnsmasq.d/vmbr1.conf
      restart dnsmasq: vmbr1.conf changed
  ✔ IP forwarding 5        changed
      edit /etc/dnsmasq.d/vmbr1.conf
      restart dnsmasq: vmbr1.conf changed

───────────────────────────────────────────────────────────
node1  ok=4  changed=2  failed=0  3.1s  changed`,
  )
  assert.is(terminal.cursorShown, true)
  assert.is(terminal.listeners, 0)
})

test('a narrow screen: long titles and the recap break between words', async () => {
  const { terminal, reporter } = setUp(40, 60)
  const long = 'Forward packets between internal network and outside'
  for (const event of madeUpRun({ mode: 'apply', hosts: ['node1'], tasks: 3 })) {
    const text = JSON.stringify(event).replaceAll('DHCP and DNS on vmbr1', long)
    reporter.handle(JSON.parse(text) as RunEvent)
  }
  await reporter.close()
  assert.equal(terminal.text.split('\n').slice(2), [
    'node1',
    '  ✔ Forward packets between internal',
    '    network and outside  changed',
    '      edit /etc/dnsmasq.d/vmbr1.conf',
    '      restart dnsmasq: vmbr1.conf',
    '        changed',
    '',
    '───────────────────────────────────────',
    'node1  ok=2  changed=1  failed=0  3.1s',
    '  changed',
  ])
})

test('one host, little room: a window round the task at work', async () => {
  const { terminal, reporter } = setUp(40, 11)
  const run = madeUpRun({ mode: 'apply', hosts: ['node1'], tasks: 30 })
  const second = run.findIndex((event) => event.event === 'task:started' && event.id === '8')
  for (const event of run.slice(0, second + 1)) reporter.handle(event)
  assert.equal(
    (await frame(terminal)).slice(3),
    [
      '* node1  applying 3/10: nginx site… 0.0s',
      '  … 5 more',
      '  ✔ IP forwarding 5             applied',
      '  ✔ internal bridge vmbr1 6          ok',
      '  ✔ DHCP and DNS on vmbr1 7          ok',
      '  * nginx site wildcard 8',
      '  ✔ jump user 9                      ok',
      '  ✔ IP forwarding 10                 ok',
      '  … 19 more',
    ].map((line) => line.replace('site… 0', 'sit… 0')),
  )
  await reporter.close()
})

test('several hosts: one line each', async () => {
  const { terminal, reporter } = setUp(60, 20)
  const run = madeUpRun({ mode: 'apply', hosts: ['node1', 'n2', 'n3'], tasks: 6, unreachable: ['n2'] })
  const ofN3 = run.findIndex((event) => 'host' in event && event.host === 'n3')
  for (const event of run.slice(0, ofN3)) reporter.handle(event)
  assert.equal((await frame(terminal)).slice(2), [
    'Proxmox nodes',
    '✔ node1  changed 2, ok 4                               0.0s',
    '✖ n2     unreachable: n2 (10.0.0.9:22) refused the co… 0.0s',
    '· n3     waiting',
  ])
  await reporter.close()
})

test('more hosts than rows: those at work, and sums of the others', async () => {
  const { terminal, reporter } = setUp(60, 8)
  const hosts = Array.from({ length: 20 }, (_, i) => `n${i + 1}`)
  const run = madeUpRun({ mode: 'apply', hosts, tasks: 6, failing: ['n2'] })
  const of = (name: string) => run.filter((event) => 'host' in event && event.host === name)
  for (const event of run.slice(0, 2)) reporter.handle(event)
  for (const name of ['n1', 'n2', 'n3']) for (const event of of(name)) reporter.handle(event)
  for (const name of ['n4', 'n5', 'n6', 'n7', 'n8', 'n9'])
    for (const event of of(name).slice(0, 2)) reporter.handle(event)
  assert.equal((await frame(terminal)).slice(2), [
    'Proxmox nodes',
    '✖ 3 hosts done: 2 changed, 1 failed',
    '* n4   connecting                                      0.0s',
    '* n5   connecting                                      0.0s',
    '* n6   connecting                                      0.0s',
    '* 3 more hosts at work',
    '· 11 hosts waiting',
  ])
  await reporter.close()
})

test('hosts to which the same happened share a section; diffs where wanted', async () => {
  const { terminal, reporter } = setUp(100, 30, { diff: true })
  for (const event of madeUpRun({ mode: 'check', hosts: ['n1', 'n2', 'n3'], tasks: 3 })) reporter.handle(event)
  await reporter.close()
  assert.is(
    terminal.text,
    `pvectl check  playbooks/site.yml → prod (3 hosts)

n1, n2, n3
  ~ DHCP and DNS on vmbr1  would change
      edit /etc/dnsmasq.d/vmbr1.conf
        @@ -1,2 +1,3 @@
         # dnsmasq
        -interface=vmbr0
        +interface=vmbr1
        +dhcp-range=10.10.10.100,10.10.10.200
      restart dnsmasq: vmbr1.conf changed

────────────────────────────────────────────────────────────
n1  ok=2  would-change=1  failed=0  1.5s  would change
n2  ok=2  would-change=1  failed=0  1.5s  would change
n3  ok=2  would-change=1  failed=0  1.5s  would change
3 hosts: 3 would change  4.2s`,
  )
})

test('a notice and the output of steps stay above the live region', async () => {
  const { terminal, reporter } = setUp(60, 20, { verbose: true })
  const run = madeUpRun({ mode: 'apply', hosts: ['n1'], tasks: 3 })
  const begun = upTo(run, ({ event }) => event === 'task:output')
  for (const event of begun) reporter.handle(event)
  reporter.notice('interrupted: finishing the current step')
  const lines = await frame(terminal)
  assert.equal(lines.slice(2, 5), [
    'n1 | Setting up dnsmasq (2.89-1) ...',
    'interrupted: finishing the current step',
    'Proxmox nodes',
  ])
  await reporter.close()
  assert.match(terminal.text, 'interrupted: finishing the current step')
})

test('stages follow each other on one screen; a failed host is out of the next', async () => {
  const { terminal, reporter } = setUp(60, 20)
  const hosts = ['n1', 'n2']
  reporter.handle({
    event: 'run:started',
    id: 'r',
    owner: 'o',
    mode: 'apply',
    playbook: 'p.yml',
    inventory: 'prod',
    hosts,
  })
  reporter.handle({ event: 'stage:started', stage: 0, title: 'first', hosts })
  const error = { code: 'STEP_FAILED', problems: [{ message: 'no' }] } as const
  reporter.handle({ event: 'host:started', host: 'n1', stage: 0, tasks: [{ id: '1', title: 'one' }] })
  reporter.handle({ event: 'host:started', host: 'n2', stage: 0, tasks: [{ id: '1', title: 'one' }] })
  const failed = { tasks: { failed: 1 }, seconds: 1, exchanges: 1 }
  reporter.handle({ event: 'host:finished', host: 'n2', status: 'failed', ...failed, error })
  reporter.handle({ event: 'stage:started', stage: 1, title: 'second', hosts })
  assert.equal((await frame(terminal)).slice(2), ['second', '· n1  waiting'])
  const raw = terminal.raw
  await reporter.close()
  assert.ok(raw.includes('?25l') && terminal.cursorShown)
})

test('fifty hosts with thirty tasks cost little', async () => {
  const { reporter } = setUp(120, 40)
  const hosts = Array.from({ length: 50 }, (_, i) => `n${i + 1}`)
  const run = madeUpRun({ mode: 'apply', hosts, tasks: 30 })
  const before = process.cpuUsage()
  for (const [index, event] of run.entries()) {
    reporter.handle(event)
    if (index % 100 === 0) await sleep(10)
  }
  await reporter.close()
  const { user, system } = process.cpuUsage(before)
  // Some 0.2 s here; the default renderer of listr2 takes minutes.
  assert.ok(user + system < 1_500_000, `${(user + system) / 1000} ms of CPU`)
})

test.run()
