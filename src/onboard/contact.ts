/** The first two steps with one node: its host key, and a way in by the admin's key. */
import type { Connection } from '../connection/connection.ts'
import { offeredKeyLine } from '../connection/offered-key.ts'
import type { Secret } from '../connection/secret.ts'
import type { ShownHostKey } from '../connection/shown-host-key.ts'
import { createSshConnector, type SshConnector, type SshConnectorOptions } from '../connection/ssh-connector.ts'
import type { Target } from '../connection/target.ts'
import { PvectlError } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { findAccess } from './access.ts'
import { accessJob } from './access-job.ts'
import type { Circumstances } from './circumstances.ts'
import { agreeOnHostKey } from './host-key.ts'
import { pinLine } from './pin.ts'
import { runQuietly } from './quiet-run.ts'
import { comingBack } from './turned-away.ts'

/** A node that can be worked on. */
export interface Contact {
  /** Opens connections to it; close it in the end. In check mode it may know a password, and keys that are not pinned. */
  readonly connector: SshConnector
  /** How to log in now; differs from the host's own target until the admin's key is installed. */
  readonly target: Target
}

/** Opens an SSH connector for what is known of a node so far. */
type Open = (passwords?: ReadonlyMap<string, Secret>) => SshConnector

/** Makes contact. `label` is what the user calls the node. Rejects with the reason why there is no way in. */
export async function makeContact(host: Host, label: string, around: Circumstances): Promise<Contact> {
  const vouched = await hostKeyStep(host, label, around)
  const open: Open = (passwords) =>
    patient(label, 'login', around, { vouched, ...(passwords === undefined ? {} : { passwords }) })
  return loginStep(host, label, around, open)
}

/** A connector that comes back to a node which turns it away, and says so. */
function patient(
  label: string,
  step: 'host key' | 'login',
  around: Circumstances,
  known: Pick<SshConnectorOptions, 'vouched' | 'passwords'> = {},
): SshConnector {
  return comingBack(createSshConnector({ ...around.passphrases(), ...known }), (seconds) =>
    around.begin(label, step, `sshd turns this machine away after failed logins; the next try is in ${seconds} s`),
  )
}

async function hostKeyStep({ target }: Host, label: string, around: Circumstances): Promise<readonly string[]> {
  const connector = patient(label, 'host key', around)
  try {
    const { askHostKey } = around
    const { key, wasPinned } = await agreeOnHostKey({
      name: label,
      look: (type) => connector.hostKey(target, type),
      expected: around.fingerprints.get(label),
      ask: askHostKey === undefined ? undefined : (shown) => askHostKey(label, shown),
    })
    const file = target.knownHostsFiles[0] ?? around.defaultKnownHosts
    if (!wasPinned && around.mode === 'apply') await pinLine(file, key.line)
    around.step(label, 'host key', statusOf(wasPinned, around), pinText(key, wasPinned, around, file))
    return wasPinned ? [] : [key.line]
  } finally {
    await connector.close()
  }
}

function statusOf(wasPinned: boolean, { mode }: Circumstances) {
  if (wasPinned) return 'ok'
  return mode === 'apply' ? 'changed' : 'would change'
}

function pinText({ type, fingerprint }: ShownHostKey, wasPinned: boolean, around: Circumstances, file: string): string {
  const shown = `${type} ${fingerprint}`
  if (wasPinned) return `${shown}, pinned already`
  return `${shown}, ${around.mode === 'apply' ? 'pinned' : 'to be pinned'} in ${around.show(file)}`
}

async function loginStep(host: Host, label: string, around: Circumstances, open: Open): Promise<Contact> {
  const { target } = host
  const keyLine = await offeredKeyLine(target, around.passphrases())
  const access = await findAccess({
    target,
    connect: (to, password) => connectOnce(open, to, password),
    password: (attempt) => around.password(label, attempt),
  }).catch((error: unknown) => {
    throw around.canAskPassword ? error : withPasswordHint(error)
  })
  const passwords = access.password === undefined ? undefined : new Map([[access.target.name, access.password]])
  const connector = open(passwords)
  try {
    const job = accessJob({ ...host, target: access.target }, around.inventoryName, { keyLine, user: target.user })
    const { changes } = await runQuietly(job, connector, around.mode)
    const by = `${access.target.user} by ${access.password === undefined ? 'key' : 'password'}`
    if (around.mode === 'check') {
      around.step(label, 'login', changes.length > 0 ? 'would change' : 'ok', by, changes)
      return { connector, target: access.target }
    }
    await connector.close()
    const final = open()
    await provenLogin(final, target)
    const now = `${target.user} by key${target.become ? ', with sudo' : ''}`
    around.step(label, 'login', changes.length > 0 ? 'changed' : 'ok', now, changes)
    return { connector: final, target }
  } catch (error) {
    await connector.close()
    throw error
  }
}

/** From here on everything goes over the key, so it must really open the door. */
async function provenLogin(connector: SshConnector, target: Target): Promise<void> {
  try {
    await (await connector.connect(target)).close()
  } catch (error) {
    await connector.close()
    if (!(error instanceof PvectlError) || error.code !== 'AUTH_FAILED') throw error
    throw new PvectlError(
      'AUTH_FAILED',
      `${target.name}: the key is installed, but sshd does not take it: ${error.message}`,
      {
        hint: [
          'sshd takes no keys from a home or .ssh folder that others may write to (chmod go-w /root /root/.ssh);',
          'else look at AuthorizedKeysFile, PubkeyAuthentication and AllowUsers: sshd -T, and at journalctl -u ssh',
        ].join('\n'),
        host: target.name,
        cause: error,
      },
    )
  }
}

/** A connector knows one password a name, so each attempt has a connector of its own. */
async function connectOnce(open: Open, target: Target, password: Secret | undefined): Promise<Connection> {
  const connector = open(password === undefined ? undefined : new Map([[target.name, password]]))
  try {
    const connection = await connector.connect(target)
    return {
      ...connection,
      peer: connection.peer,
      async close() {
        await connection.close()
        await connector.close()
      },
    }
  } catch (error) {
    await connector.close()
    throw error
  }
}

function withPasswordHint(error: unknown): unknown {
  if (!(error instanceof PvectlError) || error.code !== 'AUTH_FAILED') return error
  return new PvectlError('AUTH_FAILED', error.message, {
    hint: 'give the password of root by --password-file (`-` is standard input), or install your key: ssh-copy-id',
    cause: error,
    ...(error.host === undefined ? {} : { host: error.host }),
  })
}
