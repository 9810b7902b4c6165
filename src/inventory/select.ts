/** Patterns that pick hosts: `pve,!node3`, as in Ansible. */
import { type Problem, PvectlError } from '../errors.ts'
import { shortList, suggestion } from '../suggest.ts'
import type { Host, Inventory } from './host.ts'

/** Hosts that a pattern picks, in inventory order, and what is wrong with the pattern. */
export interface Selection {
  readonly hosts: readonly Host[]
  readonly problems: readonly Problem[]
}

/** Hosts that `--limit` picks. Throws USAGE for a name that nobody bears. */
export function selectHosts(inventory: Inventory, pattern: string): readonly Host[] {
  const { hosts, problems } = matchHosts(inventory, pattern)
  if (problems.length > 0) throw PvectlError.of('USAGE', problems)
  return hosts
}

/**
 * Evaluates a pattern: terms separated by `,` or `:`, each a host, a group, `all` or a glob (`node*`). Plain terms add
 * up, `&term` keeps only what the term has too, `!term` takes away; the order of the terms does not matter.
 */
export function matchHosts(inventory: Inventory, pattern: string): Selection {
  const subset = /[^,:[]+\[-?\d*:-?\d*\]/.exec(pattern)?.[0]
  if (subset !== undefined) return { hosts: [], problems: [notHere(subset, 'a part of a group by numbers')] }
  const terms = pattern
    .split(/[,:]/)
    .map((term) => term.trim())
    .filter((term) => term !== '')
  const problems: Problem[] =
    terms.length === 0 ? [{ message: 'the host pattern is empty', hint: 'write `all` for all' }] : []
  const names = (sign: string): readonly ReadonlySet<string>[] =>
    terms
      .filter((term) => (/^[!&]/.test(term) ? term.charAt(0) : '') === sign)
      .map((term) => namesOf(term.slice(sign.length), inventory, problems))
  const added = names('')
  const required = names('&')
  const removed = names('!')
  const hosts = inventory.hosts.filter(
    ({ name }) =>
      (added.length === 0 || added.some((set) => set.has(name))) &&
      required.every((set) => set.has(name)) &&
      !removed.some((set) => set.has(name)),
  )
  return { hosts: problems.length > 0 ? [] : hosts, problems }
}

function namesOf(term: string, { hosts, groups }: Inventory, problems: Problem[]): ReadonlySet<string> {
  const matches = matcher(term)
  const byName = hosts.map(({ name }) => name).filter(matches)
  const byGroup = [...groups].filter(([name]) => matches(name)).flatMap(([, members]) => members)
  const isKnown = byName.length > 0 || [...groups.keys()].some(matches)
  if (!isKnown) problems.push(unknown(term, hosts, groups))
  return new Set([...byName, ...byGroup])
}

function matcher(term: string): (name: string) => boolean {
  if (term === '*') return () => true
  if (!/[*?[]/.test(term)) return (name) => name === term
  const source = term
    .replace(/[.+^${}()|\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.')
    .replaceAll('[!', '[^')
  try {
    const pattern = new RegExp(`^${source}$`)
    return (name) => pattern.test(name)
  } catch {
    return () => false
  }
}

function unknown(term: string, hosts: readonly Host[], groups: ReadonlyMap<string, readonly string[]>): Problem {
  const hostNames = hosts.map(({ name }) => name)
  const known = [...hostNames, ...groups.keys()]
  if (term.startsWith('~')) return notHere(term, 'a regular expression')
  if (term.startsWith('@')) return notHere(term, 'a file of hosts')
  if (groups.has(/^(.+)\[-?\d+\]$/.exec(term)?.[1] ?? '')) return notHere(term, 'a host of a group by its number')
  if (/[*?[]/.test(term)) {
    return { message: `no host or group matches \`${term}\``, hint: `hosts: ${shortList(hostNames, 12)}` }
  }
  const message = `no host or group is called \`${term}\``
  if (term === 'localhost') return { message, hint: 'pvectl runs tasks on nodes of the inventory only' }
  const near = suggestion(term, known, 'hosts and groups')
  return { message, hint: near.startsWith('did') ? `${near} Hosts and groups: ${shortList(known, 12)}` : near }
}

/** What Ansible has in patterns, and pvectl has not. */
function notHere(term: string, what: string): Problem {
  return {
    message: `the host pattern \`${term}\` is not understood: ${what}, as Ansible has it`,
    hint: 'name hosts and groups, or write node*, node? or node[12], with `,&` and `,!` between',
  }
}
