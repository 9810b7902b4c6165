/** Forwards, NAT66, router advertisements and zones on a real node, with guests that answer. */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  advertiseHere,
  answer,
  answerHere,
  ask,
  askFromOutside,
  askInformation,
  plugIn,
} from '../helpers/lab-guests.ts'
import { labUp, pvectl, type TestLab } from '../helpers/pvectl.ts'

const test = suite('forwards on a node')
const dir = mkdtempSync(join(tmpdir(), 'pvectl-forwards-'))
const playbook = join(dir, 'site.yml')
const NODE = 'node1'
const NETWORK = [
  { bridge: { name: 'vmbr1', address: '10.10.10.1/24', address6: 'fd00:10::1/64' } },
  { ip_forwarding: { ipv4: true, ipv6: true, interfaces: ['vmbr0', 'vmbr1'] } },
  { masquerade: { source: '10.10.10.0/24', out: 'vmbr0' } },
]
const FORWARDS = [
  { port_forward: { port: 2222, to: '10.10.10.2:22' } },
  { port_forward: { port: '8100-8110', to: '10.10.10.2:9000', protocol: ['tcp', 'udp'] } },
]
let lab: TestLab
let node: string
let outside: string
/** Interface of this machine that the node is on. */
let link: string

test.before(() => {
  lab = labUp('forwards', 1, dir)
  node = lab.addresses[NODE] ?? ''
  outside = lab.ssh(NODE, 'ip -4 route show default').split(' ')[2] ?? ''
  link = execFileSync('ip', ['-o', 'addr', 'show', 'to', outside], { encoding: 'utf8' }).split(/\s+/)[1] ?? ''
  apply(NETWORK)
  plugIn(lab, NODE, [
    { name: 'g1', bridge: 'vmbr1', addresses: ['10.10.10.2/24', 'fd00:10::2/64'], gateway: '10.10.10.1' },
    { name: 'g2', bridge: 'vmbr1', addresses: ['10.10.10.3/24'], gateway: '10.10.10.1' },
  ])
  answer(lab, NODE, 'g1', [22, 443, 9000, 9010])
})
test.after(() => {
  lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

function run(command: 'apply' | 'check', tasks: readonly unknown[]) {
  writeFileSync(playbook, JSON.stringify([{ name: 'forwards', hosts: 'all', tasks }]))
  return pvectl([command, playbook, '-i', lab.inventory, command === 'apply' ? '--yes' : '--exit-code'])
}

/** Applies tasks; a check after that must find nothing to do. */
function apply(tasks: readonly unknown[]): void {
  const { code, stdout, stderr } = run('apply', tasks)
  assert.is(code, 0, stdout + stderr)
  assert.is(run('check', tasks).code, 0, 'nothing is left to do')
}

const rules = (save = 'iptables-save -t nat') =>
  lab
    .ssh(NODE, save)
    .split('\n')
    .filter((line) => line.startsWith('-A '))
const hooks = () => lab.ssh(NODE, 'cat /etc/network/interfaces').match(/^\s+post-\w+ ip6?tables.*$/gm) ?? []

/** Outside, the node itself, a guest beside the target. */
async function answers(port: number): Promise<readonly string[]> {
  return [await askFromOutside(node, port), ask(lab, NODE, undefined, node, port), ask(lab, NODE, 'g2', node, port)]
}

test('a port and a range: from outside, from the node itself, from another guest', async () => {
  apply([...NETWORK, ...FORWARDS])
  assert.equal(await answers(2222), [`22 from ${outside}`, `22 from ${node}`, '22 from 10.10.10.1'])
  assert.equal(await answers(8110), [`9010 from ${outside}`, `9010 from ${node}`, '9010 from 10.10.10.1'])
})

test('reloads and a bridge that goes down and up: no doubles, and they answer', async () => {
  const before = rules().sort()
  lab.ssh(
    NODE,
    'ifreload -a; ifreload -a; ifdown vmbr1; ifup vmbr1; for g in g1 g2; do ip link set $g up master vmbr1; done',
  )
  assert.equal(rules().sort(), before)
  assert.equal(await answers(2222), [`22 from ${outside}`, `22 from ${node}`, '22 from 10.10.10.1'])
})

test("the guides' lines, after some reloads: adopted, not doubled; others untouched", async () => {
  const guide = '-i vmbr0 -p tcp --dport 2222 -j DNAT --to 10.10.10.2:22'
  const other = '-A PREROUTING -s 192.0.2.0/24 -p tcp -m tcp --dport 2222 -j DNAT --to-destination 10.10.10.7:22'
  lab.ssh(
    NODE,
    `sed -i '/PREROUTING\\|OUTPUT\\|ctstate/d; s/^\\tbridge-ports eno1/&\\n\\tpost-up iptables -t nat -A PREROUTING ${guide}\\n\\tpost-down iptables -t nat -D PREROUTING ${guide}/' /etc/network/interfaces
iptables -t nat -F PREROUTING; iptables -t nat -F OUTPUT
for i in 1 2 3; do iptables -t nat -A PREROUTING ${guide}; done
iptables -t nat ${other}`,
  )
  apply([...NETWORK, FORWARDS[0]])
  assert.is(rules().filter((rule) => rule.includes('--dport 2222') && rule.startsWith('-A PREROUTING')).length, 2)
  assert.ok(rules().includes(other))
  assert.is(hooks().filter((hook) => hook.includes('-A PREROUTING')).length, 1)
  lab.ssh(NODE, `iptables -t nat ${other.replace('-A', '-D')}`)
  assert.equal(await answers(2222), [`22 from ${outside}`, `22 from ${node}`, '22 from 10.10.10.1'])
})

test('what must not be taken: refused, and nothing is touched', () => {
  const before = [lab.ssh(NODE, 'cat /etc/network/interfaces'), ...rules()]
  lab.ssh(
    NODE,
    `nohup perl -e 'use IO::Socket::IP; my $s = IO::Socket::IP->new(LocalPort => 7070, Listen => 1); sleep 60' >/dev/null 2>&1 & sleep 0.5`,
  )
  const cases: readonly (readonly [object, number, RegExp])[] = [
    [{ port: 22, to: '10.10.10.2' }, 3, /port 22 is ssh of the node/],
    [{ port: 22, to: '10.10.10.2', address: node }, 5, /port 22 is ssh of the node/],
    [{ port: 7070, to: '10.10.10.2' }, 5, /perl listens on tcp port 7070/],
    [{ port: 2222, to: '10.10.10.3', bridge: 'vmbr9' }, 5, /has no interface vmbr9/],
    [{ port: 80, to: '10.99.0.2' }, 5, /in no network behind this node/],
  ]
  for (const [params, expected, message] of cases) {
    const { code, stdout, stderr } = run('apply', [
      { port_forward: { port: 4444, to: '10.10.10.2' } },
      { port_forward: params },
    ])
    assert.is(code, expected, stdout + stderr)
    assert.match(stdout + stderr, message)
  }
  assert.equal([lab.ssh(NODE, 'cat /etc/network/interfaces'), ...rules()], before)
})

test('IPv6: an address by advertisement, the way out by NAT66, a forward back in', async () => {
  execFileSync('ip', ['addr', 'add', 'fd00:99::1/64', 'dev', link, 'nodad'])
  const end = answerHere(7071)
  try {
    apply([
      { bridge: { name: 'vmbr0', address6: 'fd00:99::11/64' } },
      ...NETWORK,
      { masquerade: { source: 'fd00:10::/64', out: 'vmbr0' } },
      {
        dnsmasq: {
          interface: 'vmbr1',
          subnet: '10.10.10.1/24',
          domain: 'lab.internal',
          ipv6_ra: { subnet: 'fd00:10::1/64' },
        },
      },
      { port_forward: { port: 8443, to: '[fd00:10::2]:443', address: 'fd00:99::11' } },
    ])
    const seen = lab.ssh(
      NODE,
      `n=0; until ip -n g2 -6 addr show dev eth0 | grep -q fd00:10:: || [ $n -ge 100 ]; do sleep 0.1; n=$((n+1)); done
while { ip -n g2 -6 addr show tentative; ip -6 addr show tentative; } | grep -q . && [ $n -lt 150 ]; do sleep 0.1; n=$((n+1)); done
ip -n g2 -6 addr show dev eth0; ip -n g2 -6 route`,
    )
    assert.match(seen, /inet6 fd00:10::.*dynamic/)
    assert.match(seen, /default via fe80::.* proto ra/)
    assert.is(askInformation(lab, NODE, 'g2'), 'domain lab.internal\ndns fd00:10::1\n')
    assert.is(ask(lab, NODE, 'g2', 'fd00:99::1', 7071), '7071 from fd00:99::11')
    assert.is(await askFromOutside('fd00:99::11', 8443), '443 from fd00:99::1')
    assert.is(ask(lab, NODE, undefined, 'fd00:99::11', 8443), '443 from fd00:99::11')
    assert.is(ask(lab, NODE, 'g2', 'fd00:99::11', 8443), '443 from fd00:10::1')
  } finally {
    end()
    execFileSync('ip', ['addr', 'del', 'fd00:99::1/64', 'dev', link])
  }
})

test('an IPv6 route that the node learned from its router is not lost', () => {
  const route = () => lab.ssh(NODE, 'sleep 0.3; ip -6 route show default')
  const forget = 'ip -6 route del default proto ra'
  lab.ssh(NODE, 'sysctl -qw net.ipv6.conf.all.forwarding=0 net.ipv6.conf.vmbr0.accept_ra=1')
  advertiseHere(link)
  assert.match(route(), /proto ra/)
  const { code, stdout, stderr } = run('apply', [{ ip_forwarding: { ipv6: true } }])
  assert.is(code, 5)
  assert.match(stdout + stderr, /would lose it when it forwards[\s\S]*add `accept_ra: \[vmbr0\]`/)
  apply([{ ip_forwarding: { ipv6: true, accept_ra: ['vmbr0'] } }])
  assert.match(route(), /proto ra/)
  lab.ssh(NODE, forget)
  advertiseHere(link)
  assert.match(route(), /proto ra/, 'advertisements are still listened to')
  lab.ssh(NODE, forget)
})

test('an additional address that is routed: from outside to the guest', async () => {
  const address = '203.0.113.9'
  apply([...NETWORK, { additional_ip: { address, mode: 'routed', bridge: 'vmbr1' } }])
  lab.ssh(NODE, `ip -n g1 addr add ${address}/32 dev eth0`)
  execFileSync('ip', ['route', 'add', `${address}/32`, 'via', node])
  try {
    assert.is(await askFromOutside(address, 443), `443 from ${outside}`)
    lab.ssh(NODE, `ip route del ${address}; ifreload -a; for g in g1 g2; do ip link set $g up master vmbr1; done`)
    assert.is(await askFromOutside(address, 443), `443 from ${outside}`, 'the hook sets the route again')
  } finally {
    execFileSync('ip', ['route', 'del', `${address}/32`])
  }
  apply([{ additional_ip: { address, mode: 'routed', bridge: 'vmbr1', state: 'absent' } }])
  assert.not.match(lab.ssh(NODE, 'ip route; cat /etc/network/interfaces'), address)
})

test("the guide's zone for firewall bridges, doubled: once, and back after a reload", () => {
  const zone = 'PREROUTING -i fwbr+ -j CT --zone 1'
  lab.ssh(NODE, `for i in 1 2 3; do iptables -t raw -I ${zone}; done`)
  apply([{ conntrack_zone: {} }])
  assert.equal(rules('iptables-save -t raw'), [`-A ${zone}`])
  lab.ssh(NODE, 'ifreload -a; ifreload -a')
  assert.equal(rules('iptables-save -t raw'), [`-A ${zone}`])
})

test('taken away: no rule and no hook is left', () => {
  apply([
    { port_forward: { port: 2222, to: '10.10.10.2:22', state: 'absent' } },
    { port_forward: { port: 8443, to: '[fd00:10::2]:443', address: 'fd00:99::11', state: 'absent' } },
    { conntrack_zone: { state: 'absent' } },
    { masquerade: { source: '10.10.10.0/24', out: 'vmbr0', state: 'absent' } },
    { masquerade: { source: 'fd00:10::/64', out: 'vmbr0', state: 'absent' } },
  ])
  assert.equal([...rules(), ...rules('ip6tables-save -t nat'), ...rules('iptables-save -t raw')], [])
  assert.equal(hooks(), [])
})

test.run()
