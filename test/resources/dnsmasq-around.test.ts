import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fileAt } from '../../src/facts/file.ts'
import { interfacesRef } from '../../src/facts/interfaces.ts'
import { sdnRef } from '../../src/facts/sdn.ts'
import { type ListeningSocket, socketsRef } from '../../src/facts/sockets.ts'
import { unitNamed } from '../../src/facts/unit.ts'
import { dnsmasqAround } from '../../src/resources/dnsmasq-around.ts'
import type { PlanBlocked } from '../../src/resources/resource.ts'
import { unit } from '../../src/resources/unit.ts'
import { fact, fileState, planChange, unitState } from '../helpers/model.ts'
import { type FirewallNode, firewallNode } from '../helpers/pve-firewall-node.ts'

const test = suite('what keeps dnsmasq from serving')

const OWN = '/etc/dnsmasq.d/pvectl-vmbr1.conf'
const SERVICE = { iface: 'vmbr1', dhcp: true, dhcp6: false, dns: true, address: '10.10.10.1', path: OWN }
const ENABLED = '[OPTIONS]\n\nenable: 1\n'
const RULES = '[RULES]\n\nIN ACCEPT -i vmbr1 -p udp -dport 67\nIN DNS(ACCEPT) -i vmbr1\n'

interface Given extends FirewallNode {
  readonly sockets?: readonly ListeningSocket[]
  /** The file of the task is there. */
  readonly there?: boolean
  readonly sourced?: string
  readonly vnet?: string
}

function model({ sockets = [], there = false, sourced = '', vnet, ...node }: Given = {}) {
  const files = [{ path: '/etc/network/interfaces.d/sdn', content: Buffer.from(sourced) }]
  return firewallNode(node).with([
    fact(socketsRef, sockets),
    fact(fileAt(OWN), there ? fileState('') : { type: 'absent' }),
    fact(sdnRef, { vnets: vnet === undefined ? [] : [{ name: vnet, zone: 'lab' }], subnets: [] }),
    fact(interfacesRef, { main: undefined, mode: '0644', owner: 'root:root', pending: undefined, sourced: files }),
  ])
}

function blocked(given: Given, service: Partial<typeof SERVICE> = {}): PlanBlocked | undefined {
  const plan = dnsmasqAround({ ...SERVICE, ...service }).plan(model(given))
  return plan.kind === 'blocked' ? plan : undefined
}

const socket = (process: string, address: string, port: number, more: Partial<ListeningSocket> = {}) => ({
  sockets: [{ protocol: 'udp' as const, address, port, process, ...more }],
})

test('another name server at the address, or at all of them', () => {
  assert.match(blocked(socket('named', '0.0.0.0', 53))?.reason ?? '', /^named listens on 0\.0\.0\.0 udp port 53, which/)
  assert.match(blocked(socket('named', '10.10.10.1', 53))?.hint ?? '', /`listen-on` in named\.conf/)
  assert.match(blocked(socket('unbound', '*', 53, { protocol: 'tcp' }))?.hint ?? '', /unbound\.conf/)
  assert.match(
    blocked(socket('pdns_server', '0.0.0.0', 53))?.hint ?? '',
    /stop pdns_server, or keep it off 10\.10\.10\.1/,
  )
})

test('those at other addresses, and dnsmasq itself, are in nobody’s way', () => {
  assert.is(blocked(socket('systemd-resolve', '127.0.0.53', 53, { device: 'lo' })), undefined)
  assert.is(blocked(socket('named', '192.0.2.1', 53)), undefined)
  assert.is(blocked(socket('named', '0.0.0.0', 53, { device: 'vmbr9' })), undefined)
  assert.is(blocked(socket('dnsmasq', '0.0.0.0', 67)), undefined)
})

test('another DHCP server, where DHCP is served', () => {
  assert.match(blocked(socket('dhcpd', '0.0.0.0', 67))?.reason ?? '', /^dhcpd listens on 0\.0\.0\.0 udp port 67/)
  assert.is(blocked(socket('dhcpd', '0.0.0.0', 67), { dhcp: false }), undefined)
  assert.match(blocked(socket('kea-dhcp6', '::', 547), { dhcp6: true })?.reason ?? '', /port 547/)
})

test('all that stand in the way are named at once, each process once', () => {
  const sockets = [
    ...socket('named', '0.0.0.0', 53).sockets,
    ...socket('named', '0.0.0.0', 53, { protocol: 'tcp' }).sockets,
    ...socket('dhcpd', '0.0.0.0', 67).sockets,
  ]
  const plan = blocked({ sockets })
  const reason = 'named listens on 0.0.0.0 udp port 53, and dhcpd listens on 0.0.0.0 udp port 67, which dnsmasq needs'
  assert.ok(plan?.reason.startsWith(reason), plan?.reason)
  assert.match(plan?.hint ?? '', /named\.conf, or stop it; stop dhcpd.*`ss -Hlnp sport = :53 or sport = :67`/)
})

test('after a service has been stopped, ports are looked at again', () => {
  const stop = unit({ unit: 'named.service', running: false })
  const named = model(socket('named', '0.0.0.0', 53)).with([fact(unitNamed('named.service'), unitState())])
  assert.ok(named.disturbed(planChange(stop, named).disturbs ?? []).isUncertain(socketsRef))
})

test('a firewall that is on without the rules for guests names them', () => {
  const plan = blocked({ cluster: ENABLED })
  assert.match(plan?.reason ?? '', /^the firewall of the node is on and keeps guests on vmbr1 from DHCP and DNS/)
  assert.match(
    plan?.hint ?? '',
    /pve_firewall_host, .*\{ iface: vmbr1, proto: udp, dport: 67 \}, \{ iface: vmbr1, macro: DNS \}/,
  )
})

test('a firewall that is off, has the rules, or not for this node is none of it', () => {
  assert.is(blocked({ cluster: '[OPTIONS]\n\nenable: 0\n' }), undefined)
  assert.is(blocked({ cluster: ENABLED, host: RULES }), undefined)
  assert.is(blocked({ cluster: ENABLED, host: '[OPTIONS]\n\nenable: 0\n' }), undefined)
})

test('what is served already is not refused, but told', () => {
  assert.is(blocked({ cluster: ENABLED, there: true }), undefined)
  const said = dnsmasqAround(SERVICE).notices?.(model({ cluster: ENABLED, there: true })) ?? []
  assert.match(said.join('\n'), /guests on vmbr1 get no DHCP: .*dport: 67 \}\nguests on vmbr1 get no DNS/)
  assert.equal(dnsmasqAround(SERVICE).notices?.(model({ cluster: ENABLED, host: RULES })), [])
})

test('a vnet is served by SDN', () => {
  const iface = 'vnet0'
  assert.match(blocked({ vnet: iface }, { iface })?.reason ?? '', /^SDN owns vnet vnet0 \(zone lab\), and hands out/)
  assert.match(blocked({ sourced: 'iface vnet0\n\tbridge_ports none\n' }, { iface })?.reason ?? '', /^SDN owns vnet0/)
  assert.is(blocked({ vnet: 'other' }, { iface }), undefined)
})

test.run()
