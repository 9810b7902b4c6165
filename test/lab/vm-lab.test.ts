import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type CableAction, labCable } from '../../src/lab/cable.ts'
import { cgroupProcesses } from '../../src/lab/cgroup.ts'
import { labDown } from '../../src/lab/down.ts'
import { nodeAddress } from '../../src/lab/exec.ts'
import { labNames } from '../../src/lab/names.ts'
import { labDir } from '../../src/lab/paths.ts'
import { type ProgramResult, tryRun } from '../../src/lab/run.ts'
import { sshArguments } from '../../src/lab/ssh-client.ts'
import { labStatus } from '../../src/lab/status.ts'
import { labUp, type UpReport } from '../../src/lab/up.ts'
import { labTraces } from '../helpers/lab-traces.ts'
import { onVms } from '../helpers/on-vms.ts'
import { within } from '../helpers/within.ts'

const test = suite('lab of VMs')
const LAB = 'vmself'
const cwd = mkdtempSync(join(tmpdir(), 'pvectl-lab-'))
const inventory = join(cwd, 'inventory')

function up(count?: number): Promise<UpReport> {
  const wanted = count === undefined ? {} : { count }
  // The first time on a machine builds the image.
  return within(900_000, labUp({ lab: LAB, kind: 'vm', out: inventory, onProgress: () => {}, ...wanted }))
}

async function login(node: string, script: string): Promise<ProgramResult> {
  const args = ['-o', 'BatchMode=yes', '-o', 'ConnectTimeout=5', ...sshArguments(LAB, await nodeAddress(node, LAB))]
  return within(60_000, tryRun('ssh', [...args, 'sh'], { input: script }))
}

async function inNode(node: string, script: string): Promise<string> {
  const { code, stdout, stderr } = await login(node, script)
  assert.is(code, 0, `${script}: ${stderr}`)
  return stdout.trim()
}

async function until(what: string, ms: number, check: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + ms
  while (!(await check())) {
    assert.ok(Date.now() < deadline, `${what} within ${ms / 1000} s`)
    await sleep(200)
  }
}

test.before(() => within(60_000, labDown({ lab: LAB, onProgress: () => {}, out: inventory })))
test.after(async () => {
  await within(60_000, labDown({ lab: LAB, onProgress: () => {}, out: inventory }))
  rmSync(cwd, { recursive: true, force: true })
})

test('two nodes boot without a failed unit', async () => {
  const { nodes } = await up(2)
  assert.equal(
    nodes.map(({ name, started, system, failedUnits }) => ({ name, started, system, failedUnits })),
    ['node1', 'node2'].map((name) => ({ name, started: true, system: 'running', failedUnits: [] })),
  )
})

test('nodes have a kernel of their own, three NICs, the time, and nothing in common that tells nodes apart', async () => {
  const about = `hostname; uname -r; date +%s; cat /etc/machine-id; ethtool -P eno1; ethtool -P eno3; cat /sys/class/net/vmbr0/address
cat /proc/sys/kernel/random/uuid; cd /sys/class/net; echo */ | tr -d /`
  const [first = [], second = []] = await Promise.all(
    ['node1', 'node2'].map(async (node) => (await inNode(node, about)).split('\n')),
  )
  const [hostname, kernel, time, machine, eno1 = '', eno3 = '', bridge, random, links] = first
  assert.is(hostname, 'node1')
  assert.is.not(kernel, (await tryRun('uname', ['-r'])).stdout.trim())
  assert.ok(Math.abs(Number(time) - Date.now() / 1000) < 15, `${time}`)
  assert.match(machine ?? '', /^[0-9a-f]{32}$/)
  assert.is(eno1, `Permanent address: ${bridge}`)
  assert.is.not(eno1, eno3)
  assert.ok((random?.length ?? 0) > 30)
  assert.is(links?.trim(), 'eno1 eno2 eno3 lo vmbr0')
  for (const index of [0, 3, 4, 5, 6, 7]) assert.is.not(first[index], second[index])
})

test('a node looks as the installer of PVE leaves it', async () => {
  const address = await nodeAddress('node2', LAB)
  const gateway = address.replace(/\d+$/, '1')
  const stanzas = ['auto lo\niface lo inet loopback', 'iface eno1 inet manual']
  const bridge = `auto vmbr0\niface vmbr0 inet static\n\taddress ${address}/24\n\tgateway ${gateway}\n\tbridge-ports eno1\n\tbridge-stp off\n\tbridge-fd 0`
  const rest = ['iface eno2 inet manual', 'iface eno3 inet manual', 'source /etc/network/interfaces.d/*']
  assert.is(await inNode('node2', 'cat /etc/network/interfaces'), [...stanzas, bridge, ...rest].join('\n\n'))
  assert.match(await inNode('node2', 'ip -br address show vmbr0'), new RegExp(`^vmbr0 +UP +${address}/24 `))
  await inNode('node2', `ping -c1 -W2 ${gateway}`)
})

test('a cable leads to the other node, and takes the carrier from both when it is pulled', async () => {
  const change = (node: string, action: CableAction) =>
    within(10_000, labCable({ lab: LAB, node, nic: 'eno2', action }))
  for (const number of [1, 2])
    await inNode(`node${number}`, `ip link set eno2 up; ip address add 10.99.0.${number}/24 dev eno2`)
  await inNode('node1', 'ping -c1 -W2 10.99.0.2')
  const { peer } = await change('node1', 'pull')
  assert.is(peer, 'node2')
  for (const node of ['node1', 'node2']) assert.is(await inNode(node, 'cat /sys/class/net/eno2/carrier'), '0')
  assert.is((await login('node1', 'ping -c1 -W1 10.99.0.2')).code, 1)
  await change('node2', 'plug')
  await inNode('node1', 'ping -c1 -W2 10.99.0.2')
})

test('a node that reboots, and one whose power was cut, have their disks, and nothing else', async () => {
  const leave = 'echo kept >/root/mark; sync; ip link add vmbr9 type bridge'
  await Promise.all(['node1', 'node2'].map((node) => inNode(node, leave)))
  const boots = await inNode('node2', 'cat /proc/sys/kernel/random/boot_id')
  await login('node2', 'systemctl reboot')
  for (const pid of await cgroupProcesses(`${labNames(LAB).cgroup}/node1`)) process.kill(pid, 'SIGKILL')
  await until('node1 is off', 5000, async () => (await labStatus(LAB)).nodes[0]?.state === 'stopped')
  const { nodes } = await up()
  assert.equal(nodes[0]?.started, true)
  assert.equal(nodes[0]?.failedUnits, [])
  await until('node2 is back', 120_000, async () => {
    const { code, stdout } = await login('node2', 'cat /proc/sys/kernel/random/boot_id')
    return code === 0 && stdout.trim() !== boots
  })
  for (const node of ['node1', 'node2']) {
    const state = await inNode(node, 'cat /root/mark; hostname; cd /sys/class/net; echo */ | tr -d /')
    assert.is(state, `kept\n${node}\neno1 eno2 eno3 lo vmbr0`)
  }
})

test('down leaves nothing, also where the lab lost its memory', async () => {
  assert.ok((await labTraces(LAB, inventory)).length > 5)
  rmSync(join(labDir(LAB), 'lab.json'))
  await within(60_000, labDown({ lab: LAB, onProgress: () => {}, out: inventory }))
  assert.equal(await labTraces(LAB, inventory), [])
})

const chosen = await onVms(test)
chosen.run()
