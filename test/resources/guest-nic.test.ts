import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type GuestState, guestFact, guestNumbered, nextValue } from '../../src/facts/guest.ts'
import { natRule, rulesOf } from '../../src/facts/nat.ts'
import { differences, mergeProperties, printProperties, readProperties } from '../../src/resources/guest-net.ts'
import { guestNicTask } from '../../src/tasks/guest-nic.ts'
import { hostContext } from '../helpers/host-context.ts'
import { fact } from '../helpers/model.ts'
import { modelOfNode, SPEC, WITH_INNER, WITH_VMBR1 } from '../helpers/network-node.ts'

const test = suite('network cards of guests')

const CONF = `#a note
boot: order=scsi0
ide2: local-lvm:vm-101-cloudinit,media=cdrom
net0: virtio=BC:24:11:AA:BB:CC,bridge=vmbr0,firewall=1,queues=4,trunks=10;20
ipconfig0: ip=10.10.10.5/24,gw=10.10.10.1,ip6=auto
`

function guest(conf: string, { type = 'qemu-server', running = false } = {}): GuestState {
  const output = `mark here ${type} ${running ? 1 : 0} abc\n${conf}\n`
  return guestFact.parse(Buffer.from(output), ['101'], 'mark')[0] as GuestState
}

function play(
  state: GuestState,
  params: object,
  times = 1,
  rules: readonly string[] = [],
  raw: readonly string[] = [],
) {
  let model = modelOfNode({ main: WITH_INNER, links: WITH_VMBR1, rules }).with([
    fact(guestNumbered(101), state),
    fact(rulesOf(4, 'raw'), { available: true, rules: raw.map((rule) => natRule('PREROUTING', rule.split(' '))) }),
  ])
  const [resource] = guestNicTask.resources(guestNicTask.params.parse({ guest: 101, ...params }), hostContext())
  if (resource === undefined) throw new Error('no resource')
  const plan = resource.plan(model)
  const notices = resource.notices?.(model) ?? []
  if (plan.kind === 'change') {
    model = model.with(plan.after)
    assert.is(resource.plan(model).kind, 'ok', 'ok on its own outcome')
  }
  const after = model.get(guestNumbered(101))
  const value = (name: string) => (after.place === 'here' ? nextValue(after, name) : undefined)
  return {
    kind: plan.kind,
    notices,
    net: value(`net${times - 1}`),
    value,
    script: plan.kind === 'change' ? plan.script.display : '',
    summaries: plan.kind === 'change' ? plan.changes.map(({ summary }) => summary) : [],
    reason: plan.kind === 'blocked' ? plan.reason : '',
  }
}

