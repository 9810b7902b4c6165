/** systemd units: enabled, running, and running with the configuration that is on disk. */

import { joinScripts, type Script, sh } from '../connection/script.ts'
import { becomes, type FactRef } from '../facts/fact.ts'
import { type FileState, fileAt } from '../facts/file.ts'
import { installation } from '../facts/installation.ts'
import type { Model } from '../facts/model.ts'
import { socketsRef } from '../facts/sockets.ts'
import { type UnitState, unitNamed } from '../facts/unit.ts'
import { OK, type Plan, type Resource } from './resource.ts'
import { riskOfUnit, withRisk } from './risk.ts'
import { dropInPath } from './unit-drop-in.ts'

/** A unit as it should be; what is left out is not touched. */
export interface UnitDesired {
  /** With suffix: `nginx.service`. */
  readonly unit: string
  readonly running?: boolean | undefined
  readonly enabled?: boolean | undefined
  /** Files that the unit reads at start: newer than the unit's own start (or reload), they make it restart (reload). */
  readonly watch?: { readonly paths: readonly string[]; readonly verb: 'restart' | 'reload' } | undefined
  /** Command that must accept the configuration before a start, restart or reload. */
  readonly validate?: Script | undefined
  /** The step can cut the connection that carries it; default: as the name says. */
  readonly risk?: 'link' | undefined
}

/**
 * Ensures a unit's state. Whether a restart is due is read from the node (change time of the files against the start
 * of the unit), not remembered, so a run that broke off between the two is made good by the next one.
 */
export function unit(desired: UnitDesired): Resource {
  const ref = unitNamed(desired.unit)
  const watched = (desired.watch?.paths ?? []).map((path) => fileAt(path))
  return {
    kind: 'unit',
    key: `unit:${desired.unit}`,
    title: `unit ${desired.unit}`,
    shared: true,
    reads: [ref, fileAt(unitFile(desired.unit)), ...watched],
    plan: (model) => planUnit(desired, ref, watched, model),
  }
}

function planUnit(
  desired: UnitDesired,
  ref: FactRef<UnitState>,
  watched: readonly FactRef<FileState>[],
  model: Model,
): Plan {
  const state = withOwnFile(model.get(ref), desired.unit, model)
  const absent = state.load === 'not-found'
  if (absent && desired.running !== true && desired.enabled !== true) return OK
  if (absent && model.isUncertain(installation)) {
    return { kind: 'unknown', reason: 'an earlier step installs packages, which may bring it' }
  }
  if (absent) return { kind: 'blocked', reason: `there is no unit ${desired.unit}`, hint: 'install its package first' }
  if (state.load === 'masked' && (desired.running === true || desired.enabled === true)) {
    return {
      kind: 'blocked',
      reason: `${desired.unit} is masked, so somebody forbade it to run`,
      hint: `if that is no longer wanted: systemctl unmask ${desired.unit}`,
    }
  }
  const steps = unitSteps(desired, state, watched, model)
  if (steps.length === 0) return OK
  return {
    kind: 'change',
    changes: steps.map(({ summary }) => ({ summary })),
    script: joinScripts(steps.map(({ script }) => script)),
    after: [becomes(ref, afterwards(desired, state, steps, model.soon))],
    // Whoever asks for free ports must look again.
    ...(steps.some(({ verb }) => verb === 'stop') ? { disturbs: [socketsRef as FactRef<unknown>] } : {}),
    ...withRisk(desired.risk ?? riskOfUnit(desired.unit)),
  }
}

/** Where somebody who writes a unit puts its file; instances share that of their template. */
function unitFile(unit: string): string {
  return `/etc/systemd/system/${unit.replace(/@.+(?=\.\w+$)/, '@')}`
}

/** A change that is foreseen has a time far beyond any clock. */
const FORESEEN = 8e15

