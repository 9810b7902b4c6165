/** Ways that describe less and less of a thing, for when somebody wrote parts of it otherwise than pvectl would. */
import type { TaskDraft, Way } from './adopter.ts'

/** Parameters that can be left out together, and what is not described then. */
export interface Part {
  readonly keys: readonly string[]
  /** `comment of vmbr1`. */
  readonly what: string
}

/** The whole draft first, then without one part, then without all of them; parts that the draft lacks do not count. */
export function reducedWays(
  draft: TaskDraft,
  parts: readonly Part[],
  leaves: Way['leaves'] = [],
): readonly [Way, ...Way[]] {
  const whole: Way = { tasks: [draft], leaves }
  const present = parts.filter(({ keys }) => keys.some((key) => Object.hasOwn(draft.params, key)))
  const without = (left: readonly Part[]): Way => {
    const gone = new Set(left.flatMap(({ keys }) => keys))
    const params = Object.fromEntries(Object.entries(draft.params).filter(([key]) => !gone.has(key)))
    const what = left.map((part) => part.what).join(', ')
    return { tasks: [{ ...draft, params }], leaves, partial: { what, fuller: whole } }
  }
  return [whole, ...present.map((part) => without([part])), ...(present.length > 1 ? [without(present)] : [])]
}
