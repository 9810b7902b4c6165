/** Flags that several commands share, so that they mean and read the same everywhere. */
import { Flags, type Interfaces } from '@oclif/core'
import type { GuardOptions } from '../engine/compile.ts'
import type { PlaybookRun } from './run-playbook.ts'

/** Which inventory: a name under `inventory/`, or a path. */
export const inventoryFlag = Flags.string({
  char: 'i',
  summary: 'Inventory: a name under inventory/ or a path.',
  helpValue: 'NAME|PATH',
  env: 'PVECTL_INVENTORY',
  default: 'prod',
})

/** Which hosts of it. */
export const limitFlag = Flags.string({
  char: 'l',
  summary: 'Only these hosts or groups: `web*,!node3`.',
  helpValue: 'PATTERN',
})

/** Asks no questions. */
export const yesFlag = Flags.boolean({
  char: 'y',
  summary: 'Ask nothing: answer every question with yes. Without a terminal nothing is asked either.',
})

/** What to do about a network change that is staged in the web interface. */
export const pendingFlag = Flags.option({
  options: ['refuse', 'adopt', 'discard'] as const,
  summary:
    'A network change pending in the web interface: `refuse` to edit beside it, `adopt` it as the base of the edits, or `discard` it.',
  default: 'refuse' as const,
})

/** What `apply` and `check` both take. */
export const playbookFlags = {
  inventory: inventoryFlag,
  limit: limitFlag,
  tags: Flags.string({
    char: 't',
    summary: 'Only tasks with one of these tags.',
    helpValue: 'TAG',
    multipleNonGreedy: true,
    multiple: true,
    delimiter: ',',
  }),
  'skip-tags': Flags.string({
    summary: 'No tasks with one of these tags.',
    helpValue: 'TAG',
    multipleNonGreedy: true,
    multiple: true,
    delimiter: ',',
  }),
  'extra-vars': Flags.string({
    char: 'e',
    summary: 'Variables that outrank all others: `name=value`, a JSON object, or @FILE (YAML). Repeatable.',
    helpValue: 'VARS',
    multipleNonGreedy: true,
    multiple: true,
  }),
  forks: Flags.integer({
    char: 'f',
    summary: 'How many nodes to work on at once.',
    helpValue: 'N',
    min: 1,
    default: 32,
  }),
  pending: pendingFlag(),
  verbose: Flags.boolean({ char: 'v', summary: 'Also show tasks that are ok, and what steps print on the nodes.' }),
  json: Flags.boolean({ summary: 'Write every event as one line of JSON to stdout.' }),
}

/** What commands take that change nodes. */
export const guardFlags = {
  yes: yesFlag,
  'confirm-timeout': Flags.integer({
    summary: 'Seconds after which a node undoes a risky change that nobody confirmed.',
    helpValue: 'SECONDS',
    min: 5,
    max: 3600,
    default: 90,
  }),
  'lock-timeout': Flags.integer({
    summary: 'Seconds to wait for another run to leave a node; without it, the node fails and names who holds it.',
    helpValue: 'SECONDS',
    min: 0,
    max: 3600,
    default: 0,
  }),
  'no-guard': Flags.boolean({ summary: 'Make risky changes without a revert timer: only at the console of the node.' }),
}

/** The guard that the flags ask for; `warn` is told when there is none. */
export function guardOption(
  flags: Interfaces.InferredFlags<typeof guardFlags>,
  warn: (text: string) => void,
): GuardOptions | 'off' {
  if (!flags['no-guard']) return { timeoutSeconds: flags['confirm-timeout'] }
  warn('without the guard, a change that cuts the connection stays cut until somebody mends it at the console')
  return 'off'
}

/** The flags that `apply` and `check` share, as `runPlaybook` wants them. */
export function playbookOptions(
  flags: Interfaces.InferredFlags<typeof playbookFlags> & { readonly diff: boolean },
): Omit<PlaybookRun, 'mode' | 'playbook' | 'driftExit'> {
  const { inventory, limit, tags = [], forks, pending, diff, verbose, json } = flags
  return {
    inventory,
    limit,
    tags,
    skipTags: flags['skip-tags'] ?? [],
    extraVars: flags['extra-vars'] ?? [],
    forks,
    pending,
    diff,
    verbose,
    json,
  }
}
