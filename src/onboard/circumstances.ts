/** What surrounds an onboarding: what the user asked for, whom to ask, and where to say what happens. */
import type { AskPassphrase } from '../connection/keyring.ts'
import type { Secret } from '../connection/secret.ts'
import type { ShownHostKey } from '../connection/shown-host-key.ts'
import type { StepName, StepStatus } from './events.ts'
import type { Fingerprints } from './fingerprints.ts'
import type { Row } from './row.ts'

/** Says how a step ended. */
export type SayStep = (
  node: string,
  step: StepName,
  status: StepStatus,
  text: string,
  details?: readonly string[],
  rows?: readonly Row[],
) => void

/** Shared by all steps of all nodes. */
export interface Circumstances {
  readonly mode: 'apply' | 'check'
  /** As the user named the inventory. */
  readonly inventoryName: string
  readonly fingerprints: Fingerprints
  /** Asks whether a host key is right; undefined where nobody can be asked. */
  readonly askHostKey: ((node: string, key: ShownHostKey) => Promise<boolean>) | undefined
  /** Root's password of a node; undefined when nobody knows it. `attempt` counts from 1. */
  readonly password: (node: string, attempt: number) => Promise<Secret | undefined>
  /** False when there is neither a terminal nor a file with a password. */
  readonly canAskPassword: boolean
  /** Asks for passphrases of keys, for one connector; what was answered for another one is not asked again. */
  readonly passphrases: () => { readonly askPassphrase?: AskPassphrase }
  /** Where host keys go when the inventory names no known_hosts. */
  readonly defaultKnownHosts: string
  readonly step: SayStep
  /** Says that a step takes time, and why. */
  readonly begin: (node: string, step: StepName, text: string) => void
  /** A path as messages show it. */
  readonly show: (file: string) => string
}
