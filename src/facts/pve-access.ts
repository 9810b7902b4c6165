/** Facts about who may do what in Proxmox VE: accounts, groups, realms, roles and permissions, as pveum lists them. */
import { rawScript } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** An account. */
export interface PveUser {
  /** With its realm: `alice@pve`. */
  readonly userid: string
  readonly enabled: boolean
  /** Seconds since the epoch; 0: never. */
  readonly expire: number
  readonly firstname: string
  readonly lastname: string
  readonly email: string
  readonly comment: string
  readonly groups: readonly string[]
  /** Full names of its API tokens: `alice@pve!ci`. */
  readonly tokens: readonly string[]
  /** It has a password in the realm `pve`; only those are kept by Proxmox VE itself. */
  readonly hasPassword: boolean
}

/** A role with its privileges. */
export interface PveRole {
  readonly roleid: string
  readonly privs: readonly string[]
  /** Made by Proxmox VE, and not to be changed. */
  readonly special: boolean
}

/** One permission: who has which role where. */
export interface PvePermission {
  readonly path: string
  readonly type: 'user' | 'group' | 'token'
  /** Account, group or token. */
  readonly who: string
  readonly roleid: string
  /** It holds below the path too. */
  readonly propagate: boolean
}

/** What a node says, or why it says nothing. */
export type Listed<Row> = { readonly rows: readonly Row[] } | { readonly missing: 'pveum' | 'answer' }

/**
 * One run of pveum; it prints JSON after whatever a plugin may print before. Where pveum ends badly (pmxcfs down, no
 * such command), that is the answer.
 */
function listing<Row>(name: string, command: string, read: (raw: Raw, extra: readonly string[]) => Row, more = '') {
  const kind: FactKind<Listed<Row>> = {
    name,
    observe: (_ids, mark) =>
      rawScript(`if ! command -v pveum >/dev/null; then echo none
elif pveum ${command} --output-format json; then echo; echo ${mark}; ${more === '' ? ':' : more}
else echo failed; fi`),
    parse: (output, ids, mark) => {
      const state = parseListing(output.toString('utf8'), mark, read)
      return ids.map(() => state)
    },
  }
  const ref: FactRef<Listed<Row>> = { kind, id: '' }
  return ref
}

/** Accounts of all realms. The names in priv/shadow.cfg tell who has a password; the hashes stay on the node. */
export const pveUsersRef = listing(
  'pve-users',
  'user list --full 1',
  (raw, shadow): PveUser => {
    const userid = text(raw.userid)
    const [, name = '', realm = ''] = /^(.*)@([^@]*)$/.exec(userid) ?? []
    const tokens = Array.isArray(raw.tokens) ? (raw.tokens as Raw[]) : []
    return {
      userid,
      enabled: flag(raw.enable ?? 1),
      expire: Number(raw.expire ?? 0),
      firstname: text(raw.firstname),
      lastname: text(raw.lastname),
      email: text(raw.email),
      comment: text(raw.comment),
      groups: list(raw.groups),
      tokens: tokens.map((token) => `${userid}!${text(token.tokenid)}`),
      hasPassword: realm === 'pve' && shadow.includes(name),
    }
  },
  'cut -d: -f1 /etc/pve/priv/shadow.cfg 2>/dev/null || :',
)

/** Names of groups. */
export const pveGroupsRef = listing('pve-groups', 'group list', ({ groupid }) => text(groupid))

/** Names of realms. */
export const pveRealmsRef = listing('pve-realms', 'realm list', ({ realm }) => text(realm))

/** Roles, those that Proxmox VE brings included. */
export const pveRolesRef = listing(
  'pve-roles',
  'role list',
  (raw): PveRole => ({ roleid: text(raw.roleid), privs: list(raw.privs), special: flag(raw.special) }),
)

/** All permissions. */
export const pvePermissionsRef = listing(
  'pve-permissions',
  'acl list',
  (raw): PvePermission => ({
    path: text(raw.path),
    type: text(raw.type) as PvePermission['type'],
    who: text(raw.ugid),
    roleid: text(raw.roleid),
    propagate: flag(raw.propagate ?? 1),
  }),
)

type Raw = Readonly<Record<string, unknown>>

function parseListing<Row>(
  output: string,
  mark: string,
  read: (raw: Raw, extra: readonly string[]) => Row,
): Listed<Row> {
  const [before = '', after] = output.split(`${mark}\n`)
  if (after === undefined) return { missing: before.trim() === 'none' ? 'pveum' : 'answer' }
  const extra = after.split('\n').filter((line) => line !== '')
  // The list is the last thing that pveum prints, on one line.
  const json = before.split('\n').findLast((line) => line.startsWith('['))
  if (json === undefined) return { missing: 'answer' }
  return { rows: (JSON.parse(json) as Raw[]).map((raw) => read(raw, extra)) }
}

function text(value: unknown): string {
  return value === undefined || value === null ? '' : String(value)
}

function list(value: unknown): readonly string[] {
  return text(value)
    .split(',')
    .filter((part) => part !== '')
}

/** Perl prints truth as 1, "1" or true. */
function flag(value: unknown): boolean {
  return value === true || value === 1 || value === '1'
}
