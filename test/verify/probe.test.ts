import { spawnSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { collectChecks, planExchange } from '../../src/verify/collect.ts'
import { PROGRAM, parseReport, probeScript } from '../../src/verify/probe/script.ts'
import { readSettings } from '../../src/verify/settings.ts'
import { testHost, testTask } from '../helpers/job.ts'

const test = suite('the probe')
const seat = { interface: 'vmbr1', network: '10.10.10.1/24' }
const host = (verify?: unknown) => ({ ...testHost('node1'), vars: verify === undefined ? {} : { verify } })

test('Perl finds nothing wrong with the program', () => {
  const { status, stderr } = spawnSync('perl', ['-c', '-', 'mark', '{}'], {
    input: PROGRAM,
    encoding: 'utf8',
    timeout: 10_000,
  })
  assert.is(status, 0, stderr)
  assert.is(stderr, '- syntax OK\n')
})

test('the program is one here-document, whatever the plan holds', () => {
  const plan = { probes: [], facts: [{ id: "it's $(odd) `x`", kind: 'command' as const, args: ['true'] }] }
  const script = probeScript(plan, 'mark').bytes().toString()
  assert.is(script.match(/^PVECTL_PROBE$/gm)?.length, 1)
  const { stdout } = spawnSync('sh', [], { input: script.replace(/^perl - /m, 'printf "%s\\n" '), encoding: 'utf8' })
  assert.is(stdout, `mark\n${JSON.stringify(plan)}\n`)
})

test('answers are framed, and noise between them does no harm', () => {
  const line = (what: string, id: string, value: object) => `m ${JSON.stringify({ what, id, value })}\n`
  const text = `motd\n${line('fact', 'x', { text: 'a' })}noise\n${line('probe', '0', { open: 1 })}${line('default', '0', { dev: 'vmbr0' })}m end\n`
  const report = parseReport(Buffer.from(text), Buffer.from(''), 'm')
  assert.equal(report.probes.get('0'), { open: 1 })
  assert.equal(report.facts.get('x'), { text: 'a' })
  assert.equal(report.defaultRoute, { dev: 'vmbr0' })
})

test('a script that broke off is an error with its last words', () => {
  assert.throws(
    () => parseReport(Buffer.from('m {}'), Buffer.from("Can't locate JSON/PP.pm\n"), 'm'),
    /broke off: Can't locate JSON\/PP/,
  )
})

test('settings of plays come before those of the inventory, and are checked as those are', () => {
  const inventory = host({ closed_ports: [8006] })
  const settings = (given: unknown) => readSettings([inventory], new Map([['node1', given]])).get('node1')
  assert.equal(settings({ closed_ports: [22] })?.closed_ports, [22])
  assert.throws(() => settings({ closed_prots: [22] }), /node1: .*closed_prots.*\(variables of the play\)/)
})

test('each check once, closed ports for each place, one fact however many ask', () => {
  const dns = { kind: 'dns_outside', seat, server: '10.10.10.1' } as const
  const offer = { kind: 'dhcp_offer', seat, ranges: [], router: false, dns: [] } as const
  const tasks = [
    { ...testTask('1'), checks: [dns, offer] },
    { ...testTask('2'), checks: [dns] },
  ]
  const inventory = host({ closed_ports: [8006], closed_to_guests: [22] })
  const settings = readSettings([inventory]).get('node1')
  assert.ok(settings)
  const view = collectChecks(inventory, tasks, settings)
  assert.equal(
    view.checks.map(({ kind }) => kind),
    ['dns_outside', 'dhcp_offer', 'closed', 'closed'],
  )
  const plan = planExchange(view)
  assert.equal(
    plan.probes.map(({ id, kind }) => `${id} ${kind}`),
    ['0 dns', '1 dhcp', '3 closed'],
  )
  assert.is(plan.facts.filter(({ id }) => id === 'unit dnsmasq.service').length, 1)
})

test('settings: defaults, and every mistake with its host', () => {
  assert.equal(readSettings([host()]).get('node1'), { websocket_paths: {}, closed_ports: [], closed_to_guests: [] })
  const six = (text: string) => () => readSettings([host({ nat_target6: text })])
  for (const target of ['2001:db8::1', '[2001:db8::1]:443']) assert.not.throws(six(target))
  for (const target of ['192.0.2.1', '2001:db8::1]:443', '[2001:db8::1]:70000', 'gateway'])
    assert.throws(six(target), /`nat_target6` must be an IPv6 address/)
  const wrong = host({ nat_target: 'gateway', closed_port: [1], websocket_paths: { a: 'x' } })
  try {
    readSettings([wrong])
    assert.unreachable()
  } catch (error) {
    const text = String((error as Error).message)
    assert.match(text, /node1: verify: `nat_target` must be an IPv4 address/)
    assert.match(text, /unknown key `closed_port`/)
    assert.match(text, /must be a path from \//)
  }
})

test.run()
