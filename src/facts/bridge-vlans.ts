/** Facts about VLANs of bridge ports, as `bridge vlan show` has them. */
import { type Script, sh } from '../connection/script.ts'
import type { VidRange } from '../net/vids.ts'
import type { FactKind, FactRef } from './fact.ts'

/** One port of a bridge, or a bridge's own end. */
export interface PortVlans {
  readonly name: string
  /** VLAN of frames that come in untagged. */
  readonly pvid?: number
  /** All that may pass, the pvid included. */
  readonly vids: readonly VidRange[]
}

/** One instance: the id is always empty. Ports of bridges that tell no VLANs apart are listed too. */
export const bridgeVlansFact: FactKind<readonly PortVlans[]> = {
  name: 'bridge-vlans',
  observe: (): Script => sh`bridge -compressvlans -j vlan show 2>/dev/null || :`,
  parse(output, ids) {
    const text = output.toString('utf8').trim()
    const ports = text === '' ? [] : (JSON.parse(text) as RawPort[]).map(readPort)
    return ids.map(() => ports)
  },
}

/** The one reference to this fact. */
export const bridgeVlansRef: FactRef<readonly PortVlans[]> = { kind: bridgeVlansFact, id: '' }

interface RawPort {
  readonly ifname?: string
  readonly vlans?: readonly { readonly vlan: number; readonly vlanEnd?: number; readonly flags?: readonly string[] }[]
}

function readPort({ ifname = '', vlans = [] }: RawPort): PortVlans {
  const pvid = vlans.find(({ flags = [] }) => flags.includes('PVID'))?.vlan
  return {
    name: ifname,
    ...(pvid === undefined ? {} : { pvid }),
    vids: vlans.map(({ vlan, vlanEnd = vlan }) => ({ from: vlan, to: vlanEnd })),
  }
}
