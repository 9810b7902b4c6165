/**
 * Faults injected into guarded runs on a real node. For each: the node answers afterwards, it is as before or as
 * described, the report says which, and a further run converges.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import type { Connector } from '../../src/connection/connection.ts'
import { joinScripts, rawScript, sh } from '../../src/connection/script.ts'
import { createSshConnector } from '../../src/connection/ssh-connector.ts'
import type { Target } from '../../src/connection/target.ts'
import type { RunEvent } from '../../src/engine/events.ts'
import { run } from '../../src/engine/run.ts'
import { execInNode } from '../../src/lab/exec.ts'
import { command } from '../../src/resources/command.ts'
import { file } from '../../src/resources/file.ts'
import type { Resource } from '../../src/resources/resource.ts'
import { testHost, testTask } from '../helpers/job.ts'
import { labUp, pvectl, type TestLab } from '../helpers/pvectl.ts'

const LAB = 'faults'
const NODE = 'node1'
const TIMEOUT_S = 6
const dir = mkdtempSync(join(tmpdir(), 'pvectl-faults-'))
const test = suite('faults')
let lab: TestLab
let target: Target

test.before(() => {
  lab = labUp(LAB, 1, dir)
  const { all } = parse(readFileSync(lab.inventory, 'utf8'))
  target = {
    ...testHost(NODE).target,
    address: lab.addresses[NODE] ?? '',
    keyFiles: [all.connection.key],
    knownHostsFiles: [join(dir, all.connection.known_hosts)],
    connectTimeoutMs: 3000,
  }
})
test.after(() => {
  lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

/** A risky step: runs `text` once, as a change of links would. */
function inject(text: string, marker: string): Resource {
  const inner = command({ run: text, creates: marker, touches: [] })
  return {
    ...inner,
    plan(model) {
      const plan = inner.plan(model)
      // In the worker's own shell, so that the injected text may use the functions of the prelude.
      const script = joinScripts([sh`touch ${marker}`, rawScript(text)])
      return plan.kind === 'change' ? { ...plan, script, risk: 'link' } : plan
    },
  }
}

const CONF = '/etc/pvectl-fault.conf'
let round = 0

function tasks(text: string, marker = `/run/fault-${round}`) {
  return [
    testTask('1', file({ path: CONF, content: Buffer.from(`round ${round}\n`) })),
    testTask('2', inject(text, marker)),
    testTask('3', file({ path: `${CONF}.2`, content: Buffer.from(`round ${round}\n`) })),
  ]
}

