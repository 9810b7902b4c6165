/** Surveys of nodes for onboarding tests: a good node, changed where a test wants it. */
import type { ClusterState } from '../../src/facts/cluster.ts'
import type { HostBasics } from '../../src/facts/host-basics.ts'
import type { PveState } from '../../src/facts/pve.ts'
import type { NodeSurvey } from '../../src/onboard/survey.ts'

/** What may differ from a good node. */
export interface SurveyChanges {
  readonly basics?: Partial<HostBasics>
  readonly pve?: Partial<PveState>
  readonly cluster?: Partial<ClusterState>
  readonly skewMs?: number
}

/** A freshly installed node at 192.0.2.14 that has nothing wrong with it. */
export function goodNode({ basics, pve, cluster, skewMs = 0 }: SurveyChanges = {}): NodeSurvey {
  return {
    basics: {
      hostname: 'pve4',
      fqdn: 'pve4.example.org',
      resolved: ['192.0.2.14'],
      addresses: [{ cidr: '192.0.2.14/24', device: 'vmbr0' }],
      route4: { gateway: '192.0.2.1', device: 'vmbr0' },
      route6: undefined,
      bridges: new Map([['vmbr0', ['nic0', 'tap100i0']]]),
      nics: [{ name: 'nic0', mac: 'bc:24:11:00:00:01', pinned: true }],
      ifupdown2: '3.2.0-1+pmx9',
      pending: 'none',
      freeMiB: 50_000,
      now: 0,
      timeServices: ['chrony'],
      synchronized: true,
      hostKeys: ['ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAAA'],
      noise: '',
      authorizedKeys: '/etc/pve/priv/authorized_keys',
      ...basics,
    },
    pve: { version: '8.2.4', major: 8, subscription: 'active', ...pve },
    cluster: {
      state: 'alone',
      nodeName: 'pve4',
      cluster: undefined,
      quorate: true,
      members: [],
      writable: true,
      voteQuorate: undefined,
      hasAuthKey: false,
      corosyncActive: false,
      corosyncConf: undefined,
      guests: [],
      ...cluster,
    },
    skewMs,
  }
}

const CONF = `totem {
  cluster_name: prod
}
nodelist {
  node {
    name: pve1
    nodeid: 1
    ring0_addr: 192.0.2.11
    ring1_addr: 10.99.0.11
  }
  node {
    name: pve2
    nodeid: 2
    ring0_addr: 192.0.2.12
    ring1_addr: 10.99.0.12
  }
}
`

/** A member of the cluster \`prod\`, with two links. */
export function goodMember({ basics, cluster, ...rest }: SurveyChanges = {}): NodeSurvey {
  return goodNode({
    ...rest,
    basics: {
      hostname: 'pve1',
      fqdn: 'pve1.example.org',
      resolved: ['192.0.2.11'],
      addresses: [
        { cidr: '192.0.2.11/24', device: 'vmbr0' },
        { cidr: '10.99.0.11/16', device: 'eno2' },
      ],
      ...basics,
    },
    cluster: {
      state: 'member',
      nodeName: 'pve1',
      cluster: 'prod',
      members: [
        { name: 'pve1', online: true, ip: '192.0.2.11' },
        { name: 'pve2', online: true, ip: '192.0.2.12' },
      ],
      voteQuorate: true,
      corosyncConf: CONF,
      ...cluster,
    },
  })
}
