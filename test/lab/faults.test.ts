/**
 * Faults injected into guarded runs on a real node. For each: the node answers afterwards, it is as before or as
 * described, the report says which, and a further run converges.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Connector } from '../../src/connection/connection.ts'
import { createSshConnector } from '../../src/connection/ssh-connector.ts'
import type { Target } from '../../src/connection/target.ts'
import { FaultLab, TIMEOUT_S } from '../helpers/fault-lab.ts'
import { pvectl } from '../helpers/pvectl.ts'

const dir = mkdtempSync(join(tmpdir(), 'pvectl-faults-'))
const test = suite('faults')
let faults: FaultLab

test.before(() => {
  faults = new FaultLab('faults', dir)
})
test.after(() => {
  faults?.lab.down()
  rmSync(dir, { recursive: true, force: true })
})

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
    'pv_write /etc/network/interfaces 0644 root:root "auto lo" "$(sha256sum < /etc/network/interfaces | cut -c 1-64)"; ip link set vmbr0 down; ip address flush dev vmbr0',
  ],
]

for (const [name, text] of REVERTED) {
  test(`${name}: rolled back`, async () => {
    faults.round += 1
    const before = await faults.essence()
    const { report, status, error } = await faults.apply(text)
    assert.is(status, 'rolled back', JSON.stringify(error))
    assert.is(report.exitCode, 7)
    assert.is(await faults.essence(), before)
    assert.is(await faults.armed(), '')
    await faults.converges()
    faults.outcomes.push(`${name} | rolled back`)
  })
}

/** Faults that a run must survive. */
const SURVIVED: [string, string][] = [
  ['the session of the run is killed', 'pkill -KILL -f "sshd[^ ]*: root@notty" || :; sleep 0.5'],
  ['sshd restarts', 'systemctl restart ssh'],
  ['the link is away for two seconds', 'ip link set eno1 down; sleep 2; ip link set eno1 up'],
  ['garbage in the output', 'head -c 20000 /dev/urandom; printf "\\033[2J"'],
]
for (const [name, text] of SURVIVED) {
  test(`${name}: as described`, async () => {
    faults.round += 1
    const { report, status, error } = await faults.apply(text)
    assert.is(report.exitCode, 0, JSON.stringify(error))
    assert.is(status, 'changed')
    assert.is(await faults.armed(), '')
    assert.match(await faults.essence(), `round ${faults.round}\nround ${faults.round}`)
    faults.outcomes.push(`${name} | as described`)
  })
}

test('a confirmation that arrives after the timer loses, and says so', async () => {
  faults.round += 1
  const before = await faults.essence()
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
  const { status, error } = await faults.apply('true', { connector: late })
  assert.is(status, 'rolled back', JSON.stringify(error))
  assert.is(await faults.essence(), before)
  await faults.converges()
  faults.outcomes.push('a late confirmation | rolled back')
})

test('the controller dies with the guard armed: the node reverts alone', async () => {
  faults.round += 1
  const before = await faults.essence()
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
  void faults.apply('ip link set vmbr0 mtu 1400', { connector: dying, signal: abort.signal })
  await new Promise((resolve) => setTimeout(resolve, (TIMEOUT_S + 4) * 1000))
  assert.is(await faults.essence(), before)
  assert.is(await faults.armed(), '')
  await faults.converges()
  faults.outcomes.push('the controller dies | rolled back by the node')
})

test('a reboot with the guard armed reverts at boot', async () => {
  faults.round += 1
  const before = await faults.essence()
  const { status, error } = await faults.apply(
    'pv_write /etc/network/interfaces 0644 root:root "auto lo" "$(sha256sum < /etc/network/interfaces | cut -c 1-64)"; sync; systemctl reboot; sleep 30',
  )
  assert.is(status, 'rolled back', JSON.stringify(error))
  assert.match(error?.problems[0]?.message ?? '', /shut down or restarted.*reverted by boot/s)
  pvectl(['lab', 'up', '--name', 'faults', '--nodes', '1', '--out', dir])
  assert.is(await faults.essence(), before)
  assert.is(await faults.armed(), '')
  await faults.converges()
  faults.outcomes.push('a reboot | rolled back at boot')
})

test('two controllers at once: one runs, the other is told who does', async () => {
  faults.round += 1
  const slow = faults.apply('sleep 2')
  await new Promise((resolve) => setTimeout(resolve, 1000))
  const second = await faults.apply('true', { marker: `/run/second-${faults.round}` })
  assert.is(second.error?.code, 'LOCKED', JSON.stringify(second.error))
  assert.is((await slow).report.exitCode, 0)
  faults.outcomes.push('two controllers | one refused')
})

test('a full disk: nothing is changed and the error says why', async () => {
  faults.round += 1
  await faults.exec(
    'mount -t tmpfs -o size=64k full /var/lib/pvectl/runs; head -c 64k /dev/zero > /var/lib/pvectl/runs/x || :',
  )
  const before = await faults.essence()
  const { status, error } = await faults.apply('true')
  await faults.exec('umount /var/lib/pvectl/runs')
  assert.is(status, 'failed', JSON.stringify(error))
  assert.match(error?.problems[0]?.hint ?? '', /full/)
  assert.is(await faults.essence(), before)
  await faults.converges()
  faults.outcomes.push('a full disk | nothing changed')
})

test('a read-only /etc: nothing is changed and the error says why', async () => {
  faults.round += 1
  const before = await faults.essence()
  await faults.exec('mount --bind /etc /etc; mount -o remount,ro,bind /etc')
  const { status, error } = await faults.apply('true')
  await faults.exec('umount /etc')
  assert.is(status, 'failed', JSON.stringify(error))
  assert.is(await faults.essence(), before)
  await faults.converges()
  faults.outcomes.push('a read-only /etc | nothing changed')
})

test('Ctrl-C in a risky run: the step ends, then all is put back', async () => {
  faults.round += 1
  const before = await faults.essence()
  const abort = new AbortController()
  setTimeout(() => abort.abort(), 1500)
  const { report, status } = await faults.apply('sleep 3', { signal: abort.signal })
  assert.is(report.exitCode, 130)
  assert.is(status, 'rolled back')
  assert.is(await faults.essence(), before)
  await faults.converges()
  faults.outcomes.push('Ctrl-C | rolled back')
})

test('the table', () => {
  faults.printTable()
  assert.ok(faults.outcomes.length >= 25, `${faults.outcomes.length} faults`)
})

test.run()
