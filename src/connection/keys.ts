/** Looks at the keys of all targets before any node is contacted. */
import { homedir } from 'node:os'
import { type Problem, PvectlError } from '../errors.ts'
import { createIdentities, type Identities } from './identities.ts'
import { type AskPassphrase, createKeyring, type KeyFile, type Keyring } from './keyring.ts'
import type { Target } from './target.ts'

/** Surroundings of the user that keys come from. */
export interface KeyOptions {
  /** Without it, encrypted keys can only be used through the agent. */
  readonly askPassphrase?: AskPassphrase
  /** Default `process.env`; SSH_AUTH_SOCK is read from it. */
  readonly env?: NodeJS.ProcessEnv
  /** What `~` means; default the home directory of the user. */
  readonly homeDir?: string
}

/** The key side of one run. */
export interface KeyChain {
  readonly keyring: Keyring
  readonly identities: Identities
}

/** Key files and agents of one run. */
export function createKeyChain(options: KeyOptions): KeyChain {
  const keyring = createKeyring(options.homeDir ?? homedir(), options.askPassphrase)
  return { keyring, identities: createIdentities(keyring, options.env ?? process.env) }
}

/**
 * What is wrong with the key files that targets and their jump hosts name: missing, unreadable, of an unsupported
 * format, or encrypted with neither agent nor terminal at hand. Contacts no node and asks nothing.
 */
export async function checkKeyFiles(targets: readonly Target[], options: KeyOptions = {}): Promise<Problem[]> {
  const chain = createKeyChain(options)
  return problemsOf(targets, async (target, path) => {
    const file = await chain.keyring.load(path)
    if (file.encrypted && !chain.keyring.canAsk && (await mustUnlock(chain, target, file))) {
      await chain.keyring.unlock(file)
    }
    if (file.kind === 'public') await chain.identities.of({ ...target, keyFiles: [path] })
  })
}

/**
 * Like {@link checkKeyFiles}, but also asks for the passphrases of named keys that the agent does not hold, so that no
 * question comes up while the run is on screen.
 */
export async function unlockKeyFiles(targets: readonly Target[], chain: KeyChain): Promise<Problem[]> {
  return problemsOf(targets, async (target, path) => {
    const file = await chain.keyring.load(path)
    if (await mustUnlock(chain, target, file)) await chain.keyring.unlock(file)
    if (file.kind === 'public') await chain.identities.of({ ...target, keyFiles: [path] })
  })
}

async function mustUnlock(chain: KeyChain, target: Target, file: KeyFile): Promise<boolean> {
  return file.encrypted && !(await chain.identities.inAgent(target, file))
}

async function problemsOf(
  targets: readonly Target[],
  check: (target: Target, path: string) => Promise<void>,
): Promise<Problem[]> {
  const wanted = new Map<string, Target>()
  for (const target of targets.flatMap(withJumps)) {
    for (const path of target.keyFiles)
      wanted.set(`${target.identityAgent ?? ''}\0${path}`, { ...target, keyFiles: [path] })
  }
  const results = await Promise.allSettled(
    [...wanted.values()].map((target) => check(target, target.keyFiles[0] ?? '')),
  )
  return results.flatMap((result) => {
    if (result.status === 'fulfilled') return []
    if (result.reason instanceof PvectlError) return result.reason.problems
    throw result.reason
  })
}

function withJumps(target: Target): readonly Target[] {
  return target.jump === undefined ? [target] : [target, ...withJumps(target.jump)]
}
