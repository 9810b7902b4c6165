import path from 'node:path'
import { Flags } from '@oclif/core'
import { BaseCommand } from '../../cli/base-command.ts'
import { labNameFlag } from '../../cli/lab-flags.ts'
import type { PveVersion } from '../../lab/releases.ts'
import type { Cabling, LabKind } from '../../lab/state.ts'

/** Brings up a lab. */
export default class LabUp extends BaseCommand {
  static override summary = 'Start disposable local nodes: containers, or VMs with a kernel of their own.'
  static override description = [
    'Nodes are as a fresh Proxmox VE node is, as far as Debian goes (12, or 13 with --pve 9): vmbr0 on eno1, ifupdown2, iptables, sshd;',
    'dnsmasq and nginx can be installed without a network. Needs root. Running nodes are kept, stopped ones are started,',
    'missing ones are added. An inventory is written, so that `pvectl check PLAYBOOK -i lab` works at once.',
    '\n\n',
    'Containers start in a second and share the kernel of this machine. With --kind vm nodes are VMs under QEMU, with',
    'three NICs each and a kernel of their own, for VLANs, bonds and Open vSwitch.',
    '\n\n',
    'With --inventory there is one node for each host of that inventory, with the same names, groups and variables: a',
    'rehearsal. Only the addresses to connect to are those of the lab; addresses inside variables stay as they are.',
  ].join(' ')
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --nodes 8',
    '<%= config.bin %> <%= command.id %> --inventory prod --name rehearsal',
    '<%= config.bin %> <%= command.id %> --kind vm --nodes 2 --name vms',
    '<%= config.bin %> <%= command.id %> --pve 9 --name trixie',
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
    kind: Flags.string({
      summary: 'What nodes are; `container` for a new lab.',
      options: ['container', 'vm'],
    }),
    pve: Flags.string({
      summary: 'Version of Proxmox VE that nodes are like: Debian 12 or 13; `8` for a new lab.',
      options: ['8', '9'],
      env: 'PVECTL_LAB_PVE',
    }),
    cables: Flags.string({
      summary: 'Where eno2 and eno3 of VMs lead: to those of one other VM, or all to one switch.',
      description: 'A new lab of up to two VMs has `pairs`, a larger one a `switch`.',
      options: ['pairs', 'switch'],
    }),
    out: Flags.string({ summary: 'Folder for the inventory; inventory/NAME unless told otherwise.', helpValue: 'DIR' }),
    name: labNameFlag,
  }

  override async run(): Promise<unknown> {
    const { flags } = await this.parse(LabUp)
    const { bringUp } = await import('../../cli/lab-up.ts')
    const out = path.resolve(flags.out ?? path.join('inventory', flags.name))
    const { nodes: count, inventory, name: lab } = flags
    const [kind, cables] = [flags.kind as LabKind | undefined, flags.cables as Cabling | undefined]
    const pve = flags.pve as PveVersion | undefined
    return bringUp({ lab, out, count, inventory, kind, pve, cables, log: (line) => this.log(line) })
  }
}
