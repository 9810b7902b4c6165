/** Which host is in which groups, and which group outranks which. */
import { type GroupEntry, type InventoryTree, ROOT } from './tree.ts'

/** Group of the hosts that no other group lists. */
export const UNGROUPED = 'ungrouped'

/** Memberships of all hosts, nested groups worked out. */
export interface Membership {
  /** Groups of a host, weakest first: by depth, then by the order of the file. */
  readonly groupsOf: ReadonlyMap<string, readonly string[]>
  /** Hosts of a group, nested ones included, in the order of the file. */
  readonly hostsOf: ReadonlyMap<string, readonly string[]>
}

/** Works out memberships of a tree without cycles. */
export function membership({ groups, hosts }: InventoryTree): Membership {
  const depths = groupDepths(groups)
  const order = [...groups.keys()]
  const all = new Map(order.map((name) => [name, nestedHosts(name, groups)]))
  const names = [...hosts.keys()]
  const lonely = new Set(names.filter((host) => !order.some((group) => !isGeneral(group) && all.get(group)?.has(host))))
  if (lonely.size > 0) all.set(UNGROUPED, new Set([...(all.get(UNGROUPED) ?? []), ...lonely]))
  const ranked = [...all.keys()].sort((a, b) => (depths.get(a) ?? 1) - (depths.get(b) ?? 1))
  return {
    groupsOf: new Map(names.map((host) => [host, ranked.filter((g) => g === ROOT || all.get(g)?.has(host) === true)])),
    hostsOf: new Map(
      ranked.map((group) => [
        group,
        group === ROOT ? names : names.filter((host) => all.get(group)?.has(host) === true),
      ]),
    ),
  }
}

function isGeneral(group: string): boolean {
  return group === ROOT || group === UNGROUPED
}

/** Longest way from the root: a group within two others is below the deeper of them. */
function groupDepths(groups: ReadonlyMap<string, GroupEntry>): ReadonlyMap<string, number> {
  const depths = new Map<string, number>()
  const visit = (name: string, depth: number): void => {
    if ((depths.get(name) ?? -1) >= depth) return
    depths.set(name, depth)
    for (const child of groups.get(name)?.children ?? []) visit(child, depth + 1)
  }
  visit(ROOT, 0)
  return depths
}

function nestedHosts(name: string, groups: ReadonlyMap<string, GroupEntry>): ReadonlySet<string> {
  const entry = groups.get(name)
  if (entry === undefined) return new Set()
  return new Set([...entry.hosts, ...[...entry.children].flatMap((child) => [...nestedHosts(child, groups)])])
}
