/** `pve_firewall_host`: the firewall of one node. */
import { z } from 'zod'
import { pveFirewallFile } from '../resources/pve-firewall-file.ts'
import { editOf, type WantedFile } from './pve-firewall/edit.ts'
import { exclusiveField, lockoutField, optionsField, positionField, rulesField } from './pve-firewall/params.ts'
import { describedParts, optionParts, ruleParts } from './pve-firewall/parts.ts'
import { defineTask } from './task-type.ts'

/** Options and rules of /etc/pve/nodes/NODE/host.fw, which come before those of the cluster. */
export const pveFirewallHostTask = defineTask({
  name: 'pve_firewall_host',
  summary: 'the firewall of a Proxmox VE node: options, and rules that come before those of the cluster',
  params: z.strictObject({
    options: optionsField('host').optional().describe('Options of the node. Those that are left out stay.'),
    rules: rulesField.optional(),
    position: positionField,
    exclusive: exclusiveField,
    allow_lockout: lockoutField,
  }),
  example: `pve_firewall_host:
  options: { log_level_in: info, protection_synflood: true }
  rules:
    - { iface: vmbr1, macro: DNS, comment: dnsmasq }
    - { iface: vmbr1, proto: udp, dport: 67, comment: DHCP }
    - IN ACCEPT -source +management -p tcp -dport 9100 # node exporter
`,
  resources({ options, rules, position, exclusive, allow_lockout: allowLockout }) {
    const wanted: WantedFile = {
      file: 'host',
      options: optionParts(options),
      rules: ruleParts(rules, 'host'),
      position,
      exclusive,
    }
    return [pveFirewallFile({ file: 'host', edit: editOf(wanted), exclusive: describedParts(wanted), allowLockout })]
  },
})
