/** How checks get from this machine to a host: the way its SSH connections go. */
import type { SshConnector } from '../connection/ssh-connector.ts'
import type { Host } from '../inventory/host.ts'
import { sendDatagrams } from '../verify/outside/datagrams.ts'
import type { Outside } from '../verify/prover.ts'
import type { VerifySettings } from '../verify/settings.ts'

/** Milliseconds until a port that says nothing counts as closed. */
const DIAL_MS = 4000

/** The ways to a host. */
export function waysTo(
  { target }: Host,
  settings: VerifySettings,
  connector: SshConnector,
  signal: AbortSignal,
): Outside {
  const withKey = (keyFile: string | undefined) => (keyFile === undefined ? target : { ...target, keyFiles: [keyFile] })
  return {
    signal,
    dial: (port, address = settings.address ?? target.address) =>
      connector.dial({ ...target, address, port, connectTimeoutMs: DIAL_MS }),
    async datagrams(text, port, address = settings.address ?? target.address, until) {
      if (target.jump !== undefined) throw new Error(`UDP does not go through ${target.jump.name}`)
      await sendDatagrams(text, port, address, until)
    },
    account: (user, keyFile) => connector.account({ ...withKey(keyFile), user, become: false }, signal),
    publicKeys: (keyFile) => connector.publicKeys(withKey(keyFile)),
  }
}
