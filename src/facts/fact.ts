/**
 * Facts: what a node is like. A fact kind reads all its instances with one read-only script fragment, so
 * the cost on the node stays flat however many tasks ask.
 */
import type { Script } from '../connection/script.ts'

/** One family of facts (`file`, `unit`, `package`, …). Pure: the engine sends the script and feeds the output. */
export interface FactKind<State> {
  readonly name: string
  /**
   * A read-only sh fragment that prints what {@link FactKind.parse} needs for all `ids`, in their order.
   * It runs as root, must not fail the shell, and may print `mark` (a random word, safe to quote bare) to delimit.
   */
  observe(ids: readonly string[], mark: string): Script
  /** One state per id, in the same order. May throw on output it cannot read. */
  parse(output: Buffer, ids: readonly string[], mark: string): readonly State[]
}

/** One fact of one node: a kind and which instance of it. */
export interface FactRef<State> {
  readonly kind: FactKind<State>
  readonly id: string
}

/** A predicted value of a fact, after a change. */
export interface FactUpdate {
  readonly ref: FactRef<unknown>
  readonly state: unknown
}

/** Names the model entry of a fact. */
export function factKey(ref: FactRef<never> | FactRef<unknown>): string {
  return `${ref.kind.name}:${ref.id}`
}

/** States that `ref` will have `state`, typed. */
export function becomes<State>(ref: FactRef<State>, state: State): FactUpdate {
  return { ref: ref as FactRef<unknown>, state }
}
