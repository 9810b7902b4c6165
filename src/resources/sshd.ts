/** Settings of sshd for one user. */
import { becomes } from '../facts/fact.ts'
import { fileAt } from '../facts/file.ts'
import type { Model } from '../facts/model.ts'
import { type SshdState, sshdFor } from '../facts/sshd.ts'
import { userNamed } from '../facts/user.ts'
import { OK, type Plan, type Resource } from './resource.ts'

/** Directory of further configuration; sshd reads its `*.conf` in order of names, and the first value of a setting wins. */
export const SSHD_DIRECTORY = '/etc/ssh/sshd_config.d'
const MAIN = '/etc/ssh/sshd_config'

/** Ensures, by blocking, that sshd reads {@link SSHD_DIRECTORY}; an installation upgraded from before Debian 11 need not. */
export function sshdIncludes(user: string): Resource {
  return {
    kind: 'sshd_include',
    key: `sshd-include:${user}`,
    title: `sshd reads ${SSHD_DIRECTORY}`,
    reads: [fileAt(MAIN)],
    plan(model) {
      if (isIncluded(model)) return OK
      return {
        kind: 'blocked',
        reason: `${MAIN} does not include ${SSHD_DIRECTORY}/*.conf`,
        hint: `add as its first line: Include ${SSHD_DIRECTORY}/*.conf`,
      }
    },
  }
}

function isIncluded(model: Model): boolean {
  const main = model.get(fileAt(MAIN))
  const text = main.type === 'file' ? main.content.toString('utf8') : ''
  const global = text.split(/^\s*Match\s/im)[0] ?? ''
  return /^\s*Include\s(?:.*\s)?"?(?:\/etc\/ssh\/)?sshd_config\.d\/\*\.conf"?(?:\s|$)/im.test(global)
}

/** A resource that gives a user the settings `wanted`, once it is as described. */
export function givingSshdSettings(
  user: string,
  wanted: Readonly<Record<string, string>>,
  resource: Resource,
): Resource {
  const ref = sshdFor(user)
  return {
    ...resource,
    reads: [...resource.reads, ref],
    plan(model) {
      const plan = resource.plan(model)
      if (plan.kind !== 'change') return plan
      const given = Object.fromEntries(Object.entries(wanted).map(([key, value]) => [key, [value]]))
      return { ...plan, after: [...plan.after, becomes(ref, { ...model.get(ref), ...given })] }
    },
  }
}

/** Ensures, by blocking, that nothing else in sshd's configuration outranks the settings or shuts the user out. */
export function sshdSettings(user: string, wanted: Readonly<Record<string, string>>): Resource {
  const ref = sshdFor(user)
  return {
    kind: 'sshd_settings',
    key: `sshd-settings:${user}`,
    title: `sshd settings of ${user}`,
    reads: [ref, userNamed(user), fileAt(MAIN)],
    plan(model) {
      // One cause, one message: sshdIncludes has it.
      if (!isIncluded(model)) return OK
      const state = model.get(ref)
      const account = model.get(userNamed(user))
      return planSettings(user, wanted, state, account.exists ? account.groups : [])
    },
  }
}

function planSettings(
  user: string,
  wanted: Readonly<Record<string, string>>,
  state: SshdState,
  groups: readonly string[],
): Plan {
  if (Object.keys(state).length === 0) {
    return { kind: 'blocked', reason: 'sshd rejects its configuration as it is', hint: 'see what it says: sshd -t' }
  }
  const other = Object.entries(wanted).filter(([key, value]) => state[key]?.join(' ') !== value)
  if (other.length > 0) {
    const list = other.map(([key, value]) => `${key} ${state[key]?.join(' ') ?? '(none)'} instead of ${value}`)
    return {
      kind: 'blocked',
      reason: `sshd gives ${user} ${list.join('; ')}`,
      hint: `another file outranks this task: grep -n . ${SSHD_DIRECTORY}/*.conf; test with: sshd -T -C user=${user}`,
    }
  }
  const shut = shutOut(user, state, groups)
  if (shut === undefined) return OK
  return {
    kind: 'blocked',
    reason: `sshd does not let ${user} log in: ${shut}`,
    hint: 'change that line for this user',
  }
}

/** Which of the four lists keeps a user out; the own group is named like the user. */
function shutOut(user: string, state: SshdState, groups: readonly string[]): string | undefined {
  const all = [user, ...groups]
  const lists: readonly [string, readonly string[], boolean][] = [
    ['denyusers', [user], true],
    ['allowusers', [user], false],
    ['denygroups', all, true],
    ['allowgroups', all, false],
  ]
  for (const [key, names, forbids] of lists) {
    const patterns = (state[key] ?? []).flatMap((value) => value.split(/\s+/)).filter((pattern) => pattern !== '')
    const listed = patterns.some((pattern) => names.some((name) => matches(pattern, name)))
    if (patterns.length > 0 && listed === forbids) return `${key} ${patterns.join(' ')}`
  }
  return undefined
}

/** `name`, `na*e`, `nam?`, `name@host` (the host is taken to match). */
function matches(pattern: string, name: string): boolean {
  const source = (pattern.split('@')[0] ?? '')
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*/g, '.*')
    .replace(/\?/g, '.')
  return new RegExp(`^${source}$`).test(name)
}
