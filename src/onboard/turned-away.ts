/**
 * Sshd of PVE 9 turns an address away for some seconds after logins that failed (PerSourcePenalties of sshd_config(5)),
 * and finding the way into a new node takes such logins. What it turns away it does not punish, so waiting is safe.
 */
import type { SshConnector } from '../connection/ssh-connector.ts'
import { PvectlError } from '../errors.ts'

/** How often to come back. */
const TURNS = 6

/** The same connector, but for a node that turns it away: it comes back, after `onWait` was told the seconds. */
export function comingBack(connector: SshConnector, onWait: (seconds: number) => void): SshConnector {
  return {
    ...connector,
    connect: (target, signal) => again(() => connector.connect(target, signal), onWait),
    hostKey: (target, keyType, signal) => again(() => connector.hostKey(target, keyType, signal), onWait),
  }
}

async function again<T>(attempt: () => Promise<T>, onWait: (seconds: number) => void): Promise<T> {
  for (let turn = 1; ; turn++) {
    try {
      return await attempt()
    } catch (error) {
      if (!(error instanceof PvectlError) || error.backOffMs === undefined || turn === TURNS) throw error
      const { backOffMs } = error
      onWait(backOffMs / 1000)
      await new Promise((resolve) => setTimeout(resolve, backOffMs))
    }
  }
}