async function apply(
  text: string,
  options: { connector?: Connector<Target>; signal?: AbortSignal; marker?: string } = {},
) {
  const host = { ...testHost(NODE), target }
  const stage = { title: 'fault', serial: [], hosts: [{ host, tasks: tasks(text, options.marker) }] }
  const events: RunEvent[] = []
  const report = await run({
    job: { playbook: 'fault', inventory: LAB, stages: [stage], hosts: [host] },
    connector: options.connector ?? createSshConnector(),
    mode: 'apply',
    guard: { timeoutSeconds: TIMEOUT_S },
    emit: (event) => events.push(event),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  const end = events.find((event) => event.event === 'host:finished')
  return { report, status: end?.status, error: end?.error, events }
}

/** The parts of a node that a fault breaks: files of the test, links, addresses, routes, rules, sshd. */
async function essence(): Promise<string> {
  const script = `cat ${CONF} ${CONF}.2 2>/dev/null; ls /etc/ssh/sshd_config.d; cat /etc/network/interfaces
for l in /sys/class/net/*; do echo "$l $(cat $l/mtu) $(readlink $l/master)"; done
ip -4 -o address | awk '{print $2,$4}'; ip -4 route; iptables-save | grep -E '^-|DROP'; nft list tables | grep -v 'ip6\\? \\(filter\\|nat\\)'
systemctl is-active ssh; cat /proc/sys/net/ipv4/ip_forward`
  const { stdout } = await execInNode(NODE, ['sh', '-c', script], { lab: LAB })
  return stdout.toString()
}

async function armed(): Promise<string> {
  const { stdout } = await execInNode(
    NODE,
    [
      'sh',
      '-c',
      'ls -d /var/lib/pvectl/guard/armed 2>/dev/null; ls /etc/systemd/system/sysinit.target.wants | grep pvectl',
    ],
    { lab: LAB },
  )
  return stdout.toString()
}

const OUTCOMES: string[] = []

/** Faults after which the node must be as before, reported as rolled back. */
const REVERTED: [string, string][] = [
  ['the bridge goes down', 'ip link set vmbr0 down'],
  ['the uplink goes down', 'ip link set eno1 down'],
  ['addresses are flushed', 'ip address flush dev vmbr0'],
  ['a wrong address', 'ip address flush dev vmbr0; ip address add 192.0.2.9/24 dev vmbr0'],
  ['the uplink leaves the bridge', 'ip link set eno1 nomaster'],
  ['a black hole towards the controller', 'ip route add blackhole $(ip -4 route show default | cut -d" " -f3)'],
  ['a firewall with policy DROP', 'iptables -P INPUT DROP'],
  ['a firewall rule against ssh', 'iptables -I INPUT -p tcp --dport 22 -j DROP'],
  ['a firewall rule against all output', 'iptables -I OUTPUT -j DROP'],
  [
    'an nft table that drops all',
    'nft add table inet block; nft add chain inet block in "{ type filter hook input priority 0; policy drop; }"',
  ],
  ['a policy rule that leads nowhere', 'ip rule add pref 1 blackhole'],
  [
    'sshd on another port',
    'pv_write /etc/ssh/sshd_config.d/99-port.conf 0644 root:root "Port 2222" absent; systemctl restart ssh',
  ],
  ['sshd stopped', 'systemctl stop ssh'],
  ['a step that fails after cutting the link', 'ip link set vmbr0 down; exit 3'],
  ['a step that fails', 'exit 3'],
  ['a step that hangs', 'sleep 600'],
  ['a step that hangs with the link cut', 'ip link set vmbr0 down; sleep 600'],
  [
    'interfaces overwritten and the bridge gone',
    'pv_write /etc/network/interfaces 0644 root:root "auto lo" "$(pv_sha /etc/network/interfaces)"; ip link set vmbr0 down; ip address flush dev vmbr0',
  ],
]

for (const [name, text] of REVERTED) {
  test(`${name}: rolled back`, async () => {
    round += 1
    const before = await essence()
    const { report, status, error } = await apply(text)
    assert.is(status, 'rolled back', JSON.stringify(error))
    assert.is(report.exitCode, 7)
    assert.is(await essence(), before)
    assert.is(await armed(), '')
    await converges()
    OUTCOMES.push(`${name} | rolled back`)
  })
}

async function converges(): Promise<void> {
  const again = await apply('true', { marker: `/run/good-${round}` })
  assert.is(again.report.exitCode, 0, JSON.stringify(again.error))
  assert.is(again.status, 'changed')
}

/** Faults that a run must survive. */
const SURVIVED: [string, string][] = [
  ['the session of the run is killed', 'pkill -KILL -f "sshd: root@notty" || :; sleep 0.5'],
  ['sshd restarts', 'systemctl restart ssh'],
  ['the link is away for two seconds', 'ip link set eno1 down; sleep 2; ip link set eno1 up'],
  ['garbage in the output', 'head -c 20000 /dev/urandom; printf "\\033[2J"'],
]
for (const [name, text] of SURVIVED) {
  test(`${name}: as described`, async () => {
    round += 1
    const { report, status, error } = await apply(text)
    assert.is(report.exitCode, 0, JSON.stringify(error))
    assert.is(status, 'changed')
    assert.is(await armed(), '')
    assert.match(await essence(), `round ${round}\nround ${round}`)
    OUTCOMES.push(`${name} | as described`)
  })
}

test('a confirmation that arrives after the timer loses, and says so', async () => {
  round += 1
  const before = await essence()
  const inner = createSshConnector()
  const late: Connector<Target> = {
    close: () => inner.close(),
    async connect(to, signal) {
      const connection = await inner.connect(to, signal)
      return {
        ...connection,
        peer: connection.peer,
        close: () => connection.close(),
        async run(script, options) {
          if (script.display.includes('.confirmed'))
            await new Promise((resolve) => setTimeout(resolve, (TIMEOUT_S + 1) * 1000))
          return connection.run(script, options)
        },
      }
    },
  }
  const { status, error } = await apply('true', { connector: late })
  assert.is(status, 'rolled back', JSON.stringify(error))
  assert.is(await essence(), before)
  await converges()
  OUTCOMES.push('a late confirmation | rolled back')
})

test('the controller dies with the guard armed: the node reverts alone', async () => {
  round += 1
  const before = await essence()
  const abort = new AbortController()
  // A controller that never comes back: every connection after the first exchange of steps fails.
  const inner = createSshConnector()
  let dead = false
  const dying: Connector<Target> = {
    close: () => inner.close(),
    async connect(to, signal) {
      if (dead) return new Promise(() => undefined)
      const connection = await inner.connect(to, signal)
      return {
        peer: connection.peer,
        close: () => connection.close(),
        async run(script, options) {
          const result = await connection.run(script, options)
          if (script.display.includes('setsid')) dead = true
          return result
        },
      }
    },
  }
  void apply('ip link set vmbr0 mtu 1400', { connector: dying, signal: abort.signal })
  await new Promise((resolve) => setTimeout(resolve, (TIMEOUT_S + 4) * 1000))
  assert.is(await essence(), before)
  assert.is(await armed(), '')
  await converges()
  OUTCOMES.push('the controller dies | rolled back by the node')
})

test('a reboot with the guard armed reverts at boot', async () => {
  round += 1
  const before = await essence()
  const { status } = await apply(
    'pv_write /etc/network/interfaces 0644 root:root "auto lo" "$(pv_sha /etc/network/interfaces)"; sync; systemctl reboot; sleep 30',
  )
  assert.ok(status === 'rolled back' || status === 'failed', String(status))
  pvectl(['lab', 'up', '--name', LAB, '--nodes', '1', '--out', dir])
  assert.is(await essence(), before)
  assert.is(await armed(), '')
  await converges()
  OUTCOMES.push('a reboot | rolled back at boot')
})

test('two controllers at once: one runs, the other is told who does', async () => {
  round += 1
  const slow = apply('sleep 2')
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const second = await apply('true', { marker: `/run/second-${round}` })
  assert.is(second.error?.code, 'LOCKED', JSON.stringify(second.error))
  assert.is((await slow).report.exitCode, 0)
  OUTCOMES.push('two controllers | one refused')
})

test('a full disk: nothing is changed and the error says why', async () => {
  round += 1
  await execInNode(
    NODE,
    [
      'sh',
      '-c',
      'mount -t tmpfs -o size=64k full /var/lib/pvectl/runs; head -c 64k /dev/zero > /var/lib/pvectl/runs/x || :',
    ],
    { lab: LAB },
  )
  const before = await essence()
  const { status, error } = await apply('true')
  await execInNode(NODE, ['umount', '/var/lib/pvectl/runs'], { lab: LAB })
  assert.is(status, 'failed', JSON.stringify(error))
  assert.match(error?.problems[0]?.hint ?? '', /full/)
  assert.is(await essence(), before)
  await converges()
  OUTCOMES.push('a full disk | nothing changed')
})

test('a read-only /etc: nothing is changed and the error says why', async () => {
  round += 1
  const before = await essence()
  await execInNode(NODE, ['sh', '-c', 'mount --bind /etc /etc; mount -o remount,ro,bind /etc'], { lab: LAB })
  const { status, error } = await apply('true')
  await execInNode(NODE, ['umount', '/etc'], { lab: LAB })
  assert.is(status, 'failed', JSON.stringify(error))
  assert.is(await essence(), before)
  await converges()
  OUTCOMES.push('a read-only /etc | nothing changed')
})

test('Ctrl-C in a risky run: the step ends, then all is put back', async () => {
  round += 1
  const before = await essence()
  const abort = new AbortController()
  setTimeout(() => abort.abort(), 1500)
  const { report, status } = await apply('sleep 3', { signal: abort.signal })
  assert.is(report.exitCode, 130)
  assert.is(status, 'rolled back')
  assert.is(await essence(), before)
  await converges()
  OUTCOMES.push('Ctrl-C | rolled back')
})

test('the table', () => {
  process.stdout.write(`\n| fault | outcome |\n|---|---|\n${OUTCOMES.map((row) => `| ${row} |`).join('\n')}\n`)
  assert.ok(OUTCOMES.length >= 25, `${OUTCOMES.length} faults`)
})

test.run()
