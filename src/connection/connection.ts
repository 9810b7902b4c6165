/** What the engine needs of a node: run a script there. Nothing here knows SSH. */
import type { Script } from './script.ts'

/** How to run one script. */
export interface RunOptions {
  /** Milliseconds until the run counts as hung; default 60 000. */
  readonly timeoutMs?: number
  readonly signal?: AbortSignal
  /** Called with output as it comes. The full output is collected all the same. */
  readonly onStdout?: (chunk: Buffer) => void
}

/** Outcome of a script that ran to its end, whatever its exit status. */
export interface RunResult {
  readonly code: number | null
  readonly signal: string | null
  readonly stdout: Buffer
  readonly stderr: Buffer
}

/** An open way to one node, as root (through become where the login is another user). */
export interface Connection {
  /** Address and port that the session really reached, for messages. */
  readonly peer: string
  /**
   * Sends a script to a fresh POSIX sh on the node by standard input.
   * Resolves whatever the exit status; rejects with CONNECTION_LOST or TIMEOUT when the outcome is unknown.
   */
  run(script: Script, options?: RunOptions): Promise<RunResult>
  close(): Promise<void>
}

/** Opens connections to inventory hosts. */
export interface Connector<Target> {
  /** Rejects with HOST_UNREACHABLE, AUTH_FAILED, HOST_KEY_UNKNOWN, HOST_KEY_MISMATCH or BECOME_FAILED. */
  connect(target: Target, signal?: AbortSignal): Promise<Connection>
  /** Closes what connections share (jump hosts, cached keys). */
  close(): Promise<void>
}
