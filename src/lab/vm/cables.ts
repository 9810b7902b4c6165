/** The cables of VM nodes: who is connected to whom, and what that takes on this machine. */
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { type LabNames, labNames, macOf, type NodeNames, nodeNames } from '../names.ts'
import { listLinks } from '../network.ts'
import { isRunning } from '../node.ts'
import { runtimeDir } from '../paths.ts'
import { run, tryRun } from '../run.ts'
import type { LabNode, LabState } from '../state.ts'
import { type Cable, deviceOf, NICS, type Nic, type Port } from './machine.ts'
import { connectQmp } from './qmp.ts'

/** NICs beside the one that manages the node. */
export const GUEST_NICS = NICS.slice(1)

/** A node's NICs, and what each is plugged into. */
export function portsOf(state: LabState, node: LabNode): readonly Port[] {
  const names = nodeNames(labNames(state.name), node.name, node.number)
  return NICS.map((nic, i) => ({ nic, mac: macOf(names, i), cable: cableOf(state, names, node, nic) }))
}

/** The node at the other end of a node's direct cables, should the lab have it. */
export function peerOf(state: LabState, node: LabNode): LabNode | undefined {
  return state.nodes.find(({ number }) => number === peerNumber(node))
}

/**
 * Pulls a cable of a running node or plugs it in. Resolves with the node at its other end, whose carrier goes and comes
 * with it; undefined where a switch is.
 */
export async function setCable(
  state: LabState,
  node: LabNode,
  { nic, plugged }: { readonly nic: Nic; readonly plugged: boolean },
): Promise<LabNode | undefined> {
  const cable = portsOf(state, node).find((port) => port.nic === nic)?.cable
  const peer = cable?.kind === 'direct' ? peerOf(state, node) : undefined
  for (const end of peer === undefined ? [node] : [node, peer]) {
    if (!(await isRunning(labNames(state.name), end))) continue
    const qmp = await connectQmp(controlSocket(state, end))
    try {
      await qmp.execute('set_link', { name: deviceOf(nic), up: plugged })
    } finally {
      qmp.close()
    }
  }
  return peer
}

/** Makes sure of the switch that cables may lead to, and of the folder for direct ones. */
export async function ensureCabling(state: LabState): Promise<void> {
  await mkdir(runtimeDir(state.name), { recursive: true, mode: 0o700 })
  const { bridge } = labNames(state.name)
  const name = switchOf({ bridge })
  if (state.cables !== 'switch' || (await listLinks()).includes(name)) return
  await run('ip', ['link', 'add', 'name', name, 'type', 'bridge', 'stp_state', '0', 'mcast_snooping', '0'])
  // This machine has no part in that network.
  await run('ip', ['link', 'set', name, 'addrgenmode', 'none', 'alias', `pvectl lab ${state.name}, switch`])
  await run('ip', ['link', 'set', name, 'up'])
}

/** Puts a node's cables into this machine's bridges, before the node starts. */
export async function plugIn(state: LabState, node: LabNode): Promise<void> {
  const { bridge } = labNames(state.name)
  await unplug(state, node)
  for (const { nic, cable } of portsOf(state, node)) {
    if (cable.kind !== 'tap') continue
    const ip = (...args: string[]) => run('ip', args)
    await ip('tuntap', 'add', 'dev', cable.link, 'mode', 'tap')
    await ip('link', 'set', cable.link, 'addrgenmode', 'none', 'master', nic === 'eno1' ? bridge : switchOf({ bridge }))
    await ip('link', 'set', cable.link, 'up')
  }
}

/** Takes a node's cables away. */
export async function unplug(state: LabState, node: LabNode): Promise<void> {
  const links = await listLinks()
  for (const { cable } of portsOf(state, node)) {
    if (cable.kind === 'tap' && links.includes(cable.link)) await tryRun('ip', ['link', 'delete', cable.link])
  }
}

/** Socket of the control protocol of a node's QEMU. */
export function controlSocket(state: LabState, node: LabNode): string {
  return path.join(runtimeDir(state.name), `${node.number}.qmp`)
}

function cableOf(state: LabState, names: NodeNames, node: LabNode, nic: Nic): Cable {
  if (nic === 'eno1') return { kind: 'tap', link: names.veth }
  if (state.cables === 'switch') return { kind: 'tap', link: `${names.veth}e${nic.slice(-1)}` }
  const end = (number: number) => path.join(runtimeDir(state.name), `${number}.${nic}`)
  return { kind: 'direct', here: end(node.number), there: end(peerNumber(node)) }
}

function peerNumber({ number }: LabNode): number {
  return number % 2 === 1 ? number + 1 : number - 1
}

/** Interface names end at 15 characters. */
function switchOf({ bridge }: Pick<LabNames, 'bridge'>): string {
  return `${bridge}s`
}
