/** What onboarding says while it goes on. Plain JSON data: the screen and `--json` see exactly this. */
import type { ErrorCode, Problem } from '../errors.ts'
import type { Row } from './row.ts'

/** Steps of onboarding, in their order. */
export type StepName = 'host key' | 'login' | 'preflight' | 'inventory' | 'members' | 'baseline' | 'cluster' | 'verify'

/** How a step ended. */
export type StepStatus = 'ok' | 'changed' | 'would change' | 'warning' | 'failed' | 'skipped'

/** Everything that happens, beside the events of the runs of playbooks in between. */
export type OnboardEvent =
  | {
      readonly event: 'onboard:started'
      readonly mode: 'apply' | 'check'
      readonly addresses: readonly string[]
      readonly inventory: string
    }
  /** A step that takes time began. */
  | { readonly event: 'onboard:begin'; readonly node: string; readonly step: StepName; readonly text: string }
  | {
      readonly event: 'onboard:step'
      /** Address as given, or name. */
      readonly node: string
      readonly step: StepName
      readonly status: StepStatus
      /** One line: what was found or done. */
      readonly text: string
      /** Further lines: changes in detail. */
      readonly details?: readonly string[]
      /** The table of the preflight. */
      readonly rows?: readonly Row[]
    }
  /** What `pvectl verify --json` prints; only with `--json`. */
  | { readonly event: 'onboard:verified'; readonly report: unknown }
  | {
      readonly event: 'onboard:failed'
      readonly node: string
      readonly code: ErrorCode
      readonly problems: readonly Problem[]
    }
  | {
      readonly event: 'onboard:finished'
      readonly nodes: readonly { readonly address: string; readonly name?: string; readonly onboarded: boolean }[]
      /** What the admin has now, and what is left to do. */
      readonly summary: readonly string[]
      readonly exitCode: number
    }

/** Gets every event, in order. */
export type EmitOnboard = (event: OnboardEvent) => void
