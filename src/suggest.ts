/** Nearest known words, for "did you mean". */
import { distance } from 'fastest-levenshtein'

/** The known word most like `word`; undefined when none is near enough to be meant. */
export function nearest(word: string, known: Iterable<string>): string | undefined {
  let best: { readonly name: string; readonly cost: number } | undefined
  for (const name of known) {
    const isStart = word.length > 2 && name.toLowerCase().startsWith(word.toLowerCase())
    const cost = isStart ? 1 : distance(word.toLowerCase(), name.toLowerCase())
    if (best === undefined || cost < best.cost) best = { name, cost }
  }
  if (best === undefined) return undefined
  return best.cost <= Math.max(1, Math.floor((Math.max(word.length, best.name.length) + 1) / 3)) ? best.name : undefined
}

/** `did you mean X?` when something is near, else `what: a, b, c`, shortened to `limit` words (default 12). */
export function suggestion(word: string, known: readonly string[], what: string, limit = 12): string {
  const near = nearest(word, known)
  if (near !== undefined) return `did you mean \`${near}\`?`
  return known.length === 0 ? `${what}: none` : `${what}: ${shortList(known, limit)}`
}

/** `a, b, c and 47 more`. */
export function shortList(words: readonly string[], limit: number): string {
  if (words.length <= limit) return words.join(', ')
  return `${words.slice(0, limit).join(', ')} and ${words.length - limit} more`
}
