/** Makes the job that rolls a run back: ordinary resources, so that check, diff, guard and verification come with it. */
import path from 'node:path'
import { type Script, sh } from '../connection/script.ts'
import { filesIn } from '../facts/directory-files.ts'
import { INTERFACES_PATH } from '../facts/interfaces.ts'
import type { NodeRun } from '../history/node-runs.ts'
import type { Host } from '../inventory/host.ts'
import type { HostTask, Job } from '../playbook/job.ts'
import { DNSMASQ_DIRECTORY, DNSMASQ_READS, dnsmasqOptions } from '../resources/dnsmasq-conflicts.ts'
import { NGINX_TEST, SITES_ENABLED } from '../resources/nginx-site.ts'
import type { Resource } from '../resources/resource.ts'
import { restoredPath } from '../resources/restored-path.ts'
import { filesTogether } from '../resources/together.ts'
import { type UnitAfter, unitAfter } from '../resources/unit-after.ts'
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
  const groupOf = (restore: Restore) => DAEMONS.find(({ owns }) => owns(restore.path))
  const plain = restores.filter((restore) => !isNetwork(restore) && groupOf(restore) === undefined)
  const resources: [string, readonly Resource[]][] = [
    ['Files', plain.length === 0 ? [] : [group('files', plain)]],
    ['Network', restores.filter(isNetwork).flatMap((restore) => network(restore, force))],
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
    return kind === 'directory' ? [`${title}: stays`] : []
  })
  return [...new Set(lines)]
}

interface Daemon {
  readonly title: string
  readonly owns: (path: string) => boolean
  readonly unit: Omit<UnitAfter, 'paths' | 'retire'>
  readonly what: string
  /** Package that brings it. */
  readonly packages: RegExp
  /** Something else on the node still needs it. */
  readonly use: NonNullable<UnitAfter['retire']>
  readonly risk?: 'link'
}

const DNSMASQ_TEST = sh`dnsmasq --test -7 ${DNSMASQ_DIRECTORY},.dpkg-dist,.dpkg-old,.dpkg-new`
const SSHD_TEST = sh`/usr/sbin/sshd -t`

const DAEMONS: readonly Daemon[] = [
  {
    title: 'dnsmasq',
    owns: (at) => at.startsWith('/etc/dnsmasq') || at.includes('/dnsmasq.service.d/'),
    unit: { unit: 'dnsmasq.service', verb: 'restart', validate: DNSMASQ_TEST },
    what: 'dnsmasq --test',
    packages: /^package dnsmasq/,
    use: {
      reads: DNSMASQ_READS,
      inUse: (model) => dnsmasqOptions(model).some(({ key }) => key === 'interface' || key === 'listen-address'),
    },
  },
  {
    title: 'nginx',
    owns: (at) => at.startsWith('/etc/nginx/') || at.includes('/nginx.service.d/'),
    unit: { unit: 'nginx.service', verb: 'reload', validate: NGINX_TEST },
    what: 'nginx -t',
    packages: /^package nginx/,
    use: {
      reads: [filesIn(SITES_ENABLED)] as NonNullable<UnitAfter['retire']>['reads'],
      inUse: (model) => model.get(filesIn(SITES_ENABLED)).some(({ path: at }) => path.posix.basename(at) !== 'default'),
    },
  },
  {
    title: 'ssh',
    owns: (at) => at.startsWith('/etc/ssh/'),
    unit: { unit: 'ssh.service', verb: 'reload', validate: SSHD_TEST, risk: 'link' },
    what: 'sshd -t',
    packages: /^(?!)/,
    use: { reads: [], inUse: () => true },
    risk: 'link',
  },
]

function daemonResources({ title, unit, what, packages, use, risk }: Daemon, own: readonly Restore[], run: NodeRun) {
  const paths = own.map(({ path: at }) => at)
  const watched = [...new Set([...paths, ...paths.map((at) => path.posix.dirname(at))])]
  const validate = unit.validate === undefined ? undefined : { what, command: unlessGone(what, unit.validate) }
  const came = run.steps.some(({ kind, title: step }) => kind === 'package' && packages.test(step))
  return [group(title, own, validate, risk), unitAfter({ ...unit, paths: watched, retire: came ? use : undefined })]
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
    key: `rollback:${name}`,
    title: `files of ${name}`,
    members: own.map(({ path: at, before, sensitive }) => ({
      path: at,
      resource: restoredPath(at, before, sensitive),
    })),
    validate,
    risk,
  })
}

function network({ before, now }: Restore, force: boolean): readonly Resource[] {
  if (before.type !== 'file') return []
  return networkResources(now.type === 'file' ? now.content : Buffer.alloc(0), before.content, force)
}

function task(id: string, title: string, run: NodeRun, rest: Pick<HostTask, 'resources' | 'skipped'>): HostTask {
  return { id, title, type: 'rollback', tags: [], location: { file: `run ${run.id}` }, ...rest }
}
