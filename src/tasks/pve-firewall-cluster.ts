/** `pve_firewall_cluster`: the firewall of the whole cluster. */
import { z } from 'zod'
import { pveFirewallFile } from '../resources/pve-firewall-file.ts'
import { editOf, type WantedFile } from './pve-firewall/edit.ts'
import {
  aliasesField,
  exclusiveField,
  groupsField,
  ipsetsField,
  lockoutField,
  optionsField,
  positionField,
  rulesField,
} from './pve-firewall/params.ts'
import { aliasParts, describedParts, groupParts, ipsetParts, optionParts, ruleParts } from './pve-firewall/parts.ts'
import { defineTask } from './task-type.ts'

/** Options, aliases, sets, security groups and rules of /etc/pve/firewall/cluster.fw, which all nodes share. */
export const pveFirewallClusterTask = defineTask({
  name: 'pve_firewall_cluster',
  summary: 'the firewall of a Proxmox VE cluster: options, aliases, sets, security groups, rules',
  params: z.strictObject({
    options: optionsField('cluster').optional().describe('Options of the cluster. Those that are left out stay.'),
    aliases: aliasesField.optional(),
    ipsets: ipsetsField.optional(),
    groups: groupsField.optional(),
    rules: rulesField.optional(),
    position: positionField,
    exclusive: exclusiveField,
    allow_lockout: lockoutField,
  }),
  example: `pve_firewall_cluster:
  options: { enable: true, policy_in: DROP }
  ipsets:
    management: [192.0.2.0/24, '2001:db8:5::/64']
    nodes: { from_inventory: { group: pve, addresses: [address, corosync_address] } }
  groups:
    web: [{ macro: Web }, { macro: Ping }]
  rules:
    - { macro: Ping }
    - { source: +nodes, macro: Ceph, comment: Ceph between the nodes }
    - { source: +nodes, proto: tcp, dport: [3366, 3370, '7000:7999'], comment: Linstor and DRBD }
`,
  checks: ({ options }) => (Number(options?.enable ?? 0) > 0 ? [{ kind: 'pve_firewall' }] : []),
  resources({ allow_lockout: allowLockout, position, exclusive, ...params }, host) {
    const wanted: WantedFile = {
      file: 'cluster',
      options: optionParts(params.options),
      aliases: aliasParts(params.aliases),
      ipsets: ipsetParts(params.ipsets, host),
      groups: groupParts(params.groups),
      rules: ruleParts(params.rules, 'cluster'),
      position,
      exclusive,
    }
    return [pveFirewallFile({ file: 'cluster', edit: editOf(wanted), exclusive: describedParts(wanted), allowLockout })]
  },
})
