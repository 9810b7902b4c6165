/** Networks on a node that would hide other nodes from it. */
import type { Host } from '../inventory/host.ts'
import { parseIp } from '../net/ip-cidr.ts'
import type { Span } from '../resources/resource.ts'
import type { HostTask } from './job.ts'
import type { ProblemList } from './problems.ts'

/**
 * Reports tasks that give a host a network in which the inventory has another host: packets for that one would stay
 * inside. A network that the host itself is reached in is the one they have in common.
 */
export function checkReachable(
  host: Host,
  tasks: readonly HostTask[],
  hosts: readonly Host[],
  problems: ProblemList,
): void {
  const own = addressOf(host)
  for (const task of tasks) {
    for (const span of task.resources.flatMap(({ spans = [] }) => spans).filter(({ space }) => space === 'network')) {
      if (own !== undefined && within(own, span)) continue
      const hidden = hosts.find((other) => other !== host && within(addressOf(other), span))
      if (hidden === undefined) continue
      problems.add(
        {
          message: `network ${span.text} of \`${task.title}\` contains ${hidden.target.address}, by which the inventory reaches ${hidden.name}`,
          hint: `choose another network: ${host.name} would look for ${hidden.name} inside`,
          location: task.location,
        },
        { host: host.name, code: 'CONFLICT' },
      )
    }
  }
}

interface Point {
  readonly of: string
  readonly at: bigint
}

function addressOf({ target }: Host): Point | undefined {
  const parsed = parseIp(target.address)
  return parsed === undefined ? undefined : { of: `ip${parsed.family}`, at: parsed.address }
}

function within(point: Point | undefined, { of, first, last }: Span): boolean {
  return point !== undefined && point.of === of && point.at >= BigInt(first) && point.at <= BigInt(last)
}
