/** The daemons whose files pvectl writes: what is theirs, how they take a change, and what they were before a run. */
import path from 'node:path'
import { sh } from '../connection/script.ts'
import { filesIn } from '../facts/directory-files.ts'
import type { NodeRun } from '../history/node-runs.ts'
import { DNSMASQ_READS, DNSMASQ_TEST, dnsmasqOptions } from '../resources/dnsmasq-options.ts'
import { NGINX_TEST, SITES_ENABLED } from '../resources/nginx-site.ts'
import type { UnitAfter } from '../resources/unit-after.ts'

/** A daemon, as a rollback sees it. */
export interface Daemon {
  readonly title: string
  /** True for the paths that it reads. */
  readonly owns: (path: string) => boolean
  readonly unit: Omit<UnitAfter, 'paths' | 'was' | 'use'>
  /** What `unit.validate` runs, for messages. */
  readonly what: string
  readonly use: UnitAfter['use']
  readonly risk?: 'link'
}

const SSHD_TEST = sh`/usr/sbin/sshd -t`

/** All of them, in the order in which they are seen to. */
export const DAEMONS: readonly Daemon[] = [
  {
    title: 'dnsmasq',
    owns: (at) => at.startsWith('/etc/dnsmasq') || at.includes('/dnsmasq.service.d/'),
    unit: { unit: 'dnsmasq.service', verb: 'restart', validate: DNSMASQ_TEST },
    what: 'dnsmasq --test',
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
    use: {
      reads: [filesIn(SITES_ENABLED)] as UnitAfter['use']['reads'],
      inUse: (model) => model.get(filesIn(SITES_ENABLED)).some(({ path: at }) => path.posix.basename(at) !== 'default'),
    },
  },
  {
    title: 'ssh',
    owns: (at) => at.startsWith('/etc/ssh/'),
    unit: { unit: 'ssh.service', verb: 'reload', validate: SSHD_TEST, risk: 'link' },
    what: 'sshd -t',
    use: { reads: [], inUse: () => true },
    risk: 'link',
  },
]

/** How a unit was before the run: what was started did not run, what was disabled was enabled. */
export function unitBefore({ steps }: NodeRun, unit: string): UnitAfter['was'] {
  const verbs = steps
    .flatMap(({ changes }) => changes.map((change) => change.split(' ')))
    .filter(([, name]) => name === unit)
  const first = (...words: readonly string[]) => verbs.map(([verb = '']) => verb).find((verb) => words.includes(verb))
  const was = (verb: string | undefined, off: string) => (verb === undefined ? undefined : verb !== off)
  return { running: was(first('start', 'stop'), 'start'), enabled: was(first('enable', 'disable'), 'enable') }
}
