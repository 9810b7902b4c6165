import { sh } from '../connection/script.ts'
import { directory } from '../resources/directory.ts'
import { file, fileAbsent } from '../resources/file.ts'
import { fileInDirectory } from '../resources/file-in-directory.ts'
import { formatKeyLine, parseKeyLine } from '../resources/key-line.ts'
import type { Resource } from '../resources/resource.ts'
import { givingSshdSettings, SSHD_DIRECTORY, sshdIncludes, sshdSettings } from '../resources/sshd.ts'
import { unit } from '../resources/unit.ts'
import { user, userAbsent } from '../resources/user.ts'
import { type JumpUserParams, jumpUserParams, permittedDestinations } from './jump-user/params.ts'
import { MANAGED } from './managed.ts'
import { defineTask, type HostContext } from './task-type.ts'

const KEY_DIRECTORY = '/etc/ssh/pvectl-authorized-keys'
const TEST = sh`/usr/sbin/sshd -t`
const UNIT = 'ssh.service'

/** `jump_user`: an account that leads through the node to some guests and can do nothing else. */
export const jumpUserTask = defineTask({
  name: 'jump_user',
  summary: 'an SSH account without a shell that only leads to named internal machines (ssh -J)',
  params: jumpUserParams,
  example: `jump_user:
  name: jump
  keys:
    - ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILJuP296/cd9qg42asVw2xX7BycV4GkegCuqaDHuggMU ada@laptop
  permit_open: [10.0.0.20, 10.0.0.21:2222]
`,
  resources: (params, host) => (params.state === 'absent' ? absent(params) : present(params, host)),
  checks: (params) =>
    params.state === 'absent'
      ? []
      : [{ kind: 'jump', user: params.name, keys: params.keys, permitted: permittedDestinations(params) }],
})

function present(params: JumpUserParams, host: HostContext): readonly Resource[] {
  const { name, comment } = params
  const settings = effectiveSettings(params)
  const dropIn = dropInPath(name)
  return [
    sshdIncludes(name),
    user({ name, system: true, shell: '/usr/sbin/nologin', comment }),
    { ...directory(KEY_DIRECTORY, { mode: '0755', owner: 'root:root' }), shared: true },
    file({ path: keyPath(name), content: keyFile(params), mode: '0644', owner: 'root:root' }),
    givingSshdSettings(
      name,
      settings,
      fileInDirectory(
        dropIn,
        file({
          path: dropIn,
          content: Buffer.from(renderDropIn(params, host)),
          mode: '0644',
          owner: 'root:root',
          validate: { what: 'sshd -t', command: TEST },
          risk: 'link',
        }),
      ),
    ),
    sshdSettings(name, settings),
    unit({ unit: UNIT, watch: { paths: [dropIn], verb: 'reload' }, validate: TEST, risk: 'link' }),
  ]
}

function absent({ name }: JumpUserParams): readonly Resource[] {
  const dropIn = dropInPath(name)
  // The restrictions go last, so that the account is never there without them.
  return [
    userAbsent(name),
    fileAbsent(keyPath(name)),
    fileInDirectory(dropIn, fileAbsent(dropIn, { what: 'sshd -t', command: TEST })),
    unit({ unit: UNIT, watch: { paths: [SSHD_DIRECTORY], verb: 'reload' }, validate: TEST, risk: 'link' }),
  ]
}

function renderDropIn(params: JumpUserParams, host: HostContext): string {
  return host.template('jump-user.sshd.conf.ejs', {
    name: params.name,
    keyFiles: keyFiles(params),
    permitOpen: permittedDestinations(params),
  })
}

/** What `sshd -T` must say for the user; a template of one's own may add to it, but not take away. */
function effectiveSettings(params: JumpUserParams): Readonly<Record<string, string>> {
  return {
    authenticationmethods: 'publickey',
    authorizedkeysfile: keyFiles(params).join(' '),
    allowtcpforwarding: 'local',
    allowstreamlocalforwarding: 'no',
    allowagentforwarding: 'no',
    x11forwarding: 'no',
    permittunnel: 'no',
    permitlisten: 'none',
    permitopen: permittedDestinations(params).join(' '),
    permittty: 'no',
    forcecommand: '/usr/sbin/nologin',
  }
}

function keyFiles({ name, exclusive }: JumpUserParams): readonly string[] {
  return exclusive ? [keyPath(name)] : [keyPath(name), '.ssh/authorized_keys']
}

/** Below /etc, and root's, so that the account can never add a key. */
function keyPath(name: string): string {
  return `${KEY_DIRECTORY}/${name}`
}

function dropInPath(name: string): string {
  return `${SSHD_DIRECTORY}/60-pvectl-${name}.conf`
}

function keyFile({ keys }: JumpUserParams): Buffer {
  const lines = keys.flatMap((key) => parseKeyLine(key) ?? []).map(formatKeyLine)
  return Buffer.from(`${MANAGED}\n${lines.join('\n')}\n`)
}
