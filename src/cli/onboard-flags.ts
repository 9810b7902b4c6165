/** Flags of `pvectl onboard` that need more than oclif to be read. */
import { Flags } from '@oclif/core'
import { PvectlError } from '../errors.ts'

/** The cluster that the flags name. Throws USAGE for a name that corosync does not take. */
export function clusterOf({
  join,
  create,
}: {
  readonly join?: string | undefined
  readonly create?: string | undefined
}) {
  if (join !== undefined) return { kind: 'join', via: join } as const
  if (create === undefined) return undefined
  // pve-cluster, PVE/API2/ClusterConfig.pm: format pve-node, at most 15 characters.
  if (!/^(?=.{1,15}$)[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?$/.test(create)) {
    throw new PvectlError('USAGE', `\`${create}\` cannot be the name of a cluster`, {
      hint: 'at most 15 letters, digits and hyphens, a hyphen neither first nor last; it cannot be changed later',
    })
  }
  return { kind: 'create', name: create } as const
}

/** The addresses of `--link0` to `--link7`. Throws USAGE when they are to be those of several nodes. */
export function linksOf(
  flags: Readonly<Record<string, unknown>>,
  addresses: readonly string[],
): ReadonlyMap<number, string> {
  const links = Array.from({ length: 8 }, (_, link) => [link, flags[`link${link}`]] as const).flatMap(
    ([link, value]) => (typeof value === 'string' ? [[link, value] as const] : []),
  )
  if (links.length > 0 && addresses.length > 1) {
    throw new PvectlError('USAGE', '--link0 is for one node, and several are given', {
      hint: 'leave it out, so that links are derived, or onboard the nodes one after the other',
    })
  }
  return new Map(links)
}

const summary = "Address of the node on this link of corosync. Default: derived from the member's."
const link = (hidden: boolean) => Flags.string({ summary, helpValue: 'ADDRESS', hidden })

/** One flag a link, as pvecm has them. */
export const linkFlags = {
  link0: link(false),
  link1: link(false),
  link2: link(true),
  link3: link(true),
  link4: link(true),
  link5: link(true),
  link6: link(true),
  link7: link(true),
}
