/** Cards of guests by qm and pct. Those are stand-ins that keep to PVE's source: this shows what pvectl asks of them. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makePveNode } from '../helpers/pve-node.ts'
import { labUp, pvectl, type TestLab } from '../helpers/pvectl.ts'
import { installStandIns } from '../helpers/stand-ins.ts'

const test = suite('network cards of guests, with stand-ins of qm and pct')
const dir = mkdtempSync(join(tmpdir(), 'pvectl-guest-nic-'))
const playbook = join(dir, 'site.yml')
const NODE = 'node1'
const VM = `boot: order=scsi0
ide2: local-lvm:vm-101-cloudinit,media=cdrom
net0: virtio=BC:24:11:AA:BB:CC,bridge=vmbr0,firewall=1,queues=4,trunks=10;20
`
let lab: TestLab

test.before(() => {
  lab = labUp('guestnic', 1, dir)
  makePveNode(lab, NODE)
  installStandIns(lab, NODE, ['qm', 'pct'])
  lab.ssh(
    NODE,
    `ip link add vmbr1 type bridge; printf '%s' '${VM}' > /etc/pve/local/qemu-server/101.conf
printf 'hostname: web\\nnet0: name=eth0,bridge=vmbr0,hwaddr=BC:24:11:00:00:02,ip=dhcp,type=veth\\n' > /etc/pve/local/lxc/102.conf
mkdir -p /etc/pve/nodes/pve9/qemu-server && echo 'net0: virtio=BC:24:11:00:00:03,bridge=vmbr0' > /etc/pve/nodes/pve9/qemu-server/103.conf`,
  )
})
test.after(() => {
  lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

function run(command: 'apply' | 'check', tasks: readonly unknown[]) {
  writeFileSync(playbook, JSON.stringify([{ name: 'cards', hosts: 'all', tasks }]))
  const { code, stdout, stderr } = pvectl([
    command,
    playbook,
    '-i',
    lab.inventory,
    command === 'apply' ? '--yes' : '--exit-code',
  ])
  return { code, text: stdout + stderr }
}

/** Applies tasks; a check after that must find nothing to do. Resolves to what was said. */
function apply(...tasks: readonly object[]): string {
  const all = tasks.map((task) => ({ guest_nic: task }))
  const { code, text } = run('apply', all)
  assert.is(code, 0, text)
  assert.is(run('check', all).code, 0, 'nothing is left to do')
  return text
}

const value = (tool: string, id: number, name: string) =>
  lab.ssh(NODE, `${tool} config ${id}`).match(new RegExp(`^${name}: (.*)$`, 'm'))?.[1]

test('two changes of one VM: what else the card has stays, a new one gets an address', () => {
  apply(
    { guest: 101, bridge: 'vmbr1', tag: 50, rate: 12.5, ip: '10.10.10.5/24', gateway: '10.10.10.1' },
    { guest: 101, nic: 1, bridge: 'vmbr1' },
  )
  assert.is(
    value('qm', 101, 'net0'),
    'virtio=BC:24:11:AA:BB:CC,bridge=vmbr1,firewall=1,queues=4,rate=12.5,tag=50,trunks=10;20',
  )
  assert.match(value('qm', 101, 'net1') ?? '', /^virtio=BC:24:11:[0-9A-F:]{8},bridge=vmbr1$/)
  assert.is(value('qm', 101, 'ipconfig0'), 'gw=10.10.10.1,ip=10.10.10.5/24')
})

test('a container', () => {
  apply({ guest: 102, bridge: 'vmbr1', firewall: true, ip: '10.10.10.6/24', gateway: '10.10.10.1' })
  assert.is(
    value('pct', 102, 'net0'),
    'name=eth0,bridge=vmbr1,firewall=1,gw=10.10.10.1,hwaddr=BC:24:11:00:00:02,ip=10.10.10.6/24,type=veth',
  )
})

test('a running VM without hotplug: the restart that it needs is told, now and in later runs', () => {
  lab.ssh(
    NODE,
    `echo 'hotplug: disk,usb' >> /etc/pve/local/qemu-server/101.conf
mkdir -p /run/qemu-server; nohup sleep 600 >/dev/null 2>&1 & echo $! > /run/qemu-server/101.pid`,
  )
  const task = { guest: 101, mac: 'bc:24:11:00:00:01', tag: 60 }
  const said = apply(task)
  assert.match(said, /takes effect when the guest restarts/)
  assert.match(said, /notice: guest 101 needs a restart for net0/)
  const { text } = run('check', [{ guest_nic: task }])
  assert.match(text, /notice: guest 101 needs a restart for net0/)
  assert.match(lab.ssh(NODE, 'qm pending 101'), /^new net0: virtio=BC:24:11:00:00:01/m)
  assert.match(apply({ guest: 101, ip: '10.10.10.7/24' }), /reads its addresses when it restarts/)
  assert.match(run('check', [{ guest_nic: { guest: 101, tag: 60 } }]).text, /needs a restart for net0 and ipconfig0/)
})

test('a guest of another node is left to that one; one that is locked, or that nobody has, is told', () => {
  assert.match(apply({ guest: 103, bridge: 'vmbr1' }), /guest 103 is on pve9/)
  assert.match(run('apply', [{ guest_nic: { guest: 104, bridge: 'vmbr1' } }]).text, /there is no guest 104/)
  lab.ssh(NODE, 'echo "lock: backup" >> /etc/pve/local/lxc/102.conf')
  const { code, text } = run('apply', [{ guest_nic: { guest: 102, tag: 5 } }])
  assert.is(code, 5)
  assert.match(text, /guest 102 is locked \(backup\)/)
})

test('somebody changes the guest between the plan and the step: nothing is written', () => {
  const wrapper = `mv /usr/bin/qm /usr/bin/qm.real; printf '#!/bin/sh\\necho "name: changed" >> /etc/pve/local/qemu-server/101.conf\\nexec /usr/bin/qm.real "$@"\\n' > /usr/bin/qm; chmod 755 /usr/bin/qm`
  lab.ssh(NODE, wrapper)
  const before = value('qm.real', 101, 'net1')
  const { code, text } = run('apply', [{ guest_nic: { guest: 101, nic: 1, tag: 9 } }])
  assert.is(code, 5, text)
  assert.match(text, /checksum mismatch/)
  assert.is(value('qm.real', 101, 'net1'), before)
})

test.run()
