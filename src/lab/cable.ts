/** `pvectl lab cable`: pulls a network cable out of a node, and plugs it in again. */
import { PvectlError } from '../errors.ts'
import { checkRoot } from './host-check.ts'
import { withLock } from './lock.ts'
import { labNames, nodeNames } from './names.ts'
import { isRunning } from './node.ts'
import { run } from './run.ts'
import { findNode, type LabNode, type LabState, requireState } from './state.ts'

/** What can be done with a cable. */
export const CABLE_ACTIONS = ['pull', 'plug'] as const

/** What can be done with a cable. */
export type CableAction = (typeof CABLE_ACTIONS)[number]

/** Which cable, and what to do with it. */
export interface CableOptions {
  readonly lab: string
  readonly node: string
  /** NIC of the node: `eno1`, and for VMs `eno2` and `eno3`. */
  readonly nic: string
  readonly action: CableAction
}

/** A cable as it is after that. */
export interface CableReport {
  readonly lab: string
  readonly node: string
  readonly nic: string
  readonly plugged: boolean
  /** Node at its other end, which loses its carrier too; null where that is a switch. */
  readonly peer: string | null
}

/** Pulls or plugs a cable. Rejects with LAB_FAILED when there is no such cable, or the node is not running. */
export async function labCable({ lab, node: name, nic, action }: CableOptions): Promise<CableReport> {
  checkRoot()
  const plugged = action === 'plug'
  return withLock(`lab.${lab}`, async () => {
    const state = await requireState(lab)
    const node = findNode(state, name)
    if (!(await isRunning(labNames(lab), node)))
      throw new PvectlError('LAB_FAILED', `${name} is not running`, { hint: 'start it: pvectl lab up', host: name })
    const peer =
      state.kind === 'vm' ? await setVmCable(state, node, nic, plugged) : await setVeth(state, node, nic, plugged)
    return { lab, node: name, nic, plugged, peer: peer?.name ?? null }
  })
}

/** For people. */
export function formatCable({ node, nic, plugged, peer }: CableReport): string {
  const other = peer === null ? '' : ` to ${peer}`
  return `the cable from ${nic} of ${node}${other} is ${plugged ? 'plugged in' : 'pulled'}`
}

async function setVmCable(state: LabState, node: LabNode, nic: string, plugged: boolean) {
  const { setCable } = await import('./vm/cables.ts')
  const { NICS } = await import('./vm/machine.ts')
  const known = NICS.find((name) => name === nic)
  if (known === undefined) throw noSuchNic(node, nic, NICS)
  return setCable(state, node, { nic: known, plugged })
}

/** A container's cable is a pair of links; the node sees its end lose the carrier when the other is set down. */
async function setVeth(state: LabState, node: LabNode, nic: string, plugged: boolean): Promise<undefined> {
  if (nic !== 'eno1') throw noSuchNic(node, nic, ['eno1'])
  const { veth } = nodeNames(labNames(state.name), node.name, node.number)
  await run('ip', ['link', 'set', veth, plugged ? 'up' : 'down'])
}

function noSuchNic(node: LabNode, nic: string, nics: readonly string[]): PvectlError {
  return new PvectlError('LAB_FAILED', `${node.name} has no NIC \`${nic}\``, { hint: `it has ${nics.join(', ')}` })
}
