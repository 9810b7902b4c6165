/** Accounts. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { arrivalRef } from '../facts/arrival.ts'
import { becomes, type FactRef } from '../facts/fact.ts'
import type { Model } from '../facts/model.ts'
import { type UserAccount, type UserState, userNamed } from '../facts/user.ts'
import { type Change, OK, type Plan, type Resource } from './resource.ts'
import { withRisk } from './risk.ts'

/** An account as it should be; what is left out is not touched on an existing one. */
export interface UserDesired {
  readonly name: string
  /** A system account gets a number below 1000. Only for a new one. */
  readonly system?: boolean | undefined
  readonly shell?: string | undefined
  readonly home?: string | undefined
  /** Make the home directory; only for a new account. */
  readonly createHome?: boolean | undefined
  readonly comment?: string | undefined
  /** Groups to be in; others stay. */
  readonly groups?: readonly string[] | undefined
}

/** Ensures that an account exists with these settings. Passwords are left alone; a new account has none and is locked. */
export function user(desired: UserDesired): Resource {
  const ref = userNamed(desired.name)
  return {
    kind: 'user',
    key: `user:${desired.name}`,
    title: `user ${desired.name}`,
    reads: [ref, arrivalRef] as readonly FactRef<unknown>[],
    plan(model) {
      const state = model.get(ref)
      return state.exists ? modify(desired, state, riskOfAccount(desired.name, model)) : create(desired)
    },
  }
}

/** Ensures that there is no such account; its home directory stays. */
export function userAbsent(name: string): Resource {
  const ref = userNamed(name)
  return {
    kind: 'user',
    key: `user:${name}`,
    title: `no user ${name}`,
    reads: [ref, arrivalRef] as readonly FactRef<unknown>[],
    plan(model) {
      if (!model.get(ref).exists) return OK
      const after: UserState = { exists: false }
      return {
        kind: 'change',
        changes: [{ summary: `remove the user ${name} (the home directory stays)` }],
        script: sh`userdel -- ${name}`,
        after: [becomes(ref, after)],
        ...withRisk(riskOfAccount(name, model)),
      }
    },
  }
}

/** Root and the account by which the run logged in are the way in. */
function riskOfAccount(name: string, model: Model): 'link' | undefined {
  const login = model.has(arrivalRef) ? model.get(arrivalRef)?.user : undefined
  return name === 'root' || name === login ? 'link' : undefined
}

function create(desired: UserDesired): Plan {
  const home = desired.home ?? (desired.system === true ? '/nonexistent' : `/home/${desired.name}`)
  const shell = desired.shell ?? (desired.system === true ? '/usr/sbin/nologin' : '/bin/bash')
  const makeHome = desired.createHome ?? desired.system !== true
  const options = joinScripts(
    [
      sh`-d ${home} -s ${shell}`,
      makeHome ? sh`-m` : sh`-M`,
      ...(desired.system === true ? [sh`-r`] : []),
      ...(desired.comment === undefined ? [] : [sh`-c ${desired.comment}`]),
      ...(desired.groups?.length ? [sh`-G ${desired.groups.join(',')}`] : []),
    ],
    ' ',
  )
  const account: UserAccount = {
    exists: true,
    uid: desired.system === true ? 999 : 1000,
    gecos: desired.comment ?? '',
    home,
    shell,
    locked: true,
    groups: desired.groups ?? [],
  }
  const kind = desired.system === true ? 'system user' : 'user'
  return {
    kind: 'change',
    changes: [{ summary: `create the ${kind} ${desired.name} (shell ${shell}, home ${home})` }],
    script: sh`useradd ${options} -- ${desired.name}`,
    after: [becomes(userNamed(desired.name), account)],
  }
}

function modify(desired: UserDesired, state: UserAccount, risk: 'link' | undefined): Plan {
  const changes: Change[] = []
  const options: Script[] = []
  const compare = (what: string, flag: Script, is: string, wanted: string | undefined) => {
    if (wanted === undefined || is === wanted) return
    changes.push({ summary: `${what} of ${desired.name}: ${is === '' ? '(none)' : is} → ${wanted}` })
    options.push(sh`${flag} ${wanted}`)
  }
  compare('shell', sh`-s`, state.shell, desired.shell)
  compare('home', sh`-d`, state.home, desired.home)
  compare('comment', sh`-c`, state.gecos, desired.comment)
  const missing = (desired.groups ?? []).filter((group) => !state.groups.includes(group))
  if (missing.length > 0) {
    changes.push({ summary: `groups of ${desired.name}: + ${missing.join(', ')}` })
    options.push(sh`-a -G ${missing.join(',')}`)
  }
  if (changes.length === 0) return OK
  const after: UserAccount = {
    ...state,
    shell: desired.shell ?? state.shell,
    home: desired.home ?? state.home,
    gecos: desired.comment ?? state.gecos,
    groups: [...state.groups, ...missing],
  }
  return {
    kind: 'change',
    changes,
    script: sh`usermod ${joinScripts(options, ' ')} -- ${desired.name}`,
    after: [becomes(userNamed(desired.name), after)],
    ...withRisk(after.shell === state.shell && after.home === state.home ? undefined : risk),
  }
}
