/** All checks of a host, each once, and what to ask a node for them. */
import { isDeepStrictEqual } from 'node:util'
import type { Host } from '../inventory/host.ts'
import type { HostTask } from '../playbook/job.ts'
import type { Check, Seat } from './check.ts'
import { proverOf } from './kinds/index.ts'
import { COMMON_FACTS } from './node.ts'
import type { FactWish, NodePlan, SeatProbe } from './probe/plan.ts'
import type { HostView } from './prover.ts'
import type { VerifySettings } from './settings.ts'

/** Checks of the tasks of a host and of its settings, in order. */
export function collectChecks(host: Host, tasks: readonly HostTask[], settings: VerifySettings): HostView {
  const ofTasks = tasks.flatMap((task) => task.checks ?? [])
  const checks: Check[] = []
  for (const check of [...ofTasks, ...closedChecks(ofTasks, settings)]) {
    if (!checks.some((other) => isDeepStrictEqual(other, check))) checks.push(check)
  }
  return { target: host.target, address: settings.address ?? host.target.address, settings, checks }
}

function closedChecks(checks: readonly Check[], settings: VerifySettings): readonly Check[] {
  const seats = new Map<string, Seat>()
  for (const check of checks) {
    if (
      check.kind === 'dhcp_offer' ||
      check.kind === 'dns_name' ||
      check.kind === 'dns_outside' ||
      check.kind === 'mtu'
    )
      seats.set(`${check.seat.interface} ${check.seat.vlan ?? ''}`, check.seat)
  }
  return [
    ...settings.closed_ports.map((port) => ({ kind: 'closed' as const, port, from: 'outside' as const })),
    ...[...seats.values()].flatMap((from) =>
      settings.closed_to_guests.map((port) => ({ kind: 'closed' as const, port, from })),
    ),
  ]
}

/** The one exchange for all checks of a host; probes bear the index of their check. */
export function planExchange(host: HostView): NodePlan {
  const probes: SeatProbe[] = []
  const facts = new Map<string, FactWish>(COMMON_FACTS.map((wish) => [wish.id, wish]))
  host.checks.forEach((check, index) => {
    const prover = proverOf(check)
    const probe = prover.probe?.(check, host)
    if (probe !== undefined) probes.push({ ...probe, id: String(index) })
    for (const wish of prover.facts?.(check, host) ?? []) facts.set(wish.id, wish)
  })
  return { probes, facts: [...facts.values()] }
}
