/** Facts about accounts. */
import { type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** An account of the node, or none. */
export type UserState = NoAccount | UserAccount

/** There is no such account. */
export interface NoAccount {
  readonly exists: false
  /** All groups of the node; default: nobody knows. */
  readonly nodeGroups?: readonly string[]
}

/** An account as passwd(5), shadow(5) and group(5) have it. */
export interface UserAccount {
  readonly exists: true
  readonly uid: number
  readonly gecos: string
  readonly home: string
  readonly shell: string
  /** No password opens it (`!` or `*` in shadow). */
  readonly locked: boolean
  /** Supplementary groups. */
  readonly groups: readonly string[]
  /** All groups of the node; default: nobody knows. */
  readonly nodeGroups?: readonly string[]
}

/** All accounts that a run asks for, by three processes. */
export const userFact: FactKind<UserState> = {
  name: 'user',
  observe: (ids, mark): Script => sh`getent passwd -- ${ids} || :
echo ${mark}
getent shadow -- ${ids} || :
echo ${mark}
getent group || :
echo ${mark}
[ ! -r /etc/nsswitch.conf ] || while read -r k v; do [ "$k" != group: ] || echo "$v"; done < /etc/nsswitch.conf`,
  parse(output, ids, mark) {
    const parts = output.toString('utf8').split(`${mark}\n`)
    const [passwd = [], shadow = [], group = []] = parts.map((part) => part.split('\n').map((line) => line.split(':')))
    const nodeGroups = isListedWhole(parts[3]) ? group.flatMap(([name = '']) => (name === '' ? [] : [name])) : undefined
    return ids.map((id) => ({
      ...parseUser(id, passwd, shadow, group),
      ...(nodeGroups === undefined ? {} : { nodeGroups }),
    }))
  },
}

/** Reference to the fact about an account. */
export function userNamed(name: string): FactRef<UserState> {
  return { kind: userFact, id: name }
}

/** `getent group` lists what is in files; a directory such as LDAP may answer for single names only. */
function isListedWhole(sources: string | undefined): boolean {
  const words = sources?.trim().split(/\s+/)
  return words?.every((word) => /^(files|compat|systemd|\[.*|.*\])?$/.test(word)) === true
}

type Rows = readonly (readonly string[])[]

function parseUser(id: string, passwd: Rows, shadow: Rows, group: Rows): UserState {
  const row = passwd.find(([name]) => name === id)
  if (row === undefined) return { exists: false }
  const [, , uid = '', , gecos = '', home = '', shell = ''] = row
  const hash = shadow.find(([name]) => name === id)?.[1] ?? '!'
  const groups = group.filter(([, , , members = '']) => members.split(',').includes(id)).map(([name = '']) => name)
  return { exists: true, uid: Number(uid), gecos, home, shell, locked: /^[!*]/.test(hash), groups }
}
