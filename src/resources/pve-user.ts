/** Accounts of Proxmox VE, in any of its realms. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import type { Secret } from '../connection/secret.ts'
import { becomes, type FactRef, type FactUpdate } from '../facts/fact.ts'
import type { Model } from '../facts/model.ts'
import { type PveUser, pveGroupsRef, pveRealmsRef, pveUsersRef } from '../facts/pve-access.ts'
import { userNamed } from '../facts/user.ts'
import { enumerate, refused, rowsOf, unanswered, withPveum } from './pve-access.ts'
import { type Change, OK, type Plan, type Resource } from './resource.ts'

/** An account as it should be; what is left out is not touched on an existing one. */
export interface PveUserDesired {
  /** With its realm: `alice@pve`. */
  readonly userid: string
  readonly enabled?: boolean | undefined
  /** Seconds since the epoch; 0: never. */
  readonly expire?: number | undefined
  readonly firstname?: string | undefined
  readonly lastname?: string | undefined
  readonly email?: string | undefined
  readonly comment?: string | undefined
  /** Groups to be in; others stay. Those that do not exist are made. */
  readonly groups?: readonly string[] | undefined
  /** For an account of the realm `pve` that has none. */
  readonly password?: Secret | undefined
}

/** Ensures that an account exists with these settings. */
export function pveUser(desired: PveUserDesired): Resource {
  const [name = '', realm = ''] = splitUser(desired.userid)
  const system = realm === 'pam' ? [userNamed(name)] : []
  return {
    kind: 'pve_user',
    key: `pve-user:${desired.userid}`,
    title: `Proxmox VE user ${desired.userid}`,
    reads: [pveUsersRef, pveGroupsRef, pveRealmsRef, ...system] as FactRef<unknown>[],
    plan(model) {
      const why = unanswered(model, [pveUsersRef, pveGroupsRef, pveRealmsRef])
      if (why !== undefined) return why
      const realms = rowsOf(model, pveRealmsRef) ?? []
      if (!realms.includes(realm))
        return refused(`there is no realm ${realm} in this cluster`, `it has ${enumerate([...realms].sort())}`)
      const present = rowsOf(model, pveUsersRef)?.find(({ userid }) => userid === desired.userid)
      return present === undefined ? create(desired, model) : modify(desired, present, model)
    },
  }
}

/** Ensures that there is no such account; its permissions and tokens go with it. */
export function pveUserAbsent(userid: string): Resource {
  return {
    kind: 'pve_user',
    key: `pve-user:${userid}`,
    title: `no Proxmox VE user ${userid}`,
    reads: [pveUsersRef],
    plan(model) {
      const why = unanswered(model, [pveUsersRef])
      const rows = rowsOf(model, pveUsersRef) ?? []
      if (why !== undefined) return why
      const present = rows.find((user) => user.userid === userid)
      if (present === undefined) return OK
      const tokens = present.tokens.length === 0 ? '' : `, with ${enumerate(present.tokens)}`
      return {
        kind: 'change',
        changes: [{ summary: `remove the account ${userid} and its permissions${tokens}` }],
        script: sh`pv_o=$(pveum user delete ${userid} 2>&1) || case $pv_o in
*'no such user'*|*'does not exist'*) ;;
*) pv_fail "$pv_o" ;;
esac`,
        after: [becomes(pveUsersRef, { rows: rows.filter((user) => user !== present) })],
      }
    },
  }
}

/** Name and realm; the realm is what follows the last `@`. */
function splitUser(userid: string): readonly [string, string] {
  const at = userid.lastIndexOf('@')
  return [userid.slice(0, at), userid.slice(at + 1)]
}

function create(desired: PveUserDesired, model: Model): Plan {
  const { userid, enabled = true, expire = 0, password } = desired
  const options = optionsOf({ ...desired, enabled, expire })
  const groups = missingGroups(desired, model)
  const user: PveUser = {
    userid,
    enabled,
    expire,
    firstname: desired.firstname ?? '',
    lastname: desired.lastname ?? '',
    email: desired.email ?? '',
    comment: desired.comment ?? '',
    groups: desired.groups ?? [],
    tokens: [],
    hasPassword: password !== undefined,
  }
  const inGroups = (desired.groups ?? []).length === 0 ? '' : ` in ${enumerate(desired.groups ?? [])}`
  const withPassword = password === undefined ? '' : ', with a password'
  return {
    kind: 'change',
    changes: [
      ...groups.changes,
      { summary: `create the account ${userid}${inGroups}${enabled ? '' : ', disabled'}${withPassword}` },
      ...wayIn(desired, model),
    ],
    // Another node of the cluster may have made it since; then what is described still has to hold.
    script: withPveum(sh`${groups.script}pv_o=$(pveum user add ${userid} ${options} 2>&1) || case $pv_o in
*'already exists'*) pveum user modify ${userid} ${options} ;;
*) pv_fail "$pv_o" ;;
esac
${passwordScript(userid, password)}`),
    after: [...groups.after, becomes(pveUsersRef, { rows: [...(rowsOf(model, pveUsersRef) ?? []), user] })],
  }
}

