/** A link on which the node believes no router: a guest could otherwise give it an address there. */
import { sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { sysctlNamed, sysctlPath } from '../facts/sysctl.ts'
import { OK, type Resource } from './resource.ts'

/** The parameter that decides. */
export function acceptsAdvertisements(name: string): string {
  return `net.ipv6.conf.${name}.accept_ra`
}

/**
 * Ensures the live value. The link may be brought up by an earlier step, so that there is no parameter yet. An address
 * that the node has taken already goes.
 */
export function noAdvertisements(name: string): Resource {
  const ref = sysctlNamed(acceptsAdvertisements(name))
  const path = sysctlPath(acceptsAdvertisements(name))
  return {
    kind: 'sysctl',
    key: `sysctl:${acceptsAdvertisements(name)}`,
    title: `router advertisements on ${name}`,
    reads: [ref],
    plan(model) {
      if (model.get(ref) === '0') return OK
      return {
        kind: 'change',
        changes: [{ summary: `${name}: believe no router advertisements, which guests may send` }],
        script: sh`[ ! -e ${path} ] || echo 0 > ${path}
ip -6 addr flush dev ${name} dynamic 2>/dev/null || :`,
        after: [becomes(ref, '0')],
      }
    },
  }
}
