/** What `pvectl onboard` does, apart from its flags: gathers what onboarding needs, and shows what it says. */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import path from 'node:path'
import { offeredKeyLine } from '../connection/offered-key.ts'
import { Secret } from '../connection/secret.ts'
import { createSshConnector } from '../connection/ssh-connector.ts'
import { PvectlError, systemReason } from '../errors.ts'
import { addressText, parseAddress } from '../onboard/address.ts'
import { GrowingInventory } from '../onboard/candidate.ts'
import type { Circumstances } from '../onboard/circumstances.ts'
import type { EmitOnboard } from '../onboard/events.ts'
import { parseFingerprints } from '../onboard/fingerprints.ts'
import { onboard } from '../onboard/onboarding.ts'
import type { OnboardTools, OnboardWishes, PlaybookRequest } from '../onboard/wishes.ts'
import { loadJob } from '../playbook/load.ts'
import { maskError } from '../secrets/mask-data.ts'
import { SecretStore } from '../secrets/store.ts'
import { taskTypes } from '../tasks/index.ts'
import { displayPath } from '../yaml/display-path.ts'
import { assertOnboardFlags } from './onboard-checks.ts'
import { betweenRuns } from './onboard-interrupts.ts'
import { hostKeyPrompt, passwordPrompt } from './onboard-prompts.ts'
import { onboardReporter } from './onboard-text.ts'
import { passphrasePrompt, rememberedPassphrases } from './passphrase.ts'
import { runJob } from './run-job.ts'

/** What the user asked for. */
export interface OnboardOptions {
  readonly addresses: readonly string[]
  readonly inventory: string
  readonly group: string | undefined
  readonly name: string | undefined
  readonly key: string | undefined
  readonly adminUser: string | undefined
  readonly fingerprints: readonly string[]
  /** File with the password of root; `-` is standard input. */
  readonly passwordFile: string | undefined
  readonly cluster: OnboardWishes['cluster']
  readonly links: OnboardWishes['links']
  readonly joinTimeoutMs: number
  readonly ignored: readonly string[]
  readonly playbook: string | undefined
  /** Prove at the end that all works. */
  readonly verify: boolean
  readonly check: boolean
  readonly yes: boolean
  readonly diff: boolean
  readonly verbose: boolean
  readonly json: boolean
}

/** Onboards nodes, to the exit code. Throws USAGE and INVENTORY_INVALID before any node is contacted. */
export async function runOnboard(options: OnboardOptions): Promise<number> {
  const addresses = options.addresses.map(parseAddress)
  assertOnboardFlags({ name: options.name, ignore: options.ignored }, options.addresses)
  const wishes: OnboardWishes = { ...options, addresses }
  const secrets = new SecretStore()
  const cwd = process.cwd()
  try {
    const fingerprints = parseFingerprints(options.fingerprints, addresses.map(addressText))
    const inventory = await GrowingInventory.open(options.inventory, { cwd, secrets, wishes: options })
    const emit = onboardReporter({ json: options.json })
    const around = circumstances(options, fingerprints, emit, cwd)
    const rest = createSshConnector(around.passphrases())
    const interrupts = betweenRuns()
    const tools: OnboardTools = {
      emit,
      rest,
      verify:
        options.verify && options.playbook !== undefined
          ? (hosts) => interrupts.within(() => verify(hosts, options, emit, around))
          : undefined,
      keyLine: (target) => offeredKeyLine(target, around.passphrases()),
      runPlaybook: (request) => interrupts.within(() => runPlaybook(request, options, secrets, cwd)),
    }
    try {
      return await onboard(wishes, inventory, around, tools)
    } finally {
      interrupts.dispose()
      await rest.close()
    }
  } catch (error) {
    throw maskError(error, secrets.mask)
  }
}

function circumstances(
  options: OnboardOptions,
  fingerprints: Circumstances['fingerprints'],
  emit: EmitOnboard,
  cwd: string,
): Circumstances {
  const { passwordFile } = options
  const given = passwordFile === undefined ? undefined : readPassword(passwordFile)
  const ask = given === undefined ? passwordPrompt() : undefined
  return {
    mode: options.check ? 'check' : 'apply',
    inventoryName: options.inventory,
    fingerprints,
    askHostKey: hostKeyPrompt(),
    password: async (node, attempt) => (given === undefined ? ask?.(node, attempt) : attempt === 1 ? given : undefined),
    canAskPassword: given !== undefined || ask !== undefined,
    passphrases: rememberedPassphrases(passphrasePrompt()),
    defaultKnownHosts: path.join(homedir(), '.ssh', 'known_hosts'),
    step: (node, step, status, text, details, rows) =>
      emit({
        event: 'onboard:step',
        node,
        step,
        status,
        text,
        ...(details === undefined || details.length === 0 ? {} : { details }),
        ...(rows === undefined ? {} : { rows }),
      }),
    begin: (node, step, text) => emit({ event: 'onboard:begin', node, step, text }),
    show: (file) => displayPath(file, cwd),
  }
}

/** The first line of the file. */
function readPassword(file: string): Secret {
  try {
    const text = readFileSync(file === '-' ? 0 : file, 'utf8').split(/\r?\n/)[0] ?? ''
    if (text !== '') return new Secret(text)
  } catch (error) {
    throw new PvectlError('USAGE', `--password-file: cannot read ${file}: ${systemReason(error)}`, { cause: error })
  }
  throw new PvectlError('USAGE', `--password-file: the first line of ${file} is empty`)
}

async function runPlaybook(
  { playbook, inventory, hosts, tag, members, connector }: PlaybookRequest,
  { check, yes, diff, verbose, json }: OnboardOptions,
  secrets: SecretStore,
  cwd: string,
): Promise<number> {
  const job = await loadJob({
    playbook,
    inventory,
    cwd,
    registry: taskTypes,
    limit: hosts.join(','),
    ...(tag === undefined ? {} : { tags: [tag] }),
    extraVars: { cluster_members: members },
    secrets,
  })
  const mode = check ? 'check' : 'apply'
  const how = { mode, forks: 8, diff, verbose, json, driftExit: false, ask: !yes, mask: secrets.mask } as const
  return runJob(how, job, connector)
}

/** What the playbook describes is proven from outside, as `pvectl verify` does. */
async function verify(
  hosts: readonly string[],
  { playbook = '', inventory, json }: OnboardOptions,
  emit: EmitOnboard,
  { step }: Circumstances,
): Promise<number> {
  const { runVerify } = await import('./run-verify.ts')
  const choice = { playbook, inventory, limit: hosts.join(','), tags: [], skipTags: [], extraVars: [] }
  const report = await runVerify({ ...choice, forks: 4, json })
  if (json) emit({ event: 'onboard:verified', report })
  for (const { host, status, checks } of report.hosts) {
    const counts = (['passed', 'failed', 'skipped'] as const)
      .map((word) => ({ word, count: checks.filter((check) => check.status === word).length }))
      .filter(({ count }) => count > 0)
    const text = counts.map(({ word, count }) => `${count} ${word}`).join(', ') || status
    step(host, 'verify', status === 'passed' ? 'ok' : status === 'skipped' ? 'skipped' : 'failed', text)
  }
  return report.exitCode
}