function modify(desired: PveUserDesired, present: PveUser, model: Model): Plan {
  const { userid, password } = desired
  const changes: Change[] = []
  const wanted: { -readonly [Key in keyof PveUserDesired]: PveUserDesired[Key] } = { userid }
  for (const key of ['comment', 'email', 'firstname', 'lastname'] as const) {
    const value = desired[key]
    if (value === undefined || value === present[key]) continue
    changes.push({ summary: `${key} of ${userid}: ${present[key] || '(none)'} → ${value || '(none)'}` })
    wanted[key] = value
  }
  if (desired.enabled !== undefined && desired.enabled !== present.enabled) {
    changes.push({ summary: `${desired.enabled ? 'enable' : 'disable'} ${userid}` })
    wanted.enabled = desired.enabled
  }
  if (desired.expire !== undefined && desired.expire !== present.expire) {
    changes.push({ summary: `${userid} expires: ${day(present.expire)} → ${day(desired.expire)}` })
    wanted.expire = desired.expire
  }
  const joins = (desired.groups ?? []).filter((group) => !present.groups.includes(group))
  const groups = missingGroups({ ...desired, groups: joins }, model)
  if (joins.length > 0) {
    changes.push(...groups.changes, { summary: `groups of ${userid}: + ${joins.join(', ')}` })
    wanted.groups = joins
  }
  const setPassword = password !== undefined && !present.hasPassword
  if (setPassword) changes.push({ summary: `set a password for ${userid}, which has none` })
  if (changes.length === 0) return OK
  const options = optionsOf(wanted)
  const append = joins.length > 0 ? sh` --append 1` : sh``
  const { password: _, userid: __, groups: ___, ...rest } = wanted
  const after: PveUser = {
    ...present,
    ...rest,
    groups: [...present.groups, ...joins],
    hasPassword: present.hasPassword || setPassword,
  } as PveUser
  const rows = (rowsOf(model, pveUsersRef) ?? []).map((user) => (user === present ? after : user))
  return {
    kind: 'change',
    changes,
    script: withPveum(sh`${groups.script}${options.isEmpty ? sh`` : sh`pveum user modify ${userid} ${options}${append}`}
${setPassword ? passwordScript(userid, password) : sh``}`),
    after: [...groups.after, becomes(pveUsersRef, { rows })],
  }
}

function optionsOf(user: PveUserDesired): Script {
  const options: Script[] = []
  if (user.enabled !== undefined) options.push(sh`--enable ${user.enabled ? 1 : 0}`)
  if (user.expire !== undefined) options.push(sh`--expire ${user.expire}`)
  if (user.firstname !== undefined) options.push(sh`--firstname ${user.firstname}`)
  if (user.lastname !== undefined) options.push(sh`--lastname ${user.lastname}`)
  if (user.email !== undefined) options.push(sh`--email ${user.email}`)
  if (user.comment !== undefined) options.push(sh`--comment ${user.comment}`)
  if (user.groups !== undefined && user.groups.length > 0) options.push(sh`--groups ${user.groups.join(',')}`)
  return joinScripts(options, ' ')
}

/** pveum reads a password twice from what is not a terminal (pve-common src/PVE/PTY.pm); arguments everybody can read. */
function passwordScript(userid: string, password: Secret | undefined): Script {
  if (password === undefined) return sh``
  return sh`printf '%s\n%s\n' ${password} ${password} | pveum passwd ${userid} >/dev/null`
}

function missingGroups(desired: PveUserDesired, model: Model) {
  const known = rowsOf(model, pveGroupsRef) ?? []
  const missing = (desired.groups ?? []).filter((group) => !known.includes(group))
  const changes: readonly Change[] = missing.map((group) => ({ summary: `create the group ${group}` }))
  const scripts = missing.map(
    (group) => sh`pv_o=$(pveum group add ${group} 2>&1) || case $pv_o in
*'already exists'*) ;;
*) pv_fail "$pv_o" ;;
esac
`,
  )
  const after: readonly FactUpdate[] =
    missing.length === 0 ? [] : [becomes(pveGroupsRef, { rows: [...known, ...missing] })]
  return { changes, script: joinScripts(scripts, ''), after }
}

/** Accounts of the realm `pam` log in by the account of the node that they connect to. */
function wayIn({ userid, password }: PveUserDesired, model: Model): readonly Change[] {
  const [name, realm] = splitUser(userid)
  if (realm === 'pve' && password === undefined)
    return [{ summary: `note: ${userid} cannot log in before it has a password (pveum passwd ${userid})` }]
  if (realm !== 'pam' || model.get(userNamed(name)).exists) return []
  return [{ summary: `note: the node has no account ${name}, by which ${userid} would log in` }]
}

function day(seconds: number): string {
  return seconds === 0 ? 'never' : new Date(seconds * 1000).toISOString().slice(0, 10)
}
