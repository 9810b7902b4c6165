/** The node model: observed facts, overlaid with what earlier resources of the same run will make of them. */
import { PvectlError } from '../errors.ts'
import { type FactRef, type FactUpdate, factKey } from './fact.ts'

/** Immutable view of a node that resources plan against. */
export class Model {
  readonly #states: ReadonlyMap<string, unknown>
  readonly #uncertain: ReadonlySet<string>
  readonly #steps: number
  /** Clock of the node at observation, milliseconds since the epoch. */
  readonly observedAt: number

  constructor(
    states: ReadonlyMap<string, unknown>,
    observedAt: number,
    uncertain: ReadonlySet<string> = new Set(),
    steps = 0,
  ) {
    this.#states = states
    this.#uncertain = uncertain
    this.observedAt = observedAt
    this.#steps = steps
  }

  /** State of a fact. Throws INTERNAL when a resource asks for what it did not declare in `reads`. */
  get<State>(ref: FactRef<State>): State {
    const key = factKey(ref as FactRef<unknown>)
    if (!this.#states.has(key)) throw new PvectlError('INTERNAL', `fact ${key} was not observed`)
    return this.#states.get(key) as State
  }

  /** True when the fact has been observed or predicted. */
  has(ref: FactRef<unknown>): boolean {
    return this.#states.has(factKey(ref))
  }

  /** Ids of the facts of a kind that have been observed or predicted. */
  idsOf<State>(kind: FactRef<State>['kind']): readonly string[] {
    const prefix = factKey({ kind, id: '' } as FactRef<unknown>)
    return [...this.#states.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length))
  }

  /**
   * A time for things that the next step will do: later than anything observed and any earlier step, so that
   * "file newer than the service that read it" holds for predictions as it does for clocks.
   */
  get soon(): number {
    return 8e15 + this.#steps
  }

  /** The model with some facts changed. */
  with(updates: readonly FactUpdate[]): Model {
    if (updates.length === 0) return this
    const states = new Map(this.#states)
    for (const { ref, state } of updates) states.set(factKey(ref), state)
    return new Model(states, this.observedAt, this.#uncertain, this.#steps + 1)
  }

  /** The model in which nobody can say any more what these facts are (`'anything'`: all of them). */
  disturbed(by: readonly FactRef<unknown>[] | 'anything'): Model {
    const keys = by === 'anything' ? ['*'] : by.map((ref) => factKey(ref))
    return keys.length === 0
      ? this
      : new Model(this.#states, this.observedAt, new Set([...this.#uncertain, ...keys]), this.#steps)
  }

  /** True when an earlier step makes this fact unpredictable. */
  isUncertain(ref: FactRef<unknown>): boolean {
    return this.#uncertain.has('*') || this.#uncertain.has(factKey(ref))
  }
}
