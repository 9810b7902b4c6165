/** The contract of a kind of check: how it is named, asked and judged. Pure but for what is asked from outside. */
import type { Duplex } from 'node:stream'
import type { Account } from '../connection/account.ts'
import type { Target } from '../connection/target.ts'
import type { Check } from './check.ts'
import type { NodeView } from './node.ts'
import type { FactWish, SeatProbe, Seen } from './probe/plan.ts'
import type { VerifySettings } from './settings.ts'

/** What was found out, and what it comes to. */
export interface Verdict {
  readonly status: 'passed' | 'failed' | 'skipped'
  /** What was seen; of a skipped check, why it could not be made. */
  readonly saw: string
  /** Likely cause of a failure. */
  readonly cause?: string
  /** What to do about it. */
  readonly hint?: string
}

/** What may be known of a host while its checks are made. */
export interface HostView {
  readonly target: Target
  /** Address at which outsiders reach it. */
  readonly address: string
  readonly settings: VerifySettings
  /** All checks of the host. */
  readonly checks: readonly Check[]
}

/** All that was seen for a check. */
export interface Evidence {
  /** From the place of a guest; empty where nothing was asked there. */
  readonly seen: Seen
  /** From this machine; empty where nothing was asked from here. */
  readonly outside: Seen
  readonly node: NodeView
  readonly host: HostView
}

/** A probe without what the collector adds. */
export type ProbeWish = SeatProbe extends infer Probe ? (Probe extends SeatProbe ? Omit<Probe, 'id'> : never) : never

/** One kind of check. */
export interface Prover<C extends Check = Check> {
  /** One line for the table: `DHCP offers an address on vmbr1`. */
  title(check: C, host: HostView): string
  /** What a pass means: one sentence for docs and `--json`. */
  readonly proves: string
  /** What to ask from the place of a guest. */
  probe?(check: C, host: HostView): ProbeWish | undefined
  /** What to read on the node, to explain a failure. */
  facts?(check: C, host: HostView): readonly FactWish[]
  /** What to ask from this machine; runs beside the exchange with the node. Must not throw for what may be expected. */
  outside?(check: C, host: HostView, ask: Outside): Promise<Seen>
  judge(check: C, evidence: Evidence): Verdict
}

/** Ways from this machine to a host. */
export interface Outside {
  readonly signal?: AbortSignal
  /** Aborted when the exchange with the node is over, so that nobody looks any more. */
  readonly over?: AbortSignal
  /** A TCP connection to a port where outsiders reach the host; to another address where one is given. */
  dial(port: number, address?: string): Promise<Duplex>
  /** Sends datagrams with a text over and over until told to stop. Rejects where only TCP goes: through a jump host. */
  datagrams(text: string, port: number, address: string | undefined, until: AbortSignal): Promise<void>
  /** Logs in as another account; default keys are those of the host. Rejects as connecting does. */
  account(user: string, keyFile?: string): Promise<Account>
  /** Public keys that such a login would offer, in the SSH wire format. */
  publicKeys(keyFile?: string): Promise<readonly Buffer[]>
}

/** The check works, as seen. */
export function passed(saw: string): Verdict {
  return { status: 'passed', saw }
}

/** It does not; `cause` may be unknown. */
export function failed(saw: string, why: { readonly cause?: string; readonly hint?: string } = {}): Verdict {
  return { status: 'failed', saw, ...why }
}

/** Nobody can tell, and why. */
export function skipped(saw: string): Verdict {
  return { status: 'skipped', saw }
}
