import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PvectlError } from '../../src/errors.ts'
import { loadInventory } from '../../src/inventory/load.ts'
import { loadJob } from '../../src/playbook/load.ts'
import { taskTypes } from '../../src/tasks/index.ts'
import { project } from '../helpers/project.ts'

const test = suite('links that do not go together')

async function problems(tasks: string): Promise<readonly string[]> {
  const cwd = project({
    'inventory/lab.yml': 'all:\n  hosts:\n    node1: {}\n',
    'playbooks/links.yml': `- name: Links\n  hosts: all\n  tasks:\n${tasks.trim().replace(/^/gm, '    ')}\n`,
  })
  const inventory = await loadInventory('lab', { cwd })
  try {
    await loadJob({ playbook: 'links', inventory, cwd, registry: taskTypes })
    return []
  } catch (error) {
    if (!(error instanceof PvectlError)) throw error
    return error.problems.map(({ message, hint, location }) => `${location?.line}: ${message}; ${hint}`)
  }
}

const WRONG: readonly (readonly [string, string, RegExp])[] = [
  [
    'one card in two bridges',
    '- bridge: { name: vmbr1, ports: [eno2] }\n- bridge: { name: vmbr2, ports: [eno2] }',
    /^5: two tasks claim port eno2.*links\.yml:4/,
  ],
  [
    'a card in a bridge and in a bond',
    '- bond: { name: bond0, slaves: [eno2, eno3] }\n- ovs_bridge: { name: vmbr2, ports: [eno3] }',
    /^5: two tasks claim port eno3/,
  ],
  [
    'a port with an address',
    '- vlan: { name: eno2.5, address: 10.5.0.1/24 }\n- bridge: { name: vmbr5, ports: [eno2.5] }',
    /^4: eno2\.5 is to have the address 10\.5\.0\.1\/24 and to be plugged into vmbr5.*links\.yml:5/,
  ],
  [
    'a bond under a bridge with an address',
    '- bridge: { name: vmbr5, ports: [bond0] }\n- bond: { name: bond0, slaves: [eno2], address6: "fd00::1/64" }',
    /^5: bond0 is to have the address fd00::1\/64/,
  ],
  [
    'packets that do not fit',
    '- bond: { name: bond0, slaves: [eno2], mtu: 1500 }\n- vlan: { name: bond0.5, mtu: 9000 }',
    /^5: bond0\.5 is to have an MTU of 9000, and bond0, which carries it, 1500.*; give bond0 at least 9000 \(.*:4/,
  ],
  [
    'packets that do not fit through what is between',
    '- bond: { name: bond0, slaves: [eno2], mtu: 1500 }\n- vlan: { name: bond0.5 }\n- bridge: { name: vmbr5, ports: [bond0.5], mtu: 9000 }',
    /^6: vmbr5 is to have an MTU of 9000, and bond0, which carries it, 1500/,
  ],
  [
    'the management address on a port of a bridge',
    '- bridge: { name: vmbr1, ports: [eno2] }\n- management_network: { interface: eno2, address: 192.0.2.11/24, gateway: 192.0.2.1 }',
    /^5: eno2 is to have the address 192\.0\.2\.11\/24 and to be plugged into vmbr1.*links\.yml:4/,
  ],
  [
    'the management network on a bridge of guests',
    '- bridge: { name: vmbr1, address: 192.0.2.129/25 }\n- management_network: { interface: eno2, address: 192.0.2.11/24, gateway: 192.0.2.1 }',
    /^5: 192\.0\.2\.11\/24 on eno2 is in the network of 192\.0\.2\.129\/25 on vmbr1/,
  ],
  [
    'one address for two guests, written in two ways',
    '- guest_nic: { guest: 100, bridge: vmbr1, ip6: "fd00::5/64" }\n- guest_nic: { guest: 101, bridge: vmbr1, ip6: "FD00:0:0::0005/48" }',
    /^5: two tasks claim address fd00::5 on vmbr1/,
  ],
  [
    'an internal port larger than its bridge',
    '- ovs_bridge: { name: vmbr2, mtu: 1500 }\n- ovs_int_port: { name: vlan5, bridge: vmbr2, mtu: 1600 }',
    /^5: vlan5 is to have an MTU of 1600, and vmbr2/,
  ],
  [
    'networks that overlap',
    '- bridge: { name: vmbr1, address: 10.0.0.1/16 }\n- vlan: { name: eno2.5, address: 10.0.7.1/24 }',
    /^5: two tasks claim network 10\.0\.7\.0\/24/,
  ],
  [
    'networks of IPv6 that overlap',
    '- bridge: { name: vmbr1, address6: "fd00::1/48" }\n- bridge: { name: vmbr2, address6: "fd00:0:0:7::1/64" }',
    /^5: two tasks claim network fd00:0:0:7::\/64/,
  ],
  [
    'one VLAN of a card twice',
    '- vlan: { name: eno2.5 }\n- vlan: { name: storage, raw_device: eno2, id: 5 }',
    /^5: two tasks claim vlan 5 on eno2/,
  ],
]
for (const [what, tasks, expected] of WRONG)
  test(what, async () => {
    const found = await problems(tasks)
    assert.is(found.length, 1, found.join('\n'))
    assert.match(found[0] ?? '', expected)
  })

test('what goes together', async () => {
  const tasks = `
- bond: { name: bond0, slaves: [eno2, eno3], mtu: 9000 }
- bridge: { name: vmbr1, ports: [bond0], mtu: 9000, address: 10.1.0.1/24, address6: "fe80::1/64" }
- vlan: { name: vmbr1.5, mtu: 1500, address: 10.5.0.1/24, address6: "fe80::1/64" }
- bridge: { name: vmbr2, address: 203.0.113.7/32 }
- bridge: { name: vmbr3, address: 203.0.113.1/24 }
- vlan: { name: eno4.10, address: 192.0.2.11/24 }
- management_network: { interface: eno4.10, address: 192.0.2.11/24, gateway: 192.0.2.1 }
- guest_nic: { guest: 100, bridge: vmbr1, ip: 10.1.0.5/24 }
- guest_nic: { guest: 101, bridge: vmbr3, ip: 10.1.0.5/24 }
- guest_nic: { guest: 102, bridge: vmbr3, tag: 7, ip: 10.1.0.5/24 }`
  assert.equal(await problems(tasks), [])
})

test.run()