/** The state of a unit whose file or drop-ins an earlier step writes; systemd is told of pvectl's own at once. */
function withOwnFile(state: UnitState, unit: string, model: Model): UnitState {
  const own = unitFile(unit)
  const isUnread = model
    .idsOf(fileAt(own).kind)
    .filter((id) => id === own || (id.startsWith(`${own}.d/`) && id !== dropInPath(unit)))
    .map((id) => model.get(fileAt(id)))
    .some((file) => file.type === 'file' && file.ctime >= FORESEEN && file.ctime > (state.reloadedAt ?? 0))
  if (state.load !== 'not-found') return isUnread ? { ...state, needsDaemonReload: true } : state
  const file = model.has(fileAt(own)) ? model.get(fileAt(own)) : undefined
  if (file?.type !== 'file') return state
  const enabled = /^\s*\[Install\]/m.test(file.content.toString('utf8')) ? 'disabled' : 'static'
  return { ...state, load: 'loaded', active: 'inactive', enabled, needsDaemonReload: true }
}

interface Step {
  readonly summary: string
  readonly script: Script
  readonly verb: 'enable' | 'disable' | 'start' | 'stop' | 'restart' | 'reload' | 'daemon-reload'
}

function unitSteps(
  desired: UnitDesired,
  state: UnitState,
  watched: readonly FactRef<FileState>[],
  model: Model,
): readonly Step[] {
  const steps: Step[] = []
  const add = (verb: Step['verb'], why = '') =>
    steps.push({ verb, summary: `${verb} ${desired.unit}${why}`, script: verbScript(desired, verb) })
  if (state.needsDaemonReload && (desired.running === true || desired.watch !== undefined)) add('daemon-reload')
  if (desired.enabled === true && !/^(enabled|static|alias|indirect|generated)/.test(state.enabled)) add('enable')
  if (desired.enabled === false && state.enabled.startsWith('enabled')) add('disable')
  const active = state.active === 'active' || state.active === 'reloading' || state.active === 'activating'
  if (desired.running === true && !active) add('start', state.active === 'failed' ? ' (it has failed)' : '')
  if (desired.running === false && active) add('stop')
  const newer = active && desired.running !== false ? newerFile(desired, state, watched, model) : undefined
  if (newer !== undefined && desired.watch !== undefined) add(desired.watch.verb, ` (${newer} is newer)`)
  return steps
}

function newerFile(
  desired: UnitDesired,
  state: UnitState,
  watched: readonly FactRef<FileState>[],
  model: Model,
): string | undefined {
  const loaded = desired.watch?.verb === 'reload' ? Math.max(state.activeSince, state.changedAt) : state.activeSince
  return watched.find((ref) => {
    const file = model.get(ref)
    if (file.type === 'absent') return false
    // A time to come is a wrong clock, not a change; a predicted one is far beyond any clock.
    const plausible = file.ctime <= model.observedAt || file.ctime >= FORESEEN
    return plausible && file.ctime > loaded
  })?.id
}

function verbScript({ unit: name, validate }: UnitDesired, verb: Step['verb']): Script {
  if (verb === 'daemon-reload') return sh`systemctl daemon-reload`
  const check =
    validate !== undefined && ['start', 'restart', 'reload'].includes(verb)
      ? sh`${validate}
`
      : sh``
  return sh`${check}pv_unit ${verb} ${name}`
}

function afterwards(desired: UnitDesired, state: UnitState, steps: readonly Step[], soon: number): UnitState {
  const did = (...verbs: readonly Step['verb'][]) => steps.some(({ verb }) => verbs.includes(verb))
  return {
    ...state,
    active: did('stop') ? 'inactive' : did('start') ? 'active' : state.active,
    enabled:
      desired.enabled === undefined
        ? state.enabled
        : did('enable')
          ? 'enabled'
          : did('disable')
            ? 'disabled'
            : state.enabled,
    activeSince: did('start', 'restart') ? soon : state.activeSince,
    changedAt: did('start', 'restart', 'reload', 'stop') ? soon : state.changedAt,
    needsDaemonReload: did('daemon-reload') ? false : state.needsDaemonReload,
    ...(did('daemon-reload') ? { reloadedAt: soon } : {}),
  }
}
