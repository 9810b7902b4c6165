import path from 'node:path'
import { Flags } from '@oclif/core'
import { BaseCommand } from '../../cli/base-command.ts'
import { labNameFlag } from '../../cli/lab-flags.ts'

/** Brings up a lab. */
export default class LabUp extends BaseCommand {
  static override summary = 'Start disposable local nodes, as containers with their own systemd, network and sshd.'
  static override description = [
    'Nodes are as a fresh Proxmox VE node is, as far as Debian 12 goes: vmbr0 on eno1, ifupdown2, iptables, sshd;',
    'dnsmasq and nginx can be installed without a network. Needs root. Running nodes are kept, stopped ones are started,',
    'missing ones are added. An inventory is written, so that `pvectl check PLAYBOOK -i lab` works at once.',
    '\n\n',
    'With --inventory there is one node for each host of that inventory, with the same names, groups and variables: a',
    'rehearsal. Only the addresses to connect to are those of the lab; addresses inside variables stay as they are.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --nodes 8',
    '<%= config.bin %> <%= command.id %> --inventory prod --name rehearsal',
  ]
  static override enableJsonFlag = true
  static override flags = {
    nodes: Flags.integer({
      char: 'n',
      summary: 'How many nodes the lab has at least; 3 for a new lab.',
      helpValue: 'N',
      min: 1,
      max: 244,
      exclusive: ['inventory'],
    }),
    inventory: Flags.string({
      char: 'i',
      summary: 'Rehearse this inventory: a name under inventory/ or a path.',
      helpValue: 'NAME|PATH',
    }),
    out: Flags.string({ summary: 'Folder for the inventory; inventory/NAME unless told otherwise.', helpValue: 'DIR' }),
    name: labNameFlag,
  }

  override async run(): Promise<unknown> {
    const { flags } = await this.parse(LabUp)
    const { bringUp } = await import('../../cli/lab-up.ts')
    const out = path.resolve(flags.out ?? path.join('inventory', flags.name))
    const { nodes: count, inventory, name: lab } = flags
    return bringUp({ lab, out, count, inventory, log: (line) => this.log(line) })
  }
}
