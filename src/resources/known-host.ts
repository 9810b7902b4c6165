/** Host keys of other machines in a known_hosts file of the node. */
import { sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { type FileState, fileAt } from '../facts/file.ts'
import { expected } from './file.ts'
import { OK, type Plan, type Resource } from './resource.ts'

/** Keys of one host as they should be known. */
export interface KnownHostDesired {
  /** Absolute path of the known_hosts file. */
  readonly file: string
  /** Names and addresses, in small letters, as ssh looks hosts up: `pve1`, `192.0.2.1`, `[192.0.2.1]:2222`. */
  readonly names: readonly string[]
  /** Public keys, `TYPE BASE64`; each type once. Empty: none of the names is to be known. */
  readonly keys: readonly string[]
}

/**
 * Ensures that the file vouches for a host with these keys. Other keys of the same names and types go, as ssh would warn
 * of them; lines with other names as well keep those. Lines with hashed names are left alone.
 */
export function knownHost(desired: KnownHostDesired): Resource {
  const ref = fileAt(desired.file)
  const [name = ''] = desired.names
  return {
    kind: 'known_host',
    key: `known-host:${desired.file}:${name}`,
    title: `host keys of ${name} in ${desired.file}`,
    reads: [ref],
    plan: (model) => planKeys(desired, model.get(ref), model.soon),
  }
}

function planKeys(desired: KnownHostDesired, state: FileState, soon: number): Plan {
  const { file } = desired
  if (state.type === 'directory' || state.type === 'other') {
    return { kind: 'blocked', reason: `${file} is no regular file` }
  }
  const before = state.type === 'file' ? state.content.toString('latin1') : ''
  const after = withKeys(before, desired)
  if (after === before) return OK
  const content = Buffer.from(after, 'latin1')
  const mode = state.type === 'file' ? state.mode : '0644'
  const owner = state.type === 'file' ? state.owner : 'root:root'
  const previous = state.type === 'file' ? state.content : undefined
  const summary = `${previous === undefined ? 'create' : 'edit'} ${file}: ${desired.keys.length === 0 ? 'forget' : 'know'} ${desired.names.join(', ')}`
  return {
    kind: 'change',
    changes: [{ summary, diff: { path: file, before: previous, after: content } }],
    script: sh`pv_kd=$(dirname -- ${file})
[ -d "$pv_kd" ] || mkdir -p -m 700 -- "$pv_kd"
pv_write ${file} ${mode} ${owner} ${content} ${expected(state)}`,
    after: [becomes(fileAt(file), { ...state, type: 'file', content, mode, owner, ctime: soon })],
  }
}

/** The text of a known_hosts file in which these keys, and no others of their types, stand for the names. */
export function withKeys(text: string, { names, keys }: Pick<KnownHostDesired, 'names' | 'keys'>): string {
  const lines = text.split('\n')
  if (lines.at(-1) === '') lines.pop()
  const kept = lines.flatMap((line) => keptLine(line, names, keys))
  const missing = keys.filter((key) => {
    const present = kept.filter((line) => keyOf(line) === key).flatMap((line) => hostsOf(line))
    return names.some((name) => !present.includes(name))
  })
  const others = missing.length === 0 ? kept : kept.filter((line) => !isOurs(line, names, missing))
  const added = missing.map((key) => `${names.join(',')} ${key}`)
  const result = [...others, ...added]
  const changed = result.length !== lines.length || result.some((line, i) => line !== lines[i])
  return changed ? result.map((line) => `${line}\n`).join('') : text
}

/** A key of the right type but with another content, or of any type when nothing is to be known, loses our names. */
function keptLine(line: string, names: readonly string[], keys: readonly string[]): readonly string[] {
  const key = keyOf(line)
  const hosts = hostsOf(line)
  if (key === undefined || !hosts.some((host) => names.includes(host))) return [line]
  const type = key.split(' ')[0]
  const rivals = keys.length === 0 || keys.some((wanted) => wanted.split(' ')[0] === type)
  if (!rivals || keys.includes(key)) return [line]
  const rest = hosts.filter((host) => !names.includes(host))
  return rest.length === 0 ? [] : [line.replace(/^\S+/, rest.join(','))]
}

/** A line for one of the missing keys that names nobody else is replaced by the new one. */
function isOurs(line: string, names: readonly string[], missing: readonly string[]): boolean {
  const key = keyOf(line)
  return key !== undefined && missing.includes(key) && hostsOf(line).every((host) => names.includes(host))
}

/** `TYPE BASE64`; undefined for comments, markers, hashed names and what is no entry. */
function keyOf(line: string): string | undefined {
  const [hosts = '', type, blob] = line.trim().split(/\s+/)
  if (/^[#@|]/.test(hosts) || type === undefined || blob === undefined) return undefined
  return `${type} ${blob}`
}

function hostsOf(line: string): readonly string[] {
  return keyOf(line) === undefined ? [] : (line.trim().split(/\s+/)[0] ?? '').toLowerCase().split(',')
}
