/** Facts about accounts. */
import { type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** An account of the node, or none. */
export type UserState = { readonly exists: false } | UserAccount

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
}

/** All accounts that a run asks for, by three processes. */
export const userFact: FactKind<UserState> = {
  name: 'user',
  observe: (ids, mark): Script => sh`getent passwd -- ${ids} || :
echo ${mark}
getent shadow -- ${ids} || :
echo ${mark}
getent group || :`,
  parse(output, ids, mark) {
    const [passwd = [], shadow = [], group = []] = output
      .toString('utf8')
      .split(`${mark}\n`)
      .map((part) => part.split('\n').map((line) => line.split(':')))
    return ids.map((id) => parseUser(id, passwd, shadow, group))
  },
}

/** Reference to the fact about an account. */
export function userNamed(name: string): FactRef<UserState> {
  return { kind: userFact, id: name }
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
