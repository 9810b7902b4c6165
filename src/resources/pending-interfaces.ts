/**
 * What the web interface has staged in /etc/network/interfaces.new, taken over or thrown away. PVE reads that file in
 * place of the real one, and renames it over the real one on "Apply Configuration" or at the next boot (pve-manager,
 * PVE::API2::Network and pvenetcommit.service).
 */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { becomes, type FactRef } from '../facts/fact.ts'
import { INTERFACES_PATH, type InterfacesState, interfacesRef, PENDING_PATH } from '../facts/interfaces.ts'
import { type LinksState, linkNamed, linksRef, portsOf } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { rulesOf, ruleTables } from '../facts/nat.ts'
import { portsInFile } from '../interfaces/bridge.ts'
import { type Lines, parseLines } from '../interfaces/lines.ts'
import { planInOrder } from './in-order.ts'
import { expectation, underPveLock, unwritable } from './interfaces-file.ts'
import { bridgesOf, networkBetween } from './network-between.ts'
import { OK, type Plan, type PlanChange, type Resource } from './resource.ts'
import { onlyInFile } from './staged-rest.ts'

/** What to do about a pending change: build on it, or throw it away. */
export type PendingChoice = 'adopt' | 'discard'

/** Ensures that nothing is pending. What was staged is kept in the run's record either way. */
export function pendingInterfaces(choice: PendingChoice): Resource {
  return {
    kind: 'interfaces_pending',
    key: `file:${PENDING_PATH}`,
    title: `pending ${PENDING_PATH}`,
    reads: [
      interfacesRef,
      ...(choice === 'adopt' ? [linksRef, ...ruleTables.map(({ family, table }) => rulesOf(family, table))] : []),
    ] as FactRef<unknown>[],
    plan(model) {
      const state = model.get(interfacesRef)
      const { pending } = state
      if (pending === undefined) return OK
      if (choice === 'discard' || state.main?.equals(pending)) return discard(state, pending)
      return adopt(model, state, pending)
    },
  }
}

function discard(state: InterfacesState, pending: Buffer): PlanChange {
  const { main } = state
  const equal = main?.equals(pending) === true
  const summary = equal
    ? `remove ${PENDING_PATH}, which equals the file`
    : `discard the network change pending in the web interface (the run's record keeps it)`
  return {
    kind: 'change',
    changes: [{ summary, ...(equal ? {} : { diff: { path: PENDING_PATH, before: pending, after: main } }) }],
    script: underPveLock(sh`	pv_remove ${PENDING_PATH} ${expectation(pending)}`),
    after: [becomes(interfacesRef, { ...state, pending: undefined })],
  }
}

/** The file becomes what was staged; bridges and NAT rules follow live, what else was staged is named. */
function adopt(model: Model, state: InterfacesState, pending: Buffer): Plan {
  const blocked = unwritable(pending)
  if (blocked !== undefined) return blocked
  const present = parseLines(state.main ?? Buffer.alloc(0))
  const wanted = parseLines(pending)
  const live = networkBetween(present, wanted)
  const before = planInOrder(live.before, model)
  const written = [becomes(interfacesRef, { ...state, main: pending, pending: undefined })]
  const after = planInOrder(live.after, before.model.with(written))
  const missing = missingPorts(wanted, after.model.get(linksRef))
  const rest = [...onlyInFile(present, wanted), ...missing, ...before.leftOut, ...after.leftOut]
  return {
    kind: 'change',
    changes: [
      {
        summary: `take over the network change pending in the web interface, and remove ${PENDING_PATH}`,
        diff: { path: INTERFACES_PATH, before: state.main, after: pending },
      },
      ...before.changes,
      ...after.changes,
      ...rest.map((line) => ({ summary: `note: in the file only until a reload (ifreload -a) or reboot: ${line}` })),
    ],
    script: joinScripts([
      sh`pv_expect ${INTERFACES_PATH} ${expectation(state.main)}
pv_expect ${PENDING_PATH} ${expectation(pending)}`,
      before.script,
      takeOver(state, pending),
      after.script,
      ...proofs(wanted, model.get(linksRef), after.model.get(linksRef)),
    ]),
    after: [...before.after, ...written, ...after.after],
    risk: 'link',
  }
}

function missingPorts(wanted: Lines, links: LinksState): readonly string[] {
  return bridgesOf(wanted).flatMap((name) =>
    (portsInFile(wanted, name) ?? [])
      .filter((port) => linkNamed(links, port) === undefined)
      .map((port) => `port ${port} of ${name}, which the node does not have`),
  )
}

function takeOver({ main, mode, owner }: InterfacesState, pending: Buffer): Script {
  return underPveLock(sh`	pv_expect ${PENDING_PATH} ${expectation(pending)}
	pv_write ${INTERFACES_PATH} ${mode} ${owner} ${pending} ${expectation(main)}
	pv_remove ${PENDING_PATH} ${expectation(pending)}`)
}

/** Once the pending file is gone nothing asks for its bridges any more, so the step itself looks at them. */
function proofs(wanted: Lines, now: LinksState, then: LinksState): readonly Script[] {
  return bridgesOf(wanted).flatMap((name) => {
    const link = linkNamed(then, name)
    if (link === undefined || sameLink(now, then, name)) return []
    return [
      ...link.addresses.map(
        ({ cidr }) =>
          sh`ip -o address show dev ${name} | grep -qF ${` ${cidr} `} || pv_fail ${`${name} has no address ${cidr} after it was brought up`}`,
      ),
      ...portsOf(then, name).map(
        (port) =>
          sh`[ -e ${`/sys/class/net/${name}/brif/${port.name}`} ] || pv_fail ${`${port.name} is no port of ${name} after it was brought up`}`,
      ),
    ]
  })
}

function sameLink(now: LinksState, then: LinksState, name: string): boolean {
  const shape = (state: LinksState) =>
    JSON.stringify([linkNamed(state, name), portsOf(state, name).map((port) => port.name)])
  return shape(now) === shape(then)
}
