/** What every edit of /etc/network/interfaces has in common: PVE's lock, pending changes, one writer at a time. */
import { isUtf8 } from 'node:buffer'
import { type Script, sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { INTERFACES_PATH, type InterfacesState, interfacesRef, PENDING_PATH } from '../facts/interfaces.ts'
import type { Model } from '../facts/model.ts'
import { formatLines, type Lines, parseLines } from '../interfaces/lines.ts'
import { type Change, OK, type Plan, type PlanBlocked } from './resource.ts'
import { sha256 } from './sha256.ts'

/** Lock that PVE takes around each change of the file (pve-manager, PVE::API2::Network). */
const LOCK_PATH = '/etc/network/.pve-interfaces.lock'

/** An edit to plan. */
export interface InterfacesEdit {
  /** Pure, and its own fixed point. */
  readonly edit: (lines: Lines) => Lines
  /** One line for people, beside the diff. */
  readonly summary: string
  /** Further lines worth saying with the change. */
  readonly notes?: readonly string[]
  readonly risk?: 'link' | undefined
  /** A pending file was there beside the content asked for, and comes back after it: it is no contradiction. */
  readonly pendingReturns?: boolean
}

/** Plans an edit of the file: nothing to do, the write, or why it would be lost. */
export function planInterfacesEdit(model: Model, wish: InterfacesEdit): Plan {
  const { edit, summary, notes = [], risk, pendingReturns = false } = wish
  const state = model.get(interfacesRef)
  if (state.main === undefined) return { kind: 'blocked', reason: `there is no ${INTERFACES_PATH}` }
  const after = formatLines(edit(parseLines(state.main)))
  if (after.equals(state.main)) return pendingReturns ? OK : planPendingOnly(state, edit)
  const blocked = pendingBlocks(state, after) ?? unwritable(state.main)
  if (blocked !== undefined) return blocked
  const diff = { path: INTERFACES_PATH, before: state.main, after }
  const changes: Change[] = [
    { summary, diff },
    ...[...notes, ...encodingNote(after)].map((note) => ({ summary: note })),
  ]
  return {
    kind: 'change',
    changes,
    script: writeInterfaces(state, after),
    after: [becomes(interfacesRef, { ...state, main: after })],
    ...(risk === undefined ? {} : { risk }),
  }
}

/** Lines of the file; empty when there is none. */
export function linesOf(state: InterfacesState): Lines {
  return parseLines(state.main ?? Buffer.alloc(0))
}

/** The file that names an interface in an `iface` line although the main file does not: one pvectl does not edit. */
export function definedElsewhere(state: InterfacesState, name: string): string | undefined {
  const pattern = new RegExp(`^[ \\t]*iface[ \\t]+${name.replaceAll('.', '\\.')}(?![^ \\t\\r\\n])`, 'm')
  return state.sourced.find(({ content }) => pattern.test(content.toString('latin1')))?.path
}

/**
 * The write, under PVE's lock. The web interface may have staged a change or written the file since it was read:
 * either fails the step, and nothing is written.
 */
function writeInterfaces({ main, mode, owner }: InterfacesState, after: Buffer): Script {
  return underPveLock(sh`	[ ! -e ${PENDING_PATH} ] || pv_fail ${`${PENDING_PATH} has appeared since the plan was made; nothing written`}
	pv_write ${INTERFACES_PATH} ${mode} ${owner} ${after} ${expectation(main)}`)
}

/** What `pv_expect` is to find of content that was read. */
export function expectation(content: Buffer | undefined): string {
  return content === undefined ? 'absent' : sha256(content)
}

/** Runs under the lock that PVE takes; waits 10 s for it, as PVE does, then fails naming who holds it. */
export function underPveLock(script: Script): Script {
  return sh`(
	flock -w 10 9 || pv_fail 'the network configuration is being changed by somebody else: '${LOCK_PATH}' is held'"$(pv_holders ${LOCK_PATH})"'; nothing was written'
${script}
) 9>>${LOCK_PATH}`
}

const PENDING_HINT =
  'apply or revert it in the web interface (node → System → Network) and run again; or `--pending adopt` builds on it, `--pending discard` throws it away (`check` shows either)'

/** PVE reads the pending file instead of the real one, and renames it over the real one on apply or at boot. */
function pendingBlocks(state: InterfacesState, after: Buffer): PlanBlocked | undefined {
  const { main, pending } = state
  if (pending === undefined) return undefined
  const refused = state.refused ?? (main?.equals(pending) ? 'equal to the file' : differingLines(main, pending))
  return {
    kind: 'blocked',
    reason: `the web interface has a pending network change (${PENDING_PATH}: ${refused}), which would undo this one when applied or at the next boot`,
    hint: PENDING_HINT,
    cause: 'pending',
    after: [becomes(interfacesRef, { ...state, main: after, refused })],
  }
}

function planPendingOnly(state: InterfacesState, edit: (lines: Lines) => Lines): Plan {
  const { main, pending, refused } = state
  if (pending === undefined || formatLines(edit(parseLines(pending))).equals(pending)) return OK
  return {
    kind: 'blocked',
    reason: `the file is as described, but the pending network change of the web interface (${PENDING_PATH}) would undo that when applied or at the next boot: ${refused ?? differingLines(main, pending)}`,
    hint: PENDING_HINT,
    cause: 'pending',
  }
}

/** A few of the lines that a pending file adds or takes away, for a message. */
function differingLines(main: Buffer | undefined, pending: Buffer): string {
  const texts = (bytes: Buffer) => bytes.toString('utf8').split(/\r?\n/)
  const before = texts(main ?? Buffer.alloc(0))
  const after = texts(pending)
  const lost = before.filter((line) => line.trim() !== '' && !after.includes(line)).map((line) => `- ${line.trim()}`)
  const added = after.filter((line) => line.trim() !== '' && !before.includes(line)).map((line) => `+ ${line.trim()}`)
  const all = [...lost, ...added]
  if (all.length === 0) return 'order or blank lines differ'
  return all.slice(0, 4).join(', ') + (all.length > 4 ? `, and ${all.length - 4} more` : '')
}

/** Why no text can be added to this content, or undefined. */
export function unwritable(main: Buffer): PlanBlocked | undefined {
  if (main.includes(0)) return { kind: 'blocked', reason: `${INTERFACES_PATH} contains a NUL byte` }
  return /\\\s*$/.test(main.toString('latin1'))
    ? {
        kind: 'blocked',
        reason: `${INTERFACES_PATH} ends with a backslash, which would swallow what is added after it`,
        hint: 'take the backslash out',
      }
    : undefined
}

function encodingNote(after: Buffer): readonly string[] {
  return isUtf8(after)
    ? []
    : [`note: ${INTERFACES_PATH} has bytes that are not UTF-8; ifupdown2 refuses the whole file`]
}
