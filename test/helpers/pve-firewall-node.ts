/** A node of a Proxmox VE cluster for planning tests of the firewall. */
import { type ArrivalState, arrivalRef } from '../../src/facts/arrival.ts'
import { filesIn } from '../../src/facts/directory-files.ts'
import { fileAt } from '../../src/facts/file.ts'
import { type GuestState, guestNumbered } from '../../src/facts/guest.ts'
import { linksRef } from '../../src/facts/links.ts'
import type { Model } from '../../src/facts/model.ts'
import { type PveFirewallState, pveFirewallRef } from '../../src/facts/pve-firewall.ts'
import { DNSMASQ_DIRECTORY, DNSMASQ_MAIN } from '../../src/resources/dnsmasq-options.ts'
import { CLUSTER_FW, HOST_FW } from '../../src/resources/pve-firewall-file.ts'
import { fact, fileState, modelOf } from './model.ts'

/** What a test may want different from pve1 of a healthy cluster of two, reached from 192.0.2.7 by ssh. */
export interface FirewallNode {
  readonly cluster?: string
  readonly host?: string
  /** Contents of files of guests, by number. */
  readonly guests?: Readonly<Record<number, string>>
  readonly state?: Partial<PveFirewallState>
  readonly arrival?: ArrivalState
  /** Value of net0 of guest 100. */
  readonly nic?: string
  /** A configuration file of dnsmasq. */
  readonly dnsmasq?: string
}

/** A connection to the node from an address. */
export function arrivalFrom(client: string, port = 22): ArrivalState {
  return {
    client: { address: client, port: 50000 },
    server: { address: '10.0.0.1', port },
    back: { device: 'vmbr0' },
  }
}

/** The model of that node. */
export function firewallNode(node: FirewallNode = {}): Model {
  const arrival = 'arrival' in node ? node.arrival : arrivalFrom('192.0.2.7')
  const state: PveFirewallState = {
    cluster: {
      state: 'member',
      nodeName: 'pve1',
      cluster: 'lab',
      quorate: true,
      members: [
        { name: 'pve1', online: true, ip: '10.0.0.1' },
        { name: 'pve2', online: true, ip: '10.0.0.2' },
      ],
    },
    writable: true,
    hosts: new Map(),
    resolved: ['10.0.0.1'],
    ...node.state,
  }
  const guest: GuestState = {
    place: 'here',
    type: 'qemu',
    running: false,
    digest: undefined,
    values: new Map([['net0', node.nic ?? 'virtio=BC:24:11:00:00:01,bridge=vmbr0,firewall=1']]),
    pending: new Map(),
    unread: [],
  }
  const content = (text: string | undefined) => (text === undefined ? ({ type: 'absent' } as const) : fileState(text))
  return modelOf(
    fact(fileAt(CLUSTER_FW), content(node.cluster)),
    fact(fileAt(HOST_FW), content(node.host)),
    fact(fileAt('/etc/pve/firewall/100.fw'), content(node.guests?.[100])),
    fact(fileAt('/etc/pve/firewall/999.fw'), content(node.guests?.[999])),
    fact(
      filesIn(DNSMASQ_DIRECTORY),
      node.dnsmasq === undefined ? [] : [{ path: `${DNSMASQ_DIRECTORY}/x.conf`, content: Buffer.from(node.dnsmasq) }],
    ),
    fact(fileAt(DNSMASQ_MAIN), { type: 'absent' }),
    fact(pveFirewallRef, state),
    fact(guestNumbered(100), guest),
    fact(guestNumbered(999), { place: 'nowhere' }),
    fact(arrivalRef, arrival),
    fact(linksRef, {
      links: [
        { name: 'vmbr0', kind: 'bridge', mtu: 1500, up: true, altnames: ['wan'], addresses: [] },
        {
          name: 'vmbr1',
          kind: 'bridge',
          mtu: 1500,
          up: true,
          altnames: [],
          addresses: [{ cidr: '10.10.10.1/24', family: 4, scope: 'global' }],
        },
      ],
      routes: [
        { family: 4, destination: 'default', devices: ['vmbr0'], gateway: '10.0.0.254' },
        { family: 4, destination: '10.0.0.0/24', devices: ['vmbr0'] },
      ],
    }),
  )
}
