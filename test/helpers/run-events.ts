/** Runs that never happened, as lists of events, for reporters. */
import type { HostStatus, RunEvent, ShownResource } from '../../src/engine/events.ts'

const DIFF = '@@ -1,2 +1,3 @@\n # dnsmasq\n-interface=vmbr0\n+interface=vmbr1\n+dhcp-range=10.10.10.100,10.10.10.200\n'

/** A file that is edited and a service that restarts for it. */
export function editedFile(status: 'would change' | 'changed'): ShownResource[] {
  const path = '/etc/dnsmasq.d/vmbr1.conf'
  return [
    { title: `file ${path}`, status, changes: [{ summary: `edit ${path}`, path, diff: DIFF }] },
    { title: 'unit dnsmasq', status, changes: [{ summary: 'restart dnsmasq: vmbr1.conf changed' }] },
  ]
}

/** What a made-up run is like. */
export interface RunShape {
  readonly mode: 'apply' | 'check'
  readonly hosts: readonly string[]
  readonly tasks: number
  /** Hosts that cannot be reached. */
  readonly unreachable?: readonly string[]
  /** Hosts on which the last task fails. */
  readonly failing?: readonly string[]
}

const TITLES = ['IP forwarding', 'internal bridge vmbr1', 'DHCP and DNS on vmbr1', 'nginx site wildcard', 'jump user']

/** The events of a run, host after host. Every third task changes something. */
export function madeUpRun(shape: RunShape): RunEvent[] {
  const results = shape.hosts.map((name) => hostRun(name, shape))
  return [
    {
      event: 'run:started',
      id: '20260101T000000-abcdef',
      owner: 'ada@laptop',
      mode: shape.mode,
      playbook: 'playbooks/site.yml',
      inventory: 'prod',
      hosts: shape.hosts,
    },
    { event: 'stage:started', stage: 0, title: 'Proxmox nodes', hosts: shape.hosts },
    ...results.flatMap(({ events }) => events),
    {
      event: 'run:finished',
      hosts: tally(results.map(({ status }) => status)),
      seconds: 4.2,
      exitCode: shape.failing?.length ? 5 : shape.unreachable?.length ? 4 : 0,
    },
  ]
}

function tally(statuses: readonly HostStatus[]): Partial<Record<HostStatus, number>> {
  const counts: Partial<Record<HostStatus, number>> = {}
  for (const status of statuses) counts[status] = (counts[status] ?? 0) + 1
  return counts
}

function hostRun(host: string, shape: RunShape): { events: RunEvent[]; status: HostStatus } {
  const ids = Array.from({ length: shape.tasks }, (_, i) => String(i))
  const title = (id: string) => `${TITLES[Number(id) % TITLES.length]}${Number(id) < TITLES.length ? '' : ` ${id}`}`
  const start: RunEvent[] = [
    { event: 'host:started', host, stage: 0, tasks: ids.map((id) => ({ id, title: title(id) })) },
    { event: 'host:phase', host, phase: 'connecting' },
  ]
  if (shape.unreachable?.includes(host)) return { events: [...start, unreachable(host)], status: 'unreachable' }
  const changing = ids.filter((id) => Number(id) % 3 === 2)
  const planned = ids.map((id): RunEvent => {
    const status = changing.includes(id) ? 'would change' : 'ok'
    const resources = status === 'ok' ? [] : editedFile(status)
    return { event: 'task:planned', host, id, title: title(id), status, resources }
  })
  const observed: RunEvent[] = [...start, { event: 'host:phase', host, phase: 'observing' }, ...planned]
  const ok = ids.length - changing.length
  if (shape.mode === 'check') {
    const tasks = { ok, 'would change': changing.length }
    const end: RunEvent = { event: 'host:finished', host, status: 'would change', tasks, seconds: 1.5, exchanges: 1 }
    return { events: [...observed, end], status: 'would change' }
  }
  return applied(host, observed, changing, title, ok, shape.failing?.includes(host) ?? false)
}

function applied(
  host: string,
  observed: RunEvent[],
  changing: readonly string[],
  title: (id: string) => string,
  ok: number,
  fails: boolean,
): { events: RunEvent[]; status: HostStatus } {
  const worked = changing.flatMap((id): RunEvent[] => [
    { event: 'task:started', host, id, title: title(id) },
    { event: 'task:output', host, id, line: 'Setting up dnsmasq (2.89-1) \x1b[31m...' },
  ])
  const error = failure(title(changing.at(-1) ?? '0'))
  const verdicts = changing.map((id): RunEvent => {
    const failed = fails && id === changing.at(-1)
    const resources = editedFile('changed').map(
      (r, i) => ({ ...r, status: failed && i === 1 ? 'failed' : r.status }) as const,
    )
    return {
      event: 'task:finished',
      host,
      id,
      title: title(id),
      status: failed ? 'failed' : 'changed',
      resources,
      ...(failed ? { error } : {}),
    }
  })
  const status = fails ? 'failed' : 'changed'
  const tasks = fails ? { ok, changed: changing.length - 1, failed: 1 } : { ok, changed: changing.length }
  return {
    status,
    events: [
      ...observed,
      { event: 'host:phase', host, phase: 'applying' },
      ...worked,
      ...(fails ? [] : [{ event: 'host:phase', host, phase: 'verifying' } as const]),
      ...verdicts,
      { event: 'host:finished', host, status, tasks, seconds: 3.1, exchanges: 3, ...(fails ? { error } : {}) },
    ],
  }
}

function failure(title: string): Extract<RunEvent, { event: 'host:finished' }>['error'] & object {
  return {
    code: 'STEP_FAILED',
    problems: [
      {
        message: `${title}: unit dnsmasq failed: Job for dnsmasq.service failed.\ndnsmasq: bad option at line 3`,
        hint: 'steps before it are done, steps after it were not started; mend the cause and run again',
        location: { file: 'playbooks/site.yml', line: 31, column: 7 },
      },
    ],
  }
}

function unreachable(host: string): RunEvent {
  const problem = { message: `${host} (10.0.0.9:22) refused the connection`, hint: 'is sshd running there?' }
  const error = { code: 'HOST_UNREACHABLE', problems: [problem] } as const
  return { event: 'host:finished', host, status: 'unreachable', tasks: {}, seconds: 0.3, exchanges: 0, error }
}
