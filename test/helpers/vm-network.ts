/** Two VMs with cables to each other, for tests that look at what passes those. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import * as assert from 'uvu/assert'
import { labUp, type Outcome, pvectl, pvectlAsync, type TestLab } from './pvectl.ts'

/** Names of the two nodes. */
export const PAIR = ['node1', 'node2'] as const

/** One of the two nodes. */
export type PairNode = (typeof PAIR)[number]

/** A task list for one node; `n` is 1 or 2. */
export type TasksOf = (n: number) => readonly unknown[]

/** Two VMs in a lab. */
export interface VmPair extends TestLab {
  /** Applies tasks to nodes side by side, both unless told otherwise; then a check must find nothing to do. */
  play(tasks: TasksOf, nodes?: readonly PairNode[]): Promise<void>
  /** Runs a command of pvectl on one node with its tasks. */
  run(command: 'apply' | 'check', node: PairNode, tasks: TasksOf, flags?: readonly string[]): Promise<Outcome>
  /** Pulls the cable of a NIC of node1, or plugs it in. */
  cable(nic: string, action: 'pull' | 'plug'): void
  /** Fails unless node1 gets an answer from an address within half a minute. */
  answers(address: string): Promise<void>
  /** Fails unless something holds within half a minute. */
  until(what: string, check: () => boolean): Promise<void>
  /** True when node1 gets an answer from an address now. */
  reaches(address: string): boolean
  /** Boots a node anew, and waits until all its units have started. */
  reboot(node: PairNode): Promise<void>
  /** What node2 hears on a NIC, as tcpdump words it, while node1 runs a command. */
  heard(nic: string, filter: string, command: string): string
}

/** Brings up two VMs. */
export function vmPair(name: string, dir: string): VmPair {
  const lab = labUp(name, 2, dir, ['--kind', 'vm'])
  const run: VmPair['run'] = (command, node, tasks, flags = []) => {
    const playbook = join(dir, `${node}.yml`)
    writeFileSync(playbook, JSON.stringify([{ name: 'network', hosts: node, tasks: tasks(PAIR.indexOf(node) + 1) }]))
    const mode = command === 'apply' ? '--yes' : '--exit-code'
    return pvectlAsync([command, playbook, '-i', lab.inventory, '--limit', node, mode, ...flags])
  }
  const reaches = (address: string) => lab.try('node1', `ping -c1 -W1 ${address}`).code === 0
  return {
    ...lab,
    run,
    reaches,
    until,
    async play(tasks, nodes = PAIR) {
      await Promise.all(
        nodes.map(async (node) => {
          const { code, stdout, stderr } = await run('apply', node, tasks)
          assert.is(code, 0, stdout + stderr)
          const after = await run('check', node, tasks)
          assert.is(after.code, 0, `nothing is left to do:\n${after.stdout}${after.stderr}`)
        }),
      )
    },
    cable(nic, action) {
      const { code, stderr } = pvectl(['lab', 'cable', 'node1', nic, action, '--name', name])
      assert.is(code, 0, stderr)
    },
    answers: (address) => until(`${address} answers`, () => reaches(address)),
    async reboot(node) {
      const boot = 'cat /proc/sys/kernel/random/boot_id'
      const before = lab.ssh(node, boot)
      lab.try(node, 'systemctl reboot')
      const deadline = Date.now() + 150_000
      for (;;) {
        const { code, stdout } = lab.try(node, `systemctl is-system-running --wait >/dev/null; ${boot}`)
        if (code === 0 && stdout !== before) return
        assert.ok(Date.now() < deadline, `${node} is back within 150 s`)
        await sleep(500)
      }
    },
    heard(nic, filter, command) {
      lab.ssh('node2', listen(nic, filter))
      lab.try('node1', command)
      return lab.ssh('node2', 'sleep 0.5; kill $(cat /run/heard.pid); cat /run/heard').trim()
    },
  }
}

async function until(what: string, check: () => boolean): Promise<void> {
  const deadline = Date.now() + 30_000
  while (!check()) {
    assert.ok(Date.now() < deadline, `${what} within 30 s`)
    await sleep(300)
  }
}

/** Returns when tcpdump listens. */
function listen(nic: string, filter: string): string {
  return `
tcpdump -nlei ${nic} '${filter}' >/run/heard 2>/run/heard.state </dev/null &
echo $! >/run/heard.pid
for i in $(seq 100); do grep -q 'listening on' /run/heard.state && exit; sleep 0.1; done
cat /run/heard.state >&2; exit 1`
}

/** A guest in VLAN `tag` of a VLAN-aware bridge, plugged in as PVE does it: untagged inside, tagged on the cable. */
export function pluginGuest(lab: TestLab, node: string, bridge: string, tag: number, cidr: string): void {
  const tap = `tap${tag}i0`
  lab.ssh(
    node,
    `set -e
ip netns add guest${tag}
ip link add ${tap} type veth peer name eth0 netns guest${tag}
ip link set ${tap} master ${bridge} up
bridge vlan del dev ${tap} vid 1
bridge vlan add dev ${tap} vid ${tag} pvid untagged
ip -n guest${tag} address add ${cidr} dev eth0
ip -n guest${tag} link set eth0 up`,
  )
}
