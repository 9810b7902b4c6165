import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { loadInventory } from '../../src/inventory/load.ts'
import { cgroupProcesses } from '../../src/lab/cgroup.ts'
import { labDown } from '../../src/lab/down.ts'
import { execInNetworkOf, execInNode, nodeAddress } from '../../src/lab/exec.ts'
import { labNames } from '../../src/lab/names.ts'
import { answers } from '../../src/lab/node.ts'
import { labDir } from '../../src/lab/paths.ts'
import { findLeader, processesWith } from '../../src/lab/processes.ts'
import { tryRun } from '../../src/lab/run.ts'
import { sshArguments } from '../../src/lab/ssh-client.ts'
import { readState } from '../../src/lab/state.ts'
import { labStatus } from '../../src/lab/status.ts'
import { labUp, type UpReport } from '../../src/lab/up.ts'
import { labTraces } from '../helpers/lab-traces.ts'
import { within } from '../helpers/within.ts'

const test = suite('lab')
const LAB = 'selftest'
const names = labNames(LAB)
const cwd = mkdtempSync(join(tmpdir(), 'pvectl-lab-'))
const progress: string[] = []
const down = () => within(60_000, labDown({ lab: LAB, onProgress: () => {} }))

function up(count?: number): Promise<UpReport> {
  const wanted = count === undefined ? {} : { count }
  const options = { lab: LAB, out: join(cwd, 'inventory/lab'), onProgress: (text: string) => progress.push(text) }
  // The first time on a machine builds the base image.
  return within(600_000, labUp({ ...options, ...wanted }))
}

async function inNode(node: string, script: string): Promise<string> {
  const { code, stdout, stderr } = await execInNode(node, ['sh', '-c', script], { lab: LAB })
  assert.is(code, 0, `${script}: ${stderr}`)
  return stdout.trim()
}

const traces = () => labTraces(LAB, join(cwd, 'inventory/lab'))

test.before(down)
test.after(async () => {
  await down()
  rmSync(cwd, { recursive: true, force: true })
})

test('two nodes boot', async () => {
  const { nodes } = await up(2)
  const summary = nodes.map(({ name, started, system, failedUnits }) => ({ name, started, system, failedUnits }))
  const good = { started: true, system: 'running', failedUnits: [] }
  assert.equal(summary, [
    { name: 'node1', ...good },
    { name: 'node2', ...good },
  ])
})

test('the pinned host key and the lab key open a node, another host key does not', async () => {
  const address = await nodeAddress('node1', LAB)
  const login = (args: readonly string[]) => tryRun('ssh', ['-o', 'BatchMode=yes', ...args, 'hostname'])
  assert.is((await login(sshArguments(LAB, address))).stdout, 'node1\n')
  const other = await nodeAddress('node2', LAB)
  const swapped = join(cwd, 'known_hosts')
  const lines = readFileSync(join(cwd, 'inventory/lab/known_hosts'), 'utf8').trim().split('\n')
  assert.is(lines.length, 2)
  writeFileSync(
    swapped,
    `${address} ${lines
      .find((line) => line.startsWith(other))
      ?.split(' ')
      .slice(1)
      .join(' ')}\n`,
  )
  const refused = await login(['-o', `UserKnownHostsFile=${swapped}`, ...sshArguments(LAB, address)])
  assert.is(refused.code, 255)
  assert.match(refused.stderr, /Host key verification failed/)
})

test('the inventory it writes leads to the nodes', async () => {
  const { hosts } = await loadInventory('lab', { cwd })
  assert.equal(
    hosts.map(({ name, target }) => [name, target.address]),
    [
      ['node1', await nodeAddress('node1', LAB)],
      ['node2', await nodeAddress('node2', LAB)],
    ],
  )
  for (const { target } of hosts) {
    for (const file of [...target.keyFiles, ...target.knownHostsFiles]) assert.ok(existsSync(file), file)
  }
})

test('a node looks as the installer of PVE leaves it', async () => {
  const address = await nodeAddress('node1', LAB)
  const gateway = address.replace(/\d+$/, '1')
  assert.is(
    `${await inNode('node1', 'cat /etc/network/interfaces')}\n`,
    [
      'auto lo\niface lo inet loopback\n\niface eno1 inet manual\n\nauto vmbr0\niface vmbr0 inet static',
      `\taddress ${address}/24\n\tgateway ${gateway}\n\tbridge-ports eno1\n\tbridge-stp off\n\tbridge-fd 0\n`,
      'source /etc/network/interfaces.d/*\n',
    ].join('\n'),
  )
  assert.match(await inNode('node1', 'ip -br address show vmbr0'), new RegExp(`^vmbr0 +UP +${address}/24 `))
  assert.match(await inNode('node1', 'ip -o link show eno1'), / master vmbr0 /)
  assert.is(await inNode('node1', 'systemctl is-active networking'), 'active')
  const ownName = (await inNode('node1', 'getent hosts $(hostname)')).split(/\s+/)
  assert.equal(ownName, [address, 'node1.lab.internal', 'node1'])
  assert.is(await inNode('node1', 'cat /proc/sys/net/ipv4/ip_forward'), '0')
})

