/** Keys in a user's own ~/.ssh/authorized_keys. */
import { sh } from '../connection/script.ts'
import { arrivalRef } from '../facts/arrival.ts'
import { type AuthorizedKeysState, authorizedKeysOf } from '../facts/authorized-keys.ts'
import { becomes, type FactRef } from '../facts/fact.ts'
import { type UserState, userNamed } from '../facts/user.ts'
import { formatKeyLine, type KeyLine, parseKeyLine } from './key-line.ts'
import { type Change, OK, type Plan, type Resource } from './resource.ts'
import { sha256 } from './sha256.ts'

/** Keys as they should be. */
export interface AuthorizedKeysDesired {
  readonly user: string
  readonly keys: readonly KeyLine[]
  readonly state: 'present' | 'absent'
  /** No other keys than these. */
  readonly exclusive: boolean
}

/** Ensures that keys may log in as a user, or not. Other lines of the file stay as they are, unless `exclusive`. */
export function authorizedKeys(desired: AuthorizedKeysDesired): Resource {
  const user = userNamed(desired.user)
  const ref = authorizedKeysOf(desired.user)
  return {
    kind: 'authorized_keys',
    key: `authorized-keys:${desired.user}`,
    ...(desired.exclusive ? {} : { shared: true as const }),
    title: `keys of ${desired.user}`,
    // How the run came in says whether it may be its own key that goes.
    reads: [user, ref, arrivalRef] as readonly FactRef<unknown>[],
    plan: (model) => planKeys(desired, model.get(user), model.get(ref)),
  }
}

function planKeys(desired: AuthorizedKeysDesired, user: UserState, observed: AuthorizedKeysState): Plan {
  if (!user.exists) {
    if (desired.state === 'absent') return OK
    return { kind: 'blocked', reason: `there is no user ${desired.user}`, hint: 'create it by a `user` task before' }
  }
  const state = current(user.home, observed)
  if (state === undefined) return { kind: 'unknown', reason: `the home directory of ${desired.user} changes before` }
  if (state.obstacle !== undefined && desired.state === 'present') {
    const what = state.obstacle.endsWith('/.ssh') ? 'folder' : 'file'
    return {
      kind: 'blocked',
      reason: `${state.obstacle} is no ${what}, so there is no place for the keys of ${desired.user}`,
      hint: `see what it is, and move it away: mv ${state.obstacle} ${state.obstacle}.old`,
    }
  }
  if (desired.exclusive && state.real.startsWith('/etc/pve/')) {
    return {
      kind: 'blocked',
      reason: `${state.real} belongs to the whole cluster, and holds the keys its nodes need`,
      hint: 'leave `exclusive` out and remove single keys with `state: absent`',
    }
  }
  if (state.real.startsWith('/etc/pve/') && state.content === undefined && desired.state === 'present') {
    // What is written below an unmounted /etc/pve keeps pmxcfs from mounting: FUSE refuses a folder that is not empty.
    return {
      kind: 'blocked',
      reason: `the keys of ${desired.user} are to be in ${state.real}, which is not there: /etc/pve is not mounted`,
      hint: [
        'systemctl status pve-cluster tells why; often the name of the node resolves to a loopback address (/etc/hosts);',
        'where it is mounted, `pvecm updatecerts` makes the file',
      ].join('\n'),
    }
  }
  return planFile(desired, state)
}

/** A user made earlier in the same run has no file yet. */
function current(home: string, observed: AuthorizedKeysState): AuthorizedKeysState | undefined {
  if (observed.home === home) return observed
  if (observed.home !== '') return undefined
  return { home, real: `${home}/.ssh/authorized_keys`, content: undefined, mode: '' }
}

function planFile(desired: AuthorizedKeysDesired, state: AuthorizedKeysState): Plan {
  const before = state.content?.toString('utf8') ?? ''
  const lines = before.split('\n').filter((line, i, all) => i < all.length - 1 || line !== '')
  const kept = lines.flatMap((line) => keptLine(line, desired))
  const added = desired.state === 'present' ? desired.keys.filter((key) => !holds(kept, key)) : []
  const after = [...kept, ...added.map(formatKeyLine)]
  const mode = safeMode(state)
  const changed = after.join('\n') !== lines.join('\n')
  if (!changed && mode === state.mode) return OK
  if (after.length === 0 && state.content === undefined) return OK
  const content = changed ? Buffer.from(after.map((line) => `${line}\n`).join('')) : (state.content ?? Buffer.alloc(0))
  const removes = lines.some((line) => parseKeyLine(line) !== undefined && !kept.includes(line))
  return {
    kind: 'change',
    changes: changesOf(desired, state, content, mode),
    script: writeScript(desired.user, state, content, mode),
    after: [becomes(authorizedKeysOf(desired.user), { ...state, content, mode })],
    // It may be the key that this run came in by.
    ...(removes ? { risk: 'link' as const } : {}),
  }
}

/** A wanted key replaces a line of the same key only if it brings options of its own. */
function keptLine(line: string, { keys, state, exclusive }: AuthorizedKeysDesired): readonly string[] {
  const key = parseKeyLine(line)
  if (key === undefined) return [line]
  const wanted = keys.find(({ blob }) => blob === key.blob)
  if (wanted === undefined) return exclusive ? [] : [line]
  if (state === 'absent') return []
  return wanted.options === '' || wanted.options === key.options ? [line] : [formatKeyLine(wanted)]
}

function holds(lines: readonly string[], key: KeyLine): boolean {
  return lines.some((line) => parseKeyLine(line)?.blob === key.blob)
}

/** sshd ignores a file that others may write to (StrictModes). */
function safeMode({ mode, real, content }: AuthorizedKeysState): string {
  if (content === undefined) return '0600'
  const writable = (Number.parseInt(mode, 8) & 0o022) !== 0
  return writable && !real.startsWith('/etc/pve/') ? '0600' : mode
}

function changesOf(
  { user }: AuthorizedKeysDesired,
  { real, content: before, mode: oldMode }: AuthorizedKeysState,
  content: Buffer,
  mode: string,
): Change[] {
  const changes: Change[] = []
  if (before === undefined || !before.equals(content))
    changes.push({
      summary: `${before === undefined ? 'create' : 'edit'} ${real}`,
      diff: { path: real, before, after: content },
    })
  if (before !== undefined && mode !== oldMode)
    changes.push({ summary: `mode of ${user}'s keys: ${oldMode} → ${mode} (sshd ignores a file others may write to)` })
  return changes
}

function writeScript(
  user: string,
  { home, real, content: before }: AuthorizedKeysState,
  content: Buffer,
  mode: string,
) {
  const expected = before === undefined ? 'absent' : sha256(before)
  // `user:` is the user and the login group, whose name need not be the user's.
  const owner = `${user}:`
  return sh`if [ ! -d ${`${home}/.ssh`} ]; then
	mkdir -p -m 700 -- ${`${home}/.ssh`}
	chown -- ${owner} ${`${home}/.ssh`}
fi
pv_write ${real} ${mode} ${owner} ${content} ${expected}`
}
