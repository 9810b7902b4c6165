/** `pve_firewall_guest`: the firewall of one guest. */
import { z } from 'zod'
import { pveFirewallFile } from '../resources/pve-firewall-file.ts'
import { editOf, type WantedFile } from './pve-firewall/edit.ts'
import {
  aliasesField,
  exclusiveField,
  ipsetsField,
  optionsField,
  positionField,
  rulesField,
} from './pve-firewall/params.ts'
import { aliasParts, describedParts, ipsetParts, optionParts, ruleParts } from './pve-firewall/parts.ts'
import { defineTask } from './task-type.ts'

/** Options, aliases, sets and rules of /etc/pve/firewall/VMID.fw. */
export const pveFirewallGuestTask = defineTask({
  name: 'pve_firewall_guest',
  summary: 'the firewall of a virtual machine or container: options, aliases, sets, rules',
  params: z.strictObject({
    vmid: z.number().int().min(100).max(999_999_999).describe('Number of the guest.'),
    options: optionsField('guest').optional().describe('Options of the guest. Those that are left out stay.'),
    aliases: aliasesField.optional(),
    ipsets: ipsetsField.optional(),
    rules: rulesField.optional(),
    position: positionField,
    exclusive: exclusiveField,
  }),
  example: `pve_firewall_guest:
  vmid: 101
  options: { enable: true, ipfilter: true }
  ipsets: { ipfilter-net0: [10.10.10.20] }
  rules:
    - { group: web, iface: net0 }
    - { macro: SSH, source: 10.10.10.0/24 }
`,
  resources({ vmid, position, exclusive, ...params }, host) {
    const wanted: WantedFile = {
      file: 'guest',
      options: optionParts(params.options),
      aliases: aliasParts(params.aliases),
      ipsets: ipsetParts(params.ipsets, host),
      rules: ruleParts(params.rules, 'guest'),
      position,
      exclusive,
    }
    return [pveFirewallFile({ file: 'guest', vmid, edit: editOf(wanted), exclusive: describedParts(wanted) })]
  },
})
