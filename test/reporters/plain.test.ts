import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RunEvent } from '../../src/engine/events.ts'
import { createJsonReporter } from '../../src/reporters/json.ts'
import { createPalette } from '../../src/reporters/palette.ts'
import { createPlainReporter } from '../../src/reporters/plain.ts'
import { madeUpRun } from '../helpers/run-events.ts'

const test = suite('plain and json reporters')

async function plain(
  events: readonly RunEvent[],
  options: { diff?: boolean; verbose?: boolean; color?: boolean } = {},
): Promise<string> {
  let text = ''
  const write = (more: string) => {
    text += more
  }
  const { diff = false, verbose = false, color = false } = options
  const reporter = createPlainReporter({ write, palette: createPalette(color), diff, verbose })
  for (const event of events) reporter.handle(event)
  await reporter.close()
  return text
}

test('apply: a line per change of state, errors with hints, a recap', async () => {
  const run = madeUpRun({ mode: 'apply', hosts: ['n1', 'n20'], tasks: 6, unreachable: ['n20'], failing: ['n1'] })
  assert.is(
    await plain(run),
    `pvectl apply  playbooks/site.yml → prod (2 hosts)
stage 1: Proxmox nodes
n1  | connecting
n1  | observing
n1  | applying
n1  | DHCP and DNS on vmbr1 | applying
n1  | IP forwarding 5 | applying
n1  | DHCP and DNS on vmbr1 | changed
n1  |   edit /etc/dnsmasq.d/vmbr1.conf
n1  |   restart dnsmasq: vmbr1.conf changed
n1  | IP forwarding 5 | failed
n1  |   edit /etc/dnsmasq.d/vmbr1.conf
n1  |   restart dnsmasq: vmbr1.conf changed (failed)
n1  | error: IP forwarding 5: unit dnsmasq failed: Job for dnsmasq.service failed.
n1  |        dnsmasq: bad option at line 3
n1  |   --> playbooks/site.yml:31:7
n1  |   hint: steps before it are done, steps after it were not started; mend the cause and run again
n1  | failed | failed 1, changed 1, ok 4
n20 | connecting
n20 | error: n20 (10.0.0.9:22) refused the connection
n20 |   hint: is sshd running there?
n20 | unreachable

n1   ok=4  changed=1  failed=1  3.1s  failed
n20  ok=0  changed=0  failed=0  0.3s  unreachable
2 hosts: 1 failed, 1 unreachable  4.2s
`,
  )
})

test('check with diffs', async () => {
  assert.is(
    await plain(madeUpRun({ mode: 'check', hosts: ['n1'], tasks: 3 }), { diff: true }),
    `pvectl check  playbooks/site.yml → prod (1 host)
stage 1: Proxmox nodes
n1 | connecting
n1 | observing
n1 | DHCP and DNS on vmbr1 | would change
n1 |   edit /etc/dnsmasq.d/vmbr1.conf
n1 |     @@ -1,2 +1,3 @@
n1 |      # dnsmasq
n1 |     -interface=vmbr0
n1 |     +interface=vmbr1
n1 |     +dhcp-range=10.10.10.100,10.10.10.200
n1 |   restart dnsmasq: vmbr1.conf changed
n1 | would change | would change 1, ok 2

n1  ok=2  would-change=1  failed=0  1.5s  would change
`,
  )
})

test('verbose: tasks that are ok, and what steps print, made harmless', async () => {
  const text = await plain(madeUpRun({ mode: 'apply', hosts: ['n1'], tasks: 3 }), { verbose: true })
  assert.match(text, 'n1 | IP forwarding | ok\n')
  assert.match(text, 'n1 |   Setting up dnsmasq (2.89-1) ...\n')
  assert.not.match(text, '\x1b')
})

test('colours only where asked for', async () => {
  const run = madeUpRun({ mode: 'check', hosts: ['n1'], tasks: 3 })
  assert.match(await plain(run, { color: true }), '\x1b[33mwould change\x1b[39m')
  assert.not.match(await plain(run), '\x1b')
})

test('a run that broke off still ends in a recap', async () => {
  const run = madeUpRun({ mode: 'apply', hosts: ['n1'], tasks: 3 })
  const text = await plain(run.slice(0, -2))
  assert.match(text, /\nn1 {2}ok=0 .* broken off\n$/)
})

test('tasks that a node took back are counted as such', async () => {
  const finished = { host: 'n1', status: 'rolled back', tasks: { 'rolled back': 2, skipped: 1 } } as const
  const text = await plain([
    { event: 'run:started', id: 'r', owner: 'o', mode: 'apply', playbook: 'site', inventory: 'prod', hosts: ['n1'] },
    { event: 'host:finished', ...finished, seconds: 9, exchanges: 3 },
    { event: 'run:finished', hosts: { 'rolled back': 1 }, seconds: 9, exitCode: 7 },
  ])
  assert.match(text, 'n1 | rolled back | rolled back 2, skipped 1\n')
  assert.match(text, /^n1 {2}ok=0 {2}changed=0 {2}rolled-back=2 {2}failed=0 {2}skipped=1 {2}9\.0s {2}rolled back$/m)
})

test('json: every event is a line, as it is', async () => {
  const run = madeUpRun({ mode: 'apply', hosts: ['n1'], tasks: 3 })
  const written: string[] = []
  const reporter = createJsonReporter((text) => written.push(text))
  for (const event of run) reporter.handle(event)
  await reporter.close()
  assert.is(written.length, run.length)
  assert.ok(written.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1))
  assert.equal(
    written.map((line) => JSON.parse(line)),
    run,
  )
})

test.run()
