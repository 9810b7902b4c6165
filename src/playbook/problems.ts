/** Collects what is wrong with a playbook, so that it can be told all at once and each thing only once. */
import { type ErrorCode, formatLocation, type Problem, PvectlError } from '../errors.ts'
import { shortList } from '../suggest.ts'

interface Entry {
  readonly problem: Problem
  readonly code: ErrorCode
  readonly hosts: string[]
}

const SHOWN = 20

/** A growing list of problems. */
export class ProblemList {
  readonly #entries = new Map<string, Entry>()

  /** Adds a problem, of one host when it is named; the same problem of another host is counted with it. */
  add(
    problem: Problem,
    { host, code = 'PLAYBOOK_INVALID' }: { readonly host?: string; readonly code?: ErrorCode } = {},
  ): void {
    const place = problem.location === undefined ? '' : formatLocation(problem.location)
    const key = `${place}\0${problem.message}`
    const entry = this.#entries.get(key) ?? { problem, code, hosts: [] }
    this.#entries.set(key, entry)
    if (host !== undefined && !entry.hosts.includes(host)) entry.hosts.push(host)
  }

  /** Adds all problems of an error. */
  addError(error: PvectlError, host?: string): void {
    for (const problem of error.problems) {
      this.add(problem, { code: error.code, ...(host === undefined ? {} : { host }) })
    }
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0
  }

  /** Throws when there are problems: at most 20 of them, in the order of the files, and how many more there are. */
  throwIfAny(): void {
    const entries = sorted([...this.#entries.values()])
    if (entries.length === 0) return
    const codes = new Set(entries.map(({ code }) => code))
    const [code] = codes
    const shown = entries.slice(0, SHOWN).map(withHosts)
    const rest = entries.length - shown.length
    const more = rest > 0 ? [{ message: `and ${rest} more ${rest === 1 ? 'problem' : 'problems'}` }] : []
    throw PvectlError.of(codes.size === 1 && code !== undefined ? code : 'PLAYBOOK_INVALID', [...shown, ...more])
  }
}

function withHosts({ problem, hosts }: Entry): Problem {
  if (hosts.length === 0) return problem
  const [first, ...rest] = problem.message.split('\n')
  return { ...problem, message: [`${first} (on ${shortList(hosts, 3)})`, ...rest].join('\n') }
}

/** Files in the order in which they first went wrong, lines in their own. */
function sorted(entries: readonly Entry[]): readonly Entry[] {
  const files = [...new Set(entries.map(({ problem }) => problem.location?.file))]
  const rank = ({ problem: { location } }: Entry) => [
    files.indexOf(location?.file),
    location?.line ?? 0,
    location?.column ?? 0,
  ]
  return entries
    .map((entry) => ({ entry, rank: rank(entry) }))
    .sort((a, b) => a.rank.map((part, i) => part - (b.rank[i] ?? 0)).find((difference) => difference !== 0) ?? 0)
    .map(({ entry }) => entry)
}
