/** The IPv6 way out of a node that learned it from its router. */
import { linksRef } from '../facts/links.ts'
import { OK, type Resource } from './resource.ts'

/**
 * Ensures, by blocking, that forwarding does not cost the node its IPv6 default route: a node that forwards drops what
 * it learned from router advertisements, on all interfaces but those with `accept_ra=2` (kernel, ip-sysctl).
 */
export function advertisedRouteKept(accepted: readonly string[]): Resource {
  return {
    kind: 'advertised_route',
    key: 'advertised-route',
    shared: true,
    title: 'the IPv6 default route stays',
    reads: [linksRef],
    plan(model) {
      const lost = model
        .get(linksRef)
        .routes.filter(({ family, destination, advertised }) => {
          return family === 6 && destination === 'default' && advertised === true
        })
        .flatMap(({ devices }) => devices.filter((device) => !accepted.includes(device)))
      if (lost.length === 0) return OK
      const names = [...new Set(lost)].join(', ')
      return {
        kind: 'blocked',
        reason: `this node learned its IPv6 default route from router advertisements on ${names}, and would lose it when it forwards`,
        hint: `add \`accept_ra: [${names}]\` to the task, or give ${names} a fixed IPv6 gateway`,
      }
    },
  }
}
