/** Facts about VXLAN tunnels: whom they send frames to that they know no better place for. */
import { type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** Addresses of the far ends of each tunnel that a run asks for; empty for links that are not there. */
export const tunnelPeersFact: FactKind<readonly string[]> = {
  name: 'tunnel-peers',
  observe: (ids, mark): Script => sh`for d in ${ids}; do
	echo ${mark}
	[ ! -e "/sys/class/net/$d" ] || bridge -j fdb show dev "$d" 2>/dev/null || :
done`,
  parse(output, ids, mark) {
    const parts = output.toString('utf8').split(`${mark}\n`).slice(1)
    return ids.map((_, i) => readPeers(parts[i] ?? ''))
  },
}

/** Reference to the fact about the tunnel of a name. */
export function tunnelPeers(name: string): FactRef<readonly string[]> {
  return { kind: tunnelPeersFact, id: name }
}

function readPeers(text: string): readonly string[] {
  const rows = text.trim() === '' ? [] : (JSON.parse(text) as { readonly mac?: string; readonly dst?: string }[])
  const all = rows.filter(({ mac, dst }) => mac === '00:00:00:00:00:00' && dst !== undefined)
  return [...new Set(all.map(({ dst = '' }) => dst))].sort()
}
