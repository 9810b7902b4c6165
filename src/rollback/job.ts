/** Makes the job that rolls a run back: ordinary resources, so that check, diff, guard and verification come with it. */
import path from 'node:path'
import { type Script, sh } from '../connection/script.ts'
import { INTERFACES_PATH, PENDING_PATH } from '../facts/interfaces.ts'
import type { NodeRun } from '../history/node-runs.ts'
import type { Host } from '../inventory/host.ts'
import type { HostTask, Job } from '../playbook/job.ts'
import type { Resource } from '../resources/resource.ts'
import { restoredPath } from '../resources/restored-path.ts'
import { filesTogether } from '../resources/together.ts'
import { unitAfter } from '../resources/unit-after.ts'
import { DAEMONS, type Daemon, unitBefore } from './daemons.ts'
import { networkResources } from './network.ts'
import type { Restore } from './restore.ts'

/** What to roll back, and where. */
export interface RollbackPlan {
  readonly host: Host
  readonly inventory: string
  readonly run: NodeRun
  readonly restores: readonly Restore[]
  /** Also what cuts guests off. */
  readonly force: boolean
}

/** The job of a rollback. Files that no daemon reads come first, since daemons' files may name them. */
export function rollbackJob({ host, inventory, run, restores, force }: RollbackPlan): Job {
  const isNetwork = ({ path: at }: Restore) => at === INTERFACES_PATH
  const isPending = ({ path: at }: Restore) => at === PENDING_PATH
  const groupOf = (restore: Restore) => DAEMONS.find(({ owns }) => owns(restore.path))
  const plain = restores.filter((restore) => !isNetwork(restore) && !isPending(restore) && !groupOf(restore))
  // While it is there, no write of the file would last.
  const pending = restores.filter(isPending)
  const resources: [string, readonly Resource[]][] = [
    ['Files', plain.length === 0 ? [] : [group('', plain)]],
    ['Network', restores.filter(isNetwork).flatMap((restore) => network(restore, force, pending.length > 0))],
    ['Pending network change', pending.map(({ before }) => restoredPath(PENDING_PATH, before, false))],
    ...DAEMONS.map((daemon): [string, readonly Resource[]] => {
      const own = restores.filter((restore) => groupOf(restore) === daemon)
      return [daemon.title, own.length === 0 ? [] : daemonResources(daemon, own, run)]
    }),
  ]
  const tasks = resources
    .filter(([, list]) => list.length > 0)
    .map(([title, list]): HostTask => task(`rollback ${title}`, `Restore: ${title}`, run, { resources: list }))
  const rest = notUndone(run).map((title, i) =>
    task(`rest ${i}`, title, run, { resources: [], skipped: 'a rollback restores files, links and NAT rules only' }),
  )
  return {
    playbook: `rollback of ${run.id}`,
    undoes: run.id,
    inventory,
    stages: [
      { title: `roll back ${run.id} (${run.playbook})`, serial: [], hosts: [{ host, tasks: [...tasks, ...rest] }] },
    ],
    hosts: [host],
  }
}

/** Steps of the run that its rollback does not take back, a line each. */
export function notUndone({ steps }: NodeRun): readonly string[] {
  const lines = steps.flatMap(({ kind, title }) => {
    if (kind === 'package') return [`${title}: stays as it is`]
    if (kind === 'user') return [`${title}: stays as it is`]
    if (kind === 'sysctl' || kind === 'forwarding') return [`${title}: the live value stays until the next boot`]
    if (kind === 'command') return [`${title}: what a command did is not known`]
    if (kind === 'unit' && !DAEMONS.some(({ unit }) => title === `unit ${unit.unit}`))
      return [`${title}: stays as it is`]
    return kind === 'directory' ? [`${title}: stays`] : []
  })
  return [...new Set(lines)]
}

function daemonResources({ title, unit, what, use, risk }: Daemon, own: readonly Restore[], run: NodeRun) {
  const paths = own.map(({ path: at }) => at)
  const watched = [...new Set([...paths, ...paths.map((at) => path.posix.dirname(at))])]
  const validate = unit.validate === undefined ? undefined : { what, command: unlessGone(what, unit.validate) }
  return [
    group(title, own, validate, risk),
    unitAfter({ ...unit, paths: watched, was: unitBefore(run, unit.unit), use }),
  ]
}

/** A daemon whose package is gone has no say. */
function unlessGone(what: string, command: Script): Script {
  return sh`! command -v ${what.split(' ')[0] ?? ''} >/dev/null || ${command}`
}

function group(
  name: string,
  own: readonly Restore[],
  validate?: { readonly what: string; readonly command: Script },
  risk?: 'link',
): Resource {
  return filesTogether({
    key: `rollback:${name || 'files'}`,
    title: `${name === '' ? 'files' : `files of ${name}`} below /`,
    members: own.map(({ path: at, before, sensitive }) => ({
      path: at,
      resource: restoredPath(at, before, sensitive),
    })),
    validate,
    risk,
  })
}

function network({ before, now }: Restore, force: boolean, pendingReturns: boolean): readonly Resource[] {
  if (before.type !== 'file') return []
  const present = now.type === 'file' ? now.content : Buffer.alloc(0)
  return networkResources({ now: present, before: before.content, force, pendingReturns })
}

function task(id: string, title: string, run: NodeRun, rest: Pick<HostTask, 'resources' | 'skipped'>): HostTask {
  return { id, title, type: 'rollback', tags: [], location: { file: `run ${run.id}` }, ...rest }
}
