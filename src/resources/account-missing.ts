/** Accounts and groups that a step would name, and that are not there: chown, useradd and usermod fail then. */
import type { FactRef } from '../facts/fact.ts'
import { fileAt } from '../facts/file.ts'
import { packageAccounts } from '../facts/installation.ts'
import type { Model } from '../facts/model.ts'
import { type UserState, userNamed } from '../facts/user.ts'
import type { PlanBlocked, PlanUnknown, Resource } from './resource.ts'

/** Facts that {@link ownerMissing} reads; root is always there. */
export function ownerReads(owner: string | undefined): readonly FactRef<unknown>[] {
  const [user] = partsOf(owner)
  return user === undefined ? [] : [userNamed(user) as FactRef<unknown>]
}

/** Why a file cannot be given to `user:group`. */
export function ownerMissing(owner: string | undefined, model: Model): PlanBlocked | PlanUnknown | undefined {
  const [user, group] = partsOf(owner)
  if (user === undefined || group === undefined) return undefined
  const state = model.get(userNamed(user))
  return state.exists ? groupsMissing([group], state, model) : missing(`user ${user}`, model)
}

/** The resource of an account, blocked where it names groups that are not there. */
export function amongGroups(name: string, groups: readonly string[], resource: Resource): Resource {
  return {
    ...resource,
    plan(model) {
      const plan = resource.plan(model)
      return plan.kind === 'change' ? (groupsMissing(groups, model.get(userNamed(name)), model) ?? plan) : plan
    },
  }
}

function groupsMissing(
  groups: readonly string[],
  { nodeGroups }: UserState,
  model: Model,
): PlanBlocked | PlanUnknown | undefined {
  const unknown = groups.find((group) => nodeGroups?.includes(group) === false && !comesWithUser(group, model))
  return unknown === undefined ? undefined : missing(`group ${unknown}`, model)
}

function partsOf(owner = 'root:root'): readonly string[] {
  return owner === 'root:root' ? [] : owner.split(':')
}

/** An account that an earlier task makes gets a group of its own name. */
function comesWithUser(group: string, model: Model): boolean {
  const ref = userNamed(group)
  return model.has(ref as FactRef<unknown>) && model.get(ref).exists
}

function missing(what: string, model: Model): PlanBlocked | PlanUnknown {
  if (model.isUncertain(packageAccounts))
    return { kind: 'unknown', reason: `an earlier step installs packages, which may bring the ${what}` }
  if (model.isUncertain(fileAt('/etc/group')) || model.isUncertain(fileAt('/etc/passwd')))
    return { kind: 'unknown', reason: `an earlier step may make the ${what}` }
  return {
    kind: 'blocked',
    reason: `there is no ${what} on this node`,
    hint: 'a `user` task before this one makes an account, and a group of its name',
  }
}