test('another bridge and VLAN: all else of the card stays', () => {
  const { net, summaries, script } = play(guest(CONF), { bridge: 'vmbr1', tag: 50 })
  assert.is(net, 'virtio=BC:24:11:AA:BB:CC,bridge=vmbr1,firewall=1,queues=4,tag=50,trunks=10;20')
  assert.equal(summaries, ['net0 of guest 101: bridge vmbr0 → vmbr1, tag none → 50'])
  assert.match(script, /^qm set 101 --digest abc --net0 'virtio=BC/)
})

test('what is so already is left alone, in any spelling', () => {
  assert.is(play(guest(CONF), { bridge: 'vmbr0', firewall: true, tag: 'none', mac: 'bc:24:11:aa:bb:cc' }).kind, 'ok')
  assert.is(
    play(guest('net0: model=e1000,macaddr=BC:24:11:AA:BB:CC,bridge=vmbr0,firewall=0\n'), { firewall: false }).kind,
    'ok',
  )
  assert.is(play(guest(CONF), {}).kind, 'ok')
})

test('taken away: VLAN, firewall, limit', () => {
  const conf = 'net0: virtio=BC:24:11:AA:BB:CC,bridge=vmbr0,firewall=1,rate=12.5,tag=50\n'
  const { net } = play(guest(conf), { tag: 'none', firewall: false, rate: 'none' })
  assert.is(net, 'virtio=BC:24:11:AA:BB:CC,bridge=vmbr0')
})

test('cloud-init: addresses are merged too, and a gateway goes with its address', () => {
  assert.is(
    play(guest(CONF), { ip6: 'fd00::5/64', gateway6: 'fd00::1' }).value('ipconfig0'),
    'gw=10.10.10.1,gw6=fd00::1,ip=10.10.10.5/24,ip6=fd00::5/64',
  )
  assert.is(play(guest(CONF), { ip: 'dhcp' }).value('ipconfig0'), 'ip=dhcp,ip6=auto')
})

test('a new card, and one that goes', () => {
  const { net, summaries } = play(guest(CONF), { nic: 1, bridge: 'vmbr1', firewall: true }, 2)
  assert.is(net, 'virtio,bridge=vmbr1,firewall=1')
  assert.equal(summaries, ['add net1 of guest 101: virtio,bridge=vmbr1,firewall=1'])
  const gone = play(guest(CONF), { state: 'absent' })
  assert.is(gone.net, undefined)
  assert.match(gone.script, '--delete net0,ipconfig0')
})

test('a container has its addresses in the same value', () => {
  const lxc = 'hostname: web\nnet0: name=eth0,bridge=vmbr0,hwaddr=BC:24:11:AA:BB:CC,ip=dhcp,type=veth\n'
  const { net, script } = play(guest(lxc, { type: 'lxc' }), {
    bridge: 'vmbr1',
    ip: '10.10.10.9/24',
    gateway: '10.10.10.1',
  })
  assert.is(net, 'name=eth0,bridge=vmbr1,gw=10.10.10.1,hwaddr=BC:24:11:AA:BB:CC,ip=10.10.10.9/24,type=veth')
  assert.match(script, /^pct set 101/)
  assert.is(
    play(guest('hostname: web\n', { type: 'lxc' }), { nic: 1, bridge: 'vmbr1', tag: 7 }, 2).net,
    'name=eth1,bridge=vmbr1,tag=7,type=veth',
  )
})

test('what a running guest has to say', () => {
  const running = (params: object, conf = CONF) => play(guest(conf, { running: true }), params)
  assert.match(running({ mac: 'BC:24:11:00:00:01' }).summaries.join(), /sees its card taken out/)
  assert.match(
    running({ mac: 'BC:24:11:00:00:01' }, `hotplug: disk,usb\n${CONF}`).summaries.join(),
    /when the guest restarts/,
  )
  assert.match(running({ ip: 'dhcp' }).summaries.join(), /reads its addresses when it restarts/)
  assert.equal(running({ tag: 5 }).summaries, ['net0 of guest 101: tag none → 5'])
  assert.match(running({ tag: 5 }).script, /qm pending 101/)
  assert.not.match(play(guest(CONF), { tag: 5 }).script, /pending/)
})

test('a restart that is waited for', () => {
  const waiting = `${CONF}
[PENDING]
net0: virtio=BC:24:11:00:00:01,bridge=vmbr0

[special:cloudinit]
added: ipconfig0

[before-upgrade]
net0: e1000=BC:24:11:00:00:99,bridge=vmbr9
`
  const { kind, notices } = play(guest(waiting, { running: true }), { mac: 'BC:24:11:00:00:01' })
  assert.is(kind, 'ok')
  assert.equal(notices, ['guest 101 needs a restart for net0 and ipconfig0'])
  assert.equal(play(guest(waiting), { mac: 'BC:24:11:00:00:01' }).notices, [])
  const deleted = `${CONF}\n[PENDING]\ndelete: !net0\n`
  assert.is(
    play(guest(deleted, { running: true }), { state: 'absent' }).summaries.length,
    1,
    'ipconfig0 is still there',
  )
})

test('a firewall and NAT need a zone', () => {
  const notices = (rules: readonly string[], raw: readonly string[] = []) =>
    play(guest(CONF), { firewall: true }, 1, rules, raw).notices
  assert.match(notices([SPEC]).join(), /add a `conntrack_zone` task/)
  assert.equal(notices([SPEC], ['-i fwbr+ -j CT --zone 1']), [])
  assert.equal(notices([]), [])
  assert.equal(play(guest(CONF), { tag: 5 }, 1, [SPEC]).notices, [])
})

test('somewhere else', () => {
  const elsewhere = guestFact.parse(Buffer.from('mark elsewhere pve2\n'), ['101'], 'mark')[0] as GuestState
  const { kind, notices } = play(elsewhere, { bridge: 'vmbr1' })
  assert.is(kind, 'ok')
  assert.equal(notices, ['guest 101 is on pve2, which sees to its network cards'])
})

const CT = 'net0: name=eth0,bridge=vmbr0,type=veth\nnet1: name=eth1,bridge=vmbr1,type=veth\n'

const REFUSED: readonly (readonly [string, GuestState, object, RegExp])[] = [
  [
    'nowhere',
    guestFact.parse(Buffer.from('mark nowhere\n'), ['101'], 'mark')[0] as GuestState,
    {},
    /no guest 101 in the cluster/,
  ],
  ['locked', guest(`lock: backup\n${CONF}`), { tag: 5 }, /is locked \(backup\)/],
  ['no bridge of that name', guest(CONF), { bridge: 'vmbr9' }, /has no bridge vmbr9/],
  ['a new card without a bridge', guest(CONF), { nic: 1 }, /a new one needs a bridge/],
  ['more than the bridge carries', guest(CONF), { mtu: 9000 }, /vmbr0 has an MTU of 1500, less than 9000/],
  ['MTU of an e1000', guest('net0: e1000=BC:24:11:AA:BB:CC,bridge=vmbr0\n'), { mtu: 1400 }, /is for virtio cards/],
  ['less than a VM starts with', guest(CONF), { mtu: 500 }, /would not start with an MTU of 500/],
  [
    'a bridge that carries less than the card has',
    guest('net0: virtio=BC:24:11:AA:BB:CC,bridge=vmbr9,mtu=9000\n'),
    { bridge: 'vmbr1' },
    /vmbr1 has an MTU of 1500, less than 9000/,
  ],
  ['the MTU of the bridge for a container', guest(CT, { type: 'lxc' }), { mtu: 1 }, /is for VMs/],
  ['a name that another card has', guest(CT, { type: 'lxc' }), { name: 'eth1' }, /net1 of guest 101 is eth1 already/],
  [
    'that name by default',
    guest(CT.replace('eth1', 'eth2'), { type: 'lxc' }),
    { nic: 2, bridge: 'vmbr1' },
    /is eth2 already/,
  ],
  ['no cloud-init', guest('net0: virtio=BC:24:11:AA:BB:CC,bridge=vmbr0\n'), { ip: 'dhcp' }, /no cloud-init drive/],
  ['a name for a VM', guest(CONF), { name: 'eth0' }, /a name of the card is for the other kind/],
]

for (const [what, state, params, expected] of REFUSED)
  test(`refused: ${what}`, () => assert.match(play(state, params).reason, expected))

test('wrong parameters', () => {
  const problem = (params: object) =>
    guestNicTask.params
      .safeParse({ guest: 101, ...params })
      .error?.issues.map(({ message }) => message)
      .join() ?? ''
  assert.match(problem({ gateway: '10.0.0.1' }), /needs a fixed address/)
  assert.match(problem({ ip: 'dhcp', gateway: '10.0.0.1' }), /needs a fixed address/)
  assert.match(problem({ ip: '10.0.0.5' }), /with prefix/)
  assert.match(problem({ ip6: '10.0.0.5/24' }), /IPv6 address with prefix/)
  assert.match(problem({ mac: '01:00:00:00:00:01' }), /second digit is even/)
  assert.match(problem({ tag: 4095 }), /1 to 4094/)
  assert.match(problem({ guest: 7 }), /100/)
})

test('property strings: read, merged, written as PVE writes them', () => {
  for (const text of ['virtio=BC:24:11:AA:BB:CC,bridge=vmbr0,tag=5', 'name=eth0,bridge=vmbr0,type=veth', 'ip=dhcp'])
    assert.is(printProperties(readProperties(text)), text)
  const before = readProperties('bridge=vmbr0,virtio=BC:24:11:AA:BB:CC,rate=1')
  const after = mergeProperties(before, { rate: 1.0, firewall: true, link_down: false })
  assert.equal(differences(before, after), [{ key: 'firewall', text: 'firewall none → 1' }])
})

test.run()
