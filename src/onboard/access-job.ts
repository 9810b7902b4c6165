/** The tasks that let the admin in by key from now on, as a job like any other. */
import { sh } from '../connection/script.ts'
import type { Host } from '../inventory/host.ts'
import type { HostTask, Job } from '../playbook/job.ts'
import { authorizedKeys } from '../resources/authorized-keys.ts'
import { file } from '../resources/file.ts'
import { parseKeyLine } from '../resources/key-line.ts'
import { debianPackage } from '../resources/package.ts'
import type { Resource } from '../resources/resource.ts'
import { user } from '../resources/user.ts'

/** Who is to get in. */
export interface AccessWish {
  /** Line for authorized_keys. */
  readonly keyLine: string
  /** Account that logs in: `root`, or one that gets sudo. */
  readonly user: string
}

/** The job for one host. Its result holds at once: a second run finds nothing to do. */
export function accessJob(host: Host, inventory: string, wish: AccessWish): Job {
  const tasks = wish.user === 'root' ? [keyTask(wish)] : [...accountTasks(wish), keyTask(wish)]
  return {
    playbook: 'onboard (login)',
    inventory,
    hosts: [host],
    stages: [{ title: 'login', serial: [], hosts: [{ host, tasks }] }],
  }
}

function keyTask({ user: name, keyLine }: AccessWish): HostTask {
  const key = parseKeyLine(keyLine)
  if (key === undefined) throw new RangeError('not a public key')
  return task(`key of ${name}`, [authorizedKeys({ user: name, keys: [key], state: 'present', exclusive: false })])
}

/** PVE's installer brings no sudo. The account has no password, so sudo must not ask for one. */
function accountTasks({ user: name }: AccessWish): readonly HostTask[] {
  const path = `/etc/sudoers.d/pvectl-${name}`
  return [
    task('sudo', [debianPackage({ name: 'sudo', state: 'present' })]),
    task(`account ${name}`, [user({ name, comment: 'administrator', createHome: true })]),
    task(`sudo for ${name}`, [
      file({
        path,
        content: Buffer.from(`${name} ALL=(ALL:ALL) NOPASSWD: ALL\n`),
        mode: '0440',
        owner: 'root:root',
        validate: { what: 'visudo -c', command: sh`visudo -c -q` },
      }),
    ]),
  ]
}

function task(title: string, resources: readonly Resource[]): HostTask {
  return { id: title, title, type: 'onboard', tags: [], location: { file: 'onboard' }, resources }
}
