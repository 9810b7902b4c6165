/** Which tasks `--tags` and `--skip-tags` leave. */
import { type Problem, PvectlError } from '../errors.ts'
import { suggestion } from '../suggest.ts'

/** What the user asked for; empty lists ask for nothing. */
export interface TagFilter {
  readonly only: readonly string[]
  readonly skip: readonly string[]
}

const SPECIAL = ['always', 'never', 'all', 'tagged', 'untagged']

/**
 * True when a task with these tags (its own and those of its play) takes part. As in Ansible: `always` runs whatever
 * is asked for, unless it is skipped by name; `never` runs only when one of the task's tags is asked for by name;
 * `all`, `tagged` and `untagged` may be asked for or skipped.
 */
export function isWanted(tags: readonly string[], { only, skip }: TagFilter): boolean {
  const own = tags.length === 0 ? ['untagged'] : tags
  const asked = (list: readonly string[]) => own.some((tag) => list.includes(tag))
  const tagged = tags.length > 0
  const never = own.includes('never')
  const general = only.length === 0 || only.includes('all') || (only.includes('tagged') && tagged)
  const isIn = own.includes('always') || (general && !never) || asked(only)
  if (!isIn) return false
  if (skip.includes('all') && !(own.includes('always') && !skip.includes('always'))) return false
  return !asked(skip) && !(skip.includes('tagged') && tagged)
}

/** Throws USAGE for tags that no task has, since leaving out everything by a misspelt tag helps nobody. */
export function checkTags({ only, skip }: TagFilter, known: ReadonlySet<string>): void {
  const names = [...known].sort()
  const problems = [...only, ...skip]
    .filter((tag) => !known.has(tag) && !SPECIAL.includes(tag))
    .map((tag): Problem => ({ message: `no task has the tag \`${tag}\``, hint: suggestion(tag, names, 'tags') }))
  if (problems.length > 0) throw PvectlError.of('USAGE', problems)
}
