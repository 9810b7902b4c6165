/** A line of /etc/hosts. */
import { sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { type FileState, fileAt } from '../facts/file.ts'
import { expected } from './file.ts'
import { OK, type Plan, type Resource } from './resource.ts'

/** Names of an address as they should resolve. */
export interface HostsEntryDesired {
  /** IPv4 or IPv6 address. */
  readonly address: string
  /** Names, the full one first. */
  readonly names: readonly string[]
  readonly state: 'present' | 'absent'
}

const HOSTS = '/etc/hosts'

/**
 * Ensures that names stand for an address in /etc/hosts, and for no other of the same family or of loopback: the first
 * line with a name wins, so a `127.0.1.1` line of an installer would. All else in the file stays as it is.
 */
export function hostsEntry(desired: HostsEntryDesired): Resource {
  const ref = fileAt(HOSTS)
  const [name = ''] = desired.names
  return {
    kind: 'hosts_entry',
    key: `hosts-entry:${name}:${family(desired.address)}`,
    title: `${name} in ${HOSTS}`,
    reads: [ref],
    plan: (model) => planEntry(desired, model.get(ref), model.soon),
  }
}

function planEntry(desired: HostsEntryDesired, state: FileState, soon: number): Plan {
  if (state.type === 'directory' || state.type === 'other') {
    return { kind: 'blocked', reason: `${HOSTS} is no regular file` }
  }
  const before = state.type === 'file' ? state.content : undefined
  const text = before?.toString('latin1') ?? '127.0.0.1 localhost\n'
  const changed = withEntry(text, desired)
  if (changed === text && before !== undefined) return OK
  const content = Buffer.from(changed, 'latin1')
  const mode = state.type === 'file' ? state.mode : '0644'
  const owner = state.type === 'file' ? state.owner : 'root:root'
  const verb =
    desired.state === 'present'
      ? `${desired.names.join(' ')} is ${desired.address}`
      : `forget ${desired.names.join(' ')}`
  return {
    kind: 'change',
    changes: [{ summary: `edit ${HOSTS}: ${verb}`, diff: { path: HOSTS, before, after: content } }],
    script: sh`pv_write ${HOSTS} ${mode} ${owner} ${content} ${expected(state)}`,
    after: [becomes(fileAt(HOSTS), { ...state, type: 'file', content, mode, owner, ctime: soon })],
  }
}

/** The text of /etc/hosts in which the entry holds. */
export function withEntry(text: string, desired: HostsEntryDesired): string {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  const isHeld = (line: string) => isComplete(line, desired)
  const kept = lines.flatMap((line) => keptLine(line, desired))
  const holds = desired.state === 'absent' || kept.some(isHeld)
  const result = holds ? kept : place(kept, desired)
  const same = result.length === lines.length && result.every((line, i) => line === lines[i])
  return same ? text : result.map((line) => `${line}\n`).join('')
}

/** The new line replaces one of the same address, names of which it keeps; else it follows the loopback lines. */
function place(lines: readonly string[], { address, names }: HostsEntryDesired): readonly string[] {
  const at = lines.findIndex((line) => parse(line)?.address === address)
  if (at >= 0) {
    const { names: others = [], comment = '' } = parse(lines[at] ?? '') ?? {}
    const all = [...names, ...others.filter((name) => !names.includes(name.toLowerCase()))]
    return lines.toSpliced(at, 1, `${address} ${all.join(' ')}${comment}`)
  }
  const local = lines.findLastIndex((line) => parse(line)?.address.startsWith('127.') === true)
  return lines.toSpliced(local + 1, 0, `${address} ${names.join(' ')}`)
}

/** A line loses our names where its address contradicts; an entry that is to go loses them everywhere. */
function keptLine(line: string, desired: HostsEntryDesired): readonly string[] {
  const entry = parse(line)
  if (entry === undefined || !entry.names.some((name) => desired.names.includes(name.toLowerCase()))) return [line]
  const own = entry.address === desired.address
  const contradicts = family(entry.address) === family(desired.address) || isLoopback(entry.address)
  if (desired.state === 'present' && (own || !contradicts)) return [line]
  if (desired.state === 'absent' && !own) return [line]
  const rest = entry.names.filter((name) => !desired.names.includes(name.toLowerCase()))
  return rest.length === 0 ? [] : [`${entry.address} ${rest.join(' ')}${entry.comment}`]
}

function isComplete(line: string, { address, names }: HostsEntryDesired): boolean {
  const entry = parse(line)
  const own = entry?.names.map((name) => name.toLowerCase()) ?? []
  return entry?.address === address && names.every((name) => own.includes(name))
}

function parse(line: string): { address: string; names: string[]; comment: string } | undefined {
  const [, body = '', comment = ''] = /^([^#]*?)(\s*#.*)?$/.exec(line) ?? []
  const [address, ...names] = body.trim().split(/\s+/)
  return address === undefined || address === '' || names.length === 0 ? undefined : { address, names, comment }
}

function family(address: string): 4 | 6 {
  return address.includes(':') ? 6 : 4
}

function isLoopback(address: string): boolean {
  return address.startsWith('127.') || address === '::1'
}
