/** What members of a cluster must know of each other, as variables for the baseline playbook. */
import type { Cluster } from './cluster.ts'
import { clusterAddress } from './cluster.ts'
import { ownAddress } from './judge-system.ts'
import type { Newcomer } from './newcomer.ts'
import type { NodeSurvey } from './survey.ts'

/** One entry of the variable `cluster_members`. */
export interface MemberEntry {
  /** The full name first, where the node knows it. */
  readonly names: readonly string[]
  readonly address: string
  /** Public host keys, `TYPE BASE64`. */
  readonly host_keys: readonly string[]
  /** Hosts of the inventory that are to know it. */
  readonly known_by: readonly string[]
}

/**
 * With a cluster, all members and newcomers know each other; without one, each newcomer knows itself. Addresses are those
 * by which nodes reach each other, which need not be those by which the controller reaches them.
 */
export function memberEntries(
  newcomers: readonly Newcomer[],
  cluster: Cluster | undefined,
  together: boolean,
): readonly MemberEntry[] {
  const members = cluster?.members ?? []
  const everybody = [...members.map(({ host }) => host.name), ...newcomers.map(({ host }) => host.name)]
  const old = members.map((member): MemberEntry => {
    const { basics } = member.survey
    return {
      names: namesOf(basics),
      address: clusterAddress(member),
      host_keys: basics.hostKeys,
      known_by: [...new Set(everybody)],
    }
  })
  const fresh = newcomers
    .filter(({ host }) => !members.some((member) => member.host.name === host.name))
    .map(({ host, survey: { basics } }): MemberEntry => {
      return {
        names: namesOf(basics),
        address: ownAddress(basics, host.target.address),
        host_keys: basics.hostKeys,
        known_by: together ? [...new Set(everybody)] : [host.name],
      }
    })
  return [...old, ...fresh]
}

/** The name that PVE uses is the short one; the full one comes first in /etc/hosts, as PVE's installer writes it. */
function namesOf({ hostname, fqdn }: NodeSurvey['basics']): readonly string[] {
  const short = hostname.toLowerCase()
  return fqdn.startsWith(`${short}.`) ? [fqdn, short] : [short]
}
