/** Links of one host that do not go together, as far as its tasks alone tell: no node is asked. */
import { formatLocation, type Problem } from '../errors.ts'
import type { LinkOutline } from '../resources/resource.ts'
import type { HostTask } from './job.ts'
import type { ProblemList } from './problems.ts'

interface Entry {
  readonly task: HostTask
  readonly link: LinkOutline
}

/** Reports addresses on ports, and packets that would not fit. */
export function checkLinks(host: string, tasks: readonly HostTask[], problems: ProblemList): void {
  const entries = tasks.flatMap((task) =>
    task.resources.flatMap(({ link }): readonly Entry[] => (link === undefined ? [] : [{ task, link }])),
  )
  for (const entry of entries) {
    for (const other of entries) {
      const problem = pluggedProblem(entry, other) ?? mtuProblem(entry, other)
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

function mtuProblem({ link, task }: Entry, { link: below, task: other }: Entry): Problem | undefined {
  if (link.mtu === undefined || below.mtu === undefined || link.mtu <= below.mtu) return undefined
  if (!link.carriedBy.includes(below.name)) return undefined
  return {
    message: `${link.name} is to have an MTU of ${link.mtu}, and ${below.name}, which carries it, ${below.mtu}`,
    hint: `give ${below.name} at least ${link.mtu} (${formatLocation(other.location)}), or ${link.name} at most ${below.mtu}`,
    location: task.location,
  }
}
