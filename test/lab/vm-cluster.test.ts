/**
 * The example of a cluster on its rehearsal: VMs, with bonds that lead to one switch. All three run, and two get the
 * playbook: one node at a time, as it wants it, takes half a minute for each where QEMU emulates.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { onVms } from '../helpers/on-vms.ts'
import { labUp, pvectl, ROOT, type TestLab } from '../helpers/pvectl.ts'

const test = suite('the example of a cluster')
const dir = mkdtempSync(join(tmpdir(), 'pvectl-cluster-'))
const NAME = 'vmcluster'
let lab: TestLab

test.before(() => {
  const inventory = join(ROOT, 'inventory/examples/cluster.yml')
  lab = labUp(NAME, { inventory }, dir, ['--kind', 'vm'])
})
test.after(() => {
  lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

function run(command: 'apply' | 'check', ...flags: readonly string[]) {
  const playbook = join(ROOT, 'playbooks/examples/cluster.yml')
  return pvectl([command, playbook, '-i', lab.inventory, '--limit', 'pve-a,pve-b', ...flags])
}

const activeSlave = () => lab.ssh('pve-a', 'cat /sys/class/net/bond0/bonding/active_slave').trim()

async function answers(address: string): Promise<void> {
  const deadline = Date.now() + 30_000
  while (lab.try('pve-a', `ping -c1 -W1 ${address}`).code !== 0) {
    assert.ok(Date.now() < deadline, `${address} answers within 30 s`)
    await sleep(200)
  }
}

/** Frames with pve-b's address on the VLAN, as one of its cards has them from the switch. */
const LISTEN = `
for nic in eno2 eno3; do
  tcpdump -nlei $nic 'vlan 99 and icmp and dst 10.99.0.2' >>/run/heard 2>/run/heard.$nic </dev/null &
  echo $! >>/run/heard.pids
done
for i in $(seq 100); do
  [ "$(cat /run/heard.eno* | grep -c 'listening on')" = 2 ] && exit; sleep 0.1
done
exit 1`

test('applied once and clean afterwards', () => {
  const { code, stdout, stderr } = run('apply', '--yes')
  assert.is(code, 0, stdout + stderr)
  const again = run('check', '--exit-code')
  assert.is(again.code, 0, again.stdout)
})

test('corosync goes tagged over the bond, apart from what guests get', async () => {
  lab.ssh('pve-b', LISTEN)
  await answers('10.99.0.2')
  const heard = lab.ssh('pve-b', 'sleep 0.5; kill $(cat /run/heard.pids); cat /run/heard')
  assert.match(
    heard,
    /ethertype 802\.1Q \(0x8100\), length \d+: vlan 99, p 0, ethertype IPv4.* 10\.99\.0\.1 > 10\.99\.0\.2: ICMP echo request/,
  )
  const vlans = lab.ssh('pve-a', 'bridge -c vlan show dev bond0')
  assert.match(vlans, /\b10\b[\s\S]*\b20\b[\s\S]*\b30\b/)
  assert.not.match(vlans, /\b99\b/)
})

test('nodes know each other by name, and themselves as before', () => {
  const found = (name: string) => lab.ssh('pve-a', `getent hosts ${name} | cut -d ' ' -f 1`).trim()
  for (const name of ['pve-a', 'pve-b', 'pve-c']) assert.is(found(name), lab.addresses[name])
})

test('with a cable pulled the other card answers', async () => {
  const before = activeSlave()
  const { code, stderr } = pvectl(['lab', 'cable', 'pve-a', before, 'pull', '--name', NAME])
  assert.is(code, 0, stderr)
  await answers('10.99.0.2')
  assert.is(activeSlave(), before === 'eno2' ? 'eno3' : 'eno2')
})

const chosen = await onVms(test)
chosen.run()
