/** Links of one host that do not go together, as far as its tasks alone tell: no node is asked. */
import { formatLocation, type Problem } from '../errors.ts'
import { type IpCidr, ipOverlaps, parseIpCidr } from '../net/ip-cidr.ts'
import type { LinkOutline } from '../resources/resource.ts'
import type { HostTask } from './job.ts'
import type { ProblemList } from './problems.ts'

interface Entry {
  readonly task: HostTask
  readonly link: LinkOutline
  /** Its networks are told apart by what the resource says of its spans. */
  readonly spanned: boolean
}

/** Reports addresses on ports, packets that would not fit, and a network on a second link. */
export function checkLinks(host: string, tasks: readonly HostTask[], problems: ProblemList): void {
  const entries = tasks.flatMap((task) =>
    task.resources.flatMap(({ link, spans }): readonly Entry[] =>
      link === undefined ? [] : [{ task, link, spanned: spans !== undefined }],
    ),
  )
  for (const entry of entries) {
    for (const other of entries) {
      const problem = pluggedProblem(entry, other) ?? mtuProblem(entry, other, entries) ?? networkProblem(entry, other)
      if (problem !== undefined) problems.add(problem, { host, code: 'CONFLICT' })
    }
  }
}

/** What is plugged in has no address of its own: the kernel would give its packets to the other link. */
function pluggedProblem({ link, task }: Entry, { link: port, task: other }: Entry): Problem | undefined {
  const [address] = port.addresses
  if (address === undefined || !link.plugged.includes(port.name)) return undefined
  return {
    message: `${port.name} is to have the address ${address} and to be plugged into ${link.name}, where it would be lost`,
    hint: `give the address to ${link.name}, or take ${port.name} out of it (${formatLocation(task.location)})`,
    location: other.location,
  }
}

function mtuProblem({ link, task }: Entry, below: Entry, entries: readonly Entry[]): Problem | undefined {
  if (link.mtu === undefined || !link.carriedBy.includes(below.link.name)) return undefined
  const carrier = sized(below, entries)
  if (carrier?.link.mtu === undefined || link.mtu <= carrier.link.mtu) return undefined
  return tooLarge({ link, task }, carrier)
}

/** The link whose MTU one without its own takes over: that of what a VLAN or bridge is built on. */
function sized(entry: Entry, entries: readonly Entry[], depth = 0): Entry | undefined {
  if (entry.link.mtu !== undefined) return entry
  if (depth > entries.length) return undefined
  return entries
    .filter(({ link }) => entry.link.carriedBy.includes(link.name))
    .map((below) => sized(below, entries, depth + 1))
    .find((below) => below !== undefined)
}

function tooLarge({ link, task }: Pick<Entry, 'link' | 'task'>, { link: below, task: other }: Entry): Problem {
  return {
    message: `${link.name} is to have an MTU of ${link.mtu}, and ${below.name}, which carries it, ${below.mtu}`,
    hint: `give ${below.name} at least ${link.mtu} (${formatLocation(other.location)}), or ${link.name} at most ${below.mtu}`,
    location: task.location,
  }
}

/** The address of the node itself on one link, and its network on another: the node could not tell where to look. */
function networkProblem(entry: Entry, other: Entry): Problem | undefined {
  if (entry.spanned || entry.link.name === other.link.name) return undefined
  for (const own of entry.link.addresses) {
    const found = other.link.addresses.find((address) => overlap(own, address))
    if (found === undefined) continue
    return {
      message: `${own} on ${entry.link.name} is in the network of ${found} on ${other.link.name}`,
      hint: `give them networks that do not overlap, or leave one out (${formatLocation(other.task.location)})`,
      location: entry.task.location,
    }
  }
  return undefined
}

function overlap(a: string, b: string): boolean {
  const [first, second] = [parseIpCidr(a), parseIpCidr(b)]
  return first !== undefined && second !== undefined && !isSingle(second) && ipOverlaps(first, second)
}

function isSingle({ family, prefix }: IpCidr): boolean {
  return prefix === (family === 4 ? 32 : 128)
}
