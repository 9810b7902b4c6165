import { Args, Flags } from '@oclif/core'
import { BaseCommand } from '../cli/base-command.ts'
import { inventoryFlag, yesFlag } from '../cli/flags.ts'
import { clusterOf, linkFlags, linksOf } from '../cli/onboard-flags.ts'
import { prose } from '../cli/prose.ts'

/** From a freshly installed node to a member of the inventory, and of a cluster. */
export default class Onboard extends BaseCommand {
  static override summary = 'Take freshly installed nodes into the inventory, and into a cluster.'
  static override description = prose`
In order: the host key is fetched, compared with --fingerprint or shown for you to compare, and pinned; your SSH key is
installed, with the password of root if need be; the node is looked over, in a table with a remedy for each finding; it is
entered into the inventory file; the playbook runs; it joins the cluster of --join, or founds one with --create.

Each step is done only where it has not been done, so a run that failed is taken up by running it again. A finding that is
marked FAIL stops the node before anything else is changed, unless --ignore names it.

Exit codes: 0 onboarded, 2 wrong flags, 3 bad inventory or playbook, 4 not reached, wrong password, or not the host key
that was expected, 5 a check, a task or the join failed, 7 a node rolled itself back.`
  static override examples = [
    '<%= config.bin %> <%= command.id %> 192.0.2.14 --inventory prod --group pve',
    {
      description: 'From a script:',
      command:
        '<%= config.bin %> <%= command.id %> 192.0.2.14 --fingerprint SHA256:… --password-file secret.txt --yes --json',
    },
    { description: 'Look first:', command: '<%= config.bin %> <%= command.id %> 192.0.2.14 --check' },
    {
      description: 'Into the cluster that pve1 of the inventory is in, by the network of its links:',
      command: '<%= config.bin %> <%= command.id %> 192.0.2.14 192.0.2.15 --join pve1',
    },
  ]
  static override strict = false
  static override args = {
    address: Args.string({ description: 'Address of a node, with :PORT if need be. One or more.', required: true }),
  }
  static override flags = {
    inventory: inventoryFlag,
    group: Flags.string({
      char: 'g',
      summary: 'Group for new hosts; default pve, where there is one.',
      helpValue: 'GROUP',
    }),
    name: Flags.string({ summary: "Name in the inventory; default the node's own. For one node.", helpValue: 'NAME' }),
    fingerprint: Flags.string({
      summary: 'Fingerprint of the host key: SHA256:…, with ADDRESS= before it for one of several nodes. Repeatable.',
      helpValue: '[ADDRESS=]SHA256:…',
      multiple: true,
      multipleNonGreedy: true,
    }),
    'password-file': Flags.string({
      summary: "File whose first line is root's password; - is standard input. Default: ask.",
      helpValue: 'FILE',
    }),
    key: Flags.string({ summary: 'Private key to log in with; default that of the inventory.', helpValue: 'FILE' }),
    'admin-user': Flags.string({
      summary: 'Log in as this user from now on, with sudo; made if need be.',
      helpValue: 'USER',
    }),
    join: Flags.string({ summary: 'Join the cluster of this member.', helpValue: 'HOST', exclusive: ['create'] }),
    create: Flags.string({ summary: 'Found a cluster of this name.', helpValue: 'CLUSTER' }),
    ...linkFlags,
    'join-timeout': Flags.integer({
      summary: 'Seconds until a node must be a member.',
      helpValue: 'SECONDS',
      min: 5,
      max: 3600,
      default: 180,
    }),
    ignore: Flags.string({
      summary: 'Go on though this check failed. Repeatable.',
      helpValue: 'CHECK',
      multiple: true,
      multipleNonGreedy: true,
      delimiter: ',',
    }),
    playbook: Flags.string({ summary: 'Playbook to run.', helpValue: 'NAME|PATH', default: 'onboard' }),
    'no-playbook': Flags.boolean({ summary: 'Run no playbook.', exclusive: ['playbook'] }),
    verify: Flags.boolean({
      summary: 'Prove at the end, from outside, that what the playbook describes works. On unless --no-verify.',
      default: true,
      allowNo: true,
    }),
    check: Flags.boolean({ char: 'C', summary: 'Change nothing, only say what would change.' }),
    yes: yesFlag,
    diff: Flags.boolean({ char: 'D', summary: 'Show what changes inside files.' }),
    verbose: Flags.boolean({ char: 'v', summary: 'Also show tasks that are ok, and what steps print on the nodes.' }),
    json: Flags.boolean({ summary: 'Write every event as one line of JSON to stdout.' }),
  }

  override async run(): Promise<void> {
    const { argv, flags } = await this.parse(Onboard)
    const addresses = argv.map(String)
    const options = {
      ...flags,
      addresses,
      group: flags.group,
      name: flags.name,
      key: flags.key,
      adminUser: flags['admin-user'],
      fingerprints: flags.fingerprint ?? [],
      passwordFile: flags['password-file'],
      cluster: clusterOf(flags),
      links: linksOf(flags, addresses),
      joinTimeoutMs: flags['join-timeout'] * 1000,
      ignored: flags.ignore ?? [],
      playbook: flags['no-playbook'] ? undefined : flags.playbook,
    }
    const { runOnboard } = await import('../cli/run-onboard.ts')
    process.exitCode = await runOnboard(options)
  }
}
