/** Resources that take the network back to an earlier /etc/network/interfaces: the file, links and NAT rules. */
import { parseLines } from '../interfaces/lines.ts'
import { interfacesRestored } from '../resources/interfaces-restored.ts'
import { linksGone, linksOtherwise } from '../resources/links-between.ts'
import { networkBetween } from '../resources/network-between.ts'
import type { Resource } from '../resources/resource.ts'

/** How to take the network back. */
export interface NetworkBack {
  readonly now: Buffer
  readonly before: Buffer
  /** Bridges go although guests are plugged in. */
  readonly force: boolean
  /** The pending file comes back too, after all of this. */
  readonly pendingReturns: boolean
}

/**
 * In the order in which they must hold: rules whose hooks go, and bridges that go (by their own hooks) while the file
 * still has them; the file; then bridges and rules that were otherwise.
 */
export function networkResources({ now, before, force, pendingReturns }: NetworkBack): readonly Resource[] {
  const [present, wanted] = [parseLines(now), parseLines(before)]
  const live = networkBetween(present, wanted, force)
  return [
    ...linksGone(present, wanted),
    ...live.before,
    interfacesRestored(before, pendingReturns),
    ...linksOtherwise(present, wanted, false),
    ...live.after,
    ...linksOtherwise(present, wanted, true),
  ]
}