test('nodes reach the host and each other', async () => {
  const other = await nodeAddress('node2', LAB)
  for (const target of [other.replace(/\d+$/, '1'), other]) await inNode('node1', `ping -c1 -W2 ${target}`)
  const links = await execInNetworkOf('node1', ['ip', '-br', 'link', 'show', 'vmbr0'], { lab: LAB })
  assert.match(links.stdout, /^vmbr0 /)
})

test('dnsmasq and nginx can be installed without a network, and are not there yet', async () => {
  assert.is(await inNode('node1', 'command -v dnsmasq nginx || echo neither'), 'neither')
  const plan = await inNode('node1', 'apt-get install -qsy dnsmasq nginx nginx-light')
  for (const name of ['dnsmasq', 'dnsmasq-base', 'nginx', 'nginx-common'])
    assert.match(plan, new RegExp(`^Inst ${name} `, 'm'))
  const sources = await inNode('node1', 'cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null; true')
  assert.match(sources, /^deb \[trusted=yes\] file:\S+ \.\/$/)
})

test('a second up keeps what runs, is quick, and adds what is wanted', async () => {
  const start = Date.now()
  const { nodes } = await up()
  assert.equal(
    nodes.map((node) => node.started),
    [false, false],
  )
  assert.ok(Date.now() - start < 10_000, `${Date.now() - start} ms`)
  const more = await up(3)
  assert.equal(
    more.nodes.map((node) => [node.name, node.started]),
    [
      ['node1', false],
      ['node2', false],
      ['node3', true],
    ],
  )
})

test('a reboot keeps the disk and nothing else', async () => {
  await inNode('node3', 'echo kept >/root/mark; ip link add vmbr9 type bridge; sysctl -qw net.ipv4.ip_forward=1')
  const before = await leaderOf('node3')
  await execInNode('node3', ['systemctl', 'reboot'], { lab: LAB })
  const address = await nodeAddress('node3', LAB)
  const deadline = Date.now() + 30_000
  for (;;) {
    const leader = await leaderOf('node3')
    if (leader !== undefined && leader !== before && (await answers(address))) break
    assert.ok(Date.now() < deadline, 'back within 30 s')
    await sleep(100)
  }
  assert.is(
    await inNode('node3', 'cat /root/mark; ls /sys/class/net | tr "\\n" " "; cat /proc/sys/net/ipv4/ip_forward'),
    'kept\neno1 lo vmbr0 0',
  )
})

function leaderOf(node: string): Promise<number | undefined> {
  return findLeader(`${names.cgroup}/${node}`)
}

test('up heals a node that was killed, and one whose systemd-nspawn was', async () => {
  for (const pid of await cgroupProcesses(`${names.cgroup}/node1`)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch {
      // Went down with its parent.
    }
  }
  const [nspawn] = await processesWith(`--directory=${labDir(LAB)}/nodes/node2/root`)
  assert.type(nspawn, 'number')
  process.kill(nspawn as number, 'SIGKILL')
  await sleep(500)
  const states = (await labStatus(LAB)).nodes.map(({ name, state, ssh }) => ({ name, state, ssh }))
  assert.equal(states[0], { name: 'node1', state: 'stopped', ssh: false })
  assert.is(states[1]?.ssh, false)
  const { nodes } = await up()
  assert.equal(
    nodes.map(({ started, system }) => [started, system]),
    [
      [true, 'running'],
      [true, 'running'],
      [false, 'running'],
    ],
  )
})

test('up starts a node again that lets nobody log in', async () => {
  await inNode('node2', 'systemctl stop ssh')
  const { nodes } = await up()
  assert.equal(
    nodes.map((node) => node.started),
    [false, true, false],
  )
})

test('down leaves nothing, also where the lab lost its memory', async () => {
  assert.ok((await traces()).length > 10)
  const state = await readState(LAB)
  assert.is(state?.nodes.length, 3)
  rmSync(join(labDir(LAB), 'lab.json'))
  await within(60_000, labDown({ lab: LAB, onProgress: () => {}, out: join(cwd, 'inventory/lab') }))
  assert.equal(await traces(), [])
})

if (process.getuid?.() === 0) test.run()
else {
  process.stdout.write('SKIPPED: lab nodes need root, and this is another user\n')
  const skipped = suite('lab')
  skipped.skip('needs root', () => {})
  skipped.run()
}
