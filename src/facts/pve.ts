/** Facts about Proxmox VE itself: which release runs on the node, and whether it has a subscription. */
import { rawScript } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** What `pveversion` and `pvesubscription` say. */
export interface PveState {
  /** Such as `8.2.4`; undefined on a node without Proxmox VE. */
  readonly version: string | undefined
  /** Such as 8. */
  readonly major: number | undefined
  /**
   * `active`, `notfound`, `expired`, …; undefined where nobody can say. PVE 8 writes small letters, older ones `Active`
   * and `NotFound` (pve-manager, PVE/API2/Subscription.pm).
   */
  readonly subscription: string | undefined
}

/** Two commands, each with a deadline, as both are Perl programs that may wait for a file system. */
export const pveFact: FactKind<PveState> = {
  name: 'pve',
  observe: () =>
    rawScript(`echo "version $(timeout 20 pveversion 2>/dev/null | grep -m1 '^pve-manager/')"
timeout 20 pvesubscription get 2>/dev/null | sed -n 's/^status: */subscription /p'`),
  parse: (output, ids) => ids.map(() => parsePve(output.toString('utf8'))),
}

/** Reference to the fact about Proxmox VE on the node. */
export const pveRef: FactRef<PveState> = { kind: pveFact, id: 'node' }

/** The version prints as `pve-manager/8.2.4/faa83925c9641325 (running kernel: 6.8.8-2-pve)`. */
function parsePve(text: string): PveState {
  const version = /^version pve-manager\/(\d+\.\d+(?:[.~-]\w+)*)/m.exec(text)?.[1]
  const subscription = /^subscription (\S+)/m.exec(text)?.[1]?.toLowerCase()
  return { version, major: version === undefined ? undefined : Number.parseInt(version, 10), subscription }
}
