/** `pvectl lab up`: makes sure that a lab's nodes exist and run. */
import { mkdir, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import pLimit from 'p-limit'
import { type Problem, PvectlError } from '../errors.ts'
import { checkRoot } from './host-check.ts'
import { writeInventory } from './inventory-file.ts'
import { ensureKey, readPublicKey } from './keys.ts'
import { type NodeKind, nodeKind } from './kinds.ts'
import { withLock } from './lock.ts'
import { checkLabName, labNames } from './names.ts'
import { ensureBridge } from './network.ts'
import { isPluggedIn, isRunning, type Readiness, waitForNode } from './node.ts'
import { keyFile, knownHostsFile, labDir } from './paths.ts'
import { planCables, planKind, planNodes, planPve, type Wanted } from './plan.ts'
import type { OnProgress } from './progress.ts'
import { RELEASES } from './releases.ts'
import { type LabNode, type LabState, readState, writeState } from './state.ts'
import { chooseNetwork } from './subnet.ts'

/** What to bring up. */
export interface UpOptions extends Wanted {
  readonly lab: string
  /** Folder for the inventory. */
  readonly out: string
  readonly onProgress: OnProgress
}

/** A node as `lab up` leaves it. */
export interface UpNode extends Readiness {
  readonly name: string
  readonly address: string
  /** False when it ran already. */
  readonly started: boolean
}

/** A lab as `lab up` leaves it. */
export interface UpReport {
  readonly lab: string
  readonly inventory: string
  readonly nodes: readonly UpNode[]
}

/** Brings a lab up. Nodes that run stay as they are; rejects with LAB_FAILED when some can't be brought up. */
export async function labUp(options: UpOptions): Promise<UpReport> {
  const { lab, onProgress } = options
  checkLabName(lab)
  checkRoot()
  const onWait = () => onProgress(`waiting for another pvectl that works on lab ${lab}`)
  return withLock(`lab.${lab}`, () => up(options), { onWait })
}

async function up(options: UpOptions): Promise<UpReport> {
  const { lab, onProgress, out, source } = options
  const present = await readState(lab)
  const kind = await nodeKind(planKind(present, options.kind))
  const release = RELEASES[planPve(present, options.pve)]
  await kind.checkHost(onProgress)
  const image = await kind.ensureImage(release, onProgress)
  const state = await withLock('lab-networks', () => settle(options, image))
  const loginKey = await ensureKey(keyFile(lab), `pvectl lab ${lab}`)
  await ensureBridge(labNames(lab), state.network)
  await kind.prepare(state, onProgress)
  for (const node of state.nodes) await kind.ensureDisk(state, node, onProgress)
  const knownHosts = await collectHostKeys(state, kind)
  await writeFile(knownHostsFile(lab), knownHosts)
  const copied = source === undefined ? {} : { source }
  const inventory = await writeInventory(out, { state, knownHosts, jumpKey: loginKey, ...copied })
  return { lab, inventory, nodes: await bootAll(state, kind, onProgress) }
}

/** Decides on network and nodes and writes them down before anything is made, so that `lab down` knows of it. */
async function settle(options: UpOptions, image: string): Promise<LabState> {
  const { lab, out, count, source } = options
  const known = await readState(lab)
  const network = known?.network ?? (await chooseNetwork(lab))
  const wanted = { ...(count === undefined ? {} : { count }), ...(source === undefined ? {} : { source }) }
  const nodes = planNodes(known, wanted, network, image)
  const kind = planKind(known, options.kind)
  const pve = planPve(known, options.pve)
  const cables = planCables(known, options.cables, { kind, count: nodes.length })
  const inventories = [...new Set([...(known?.inventories ?? []), out])]
  const state = { name: lab, kind, pve, cables, network, rehearses: source?.name ?? null, nodes, inventories }
  await mkdir(labDir(lab), { recursive: true })
  await writeState(state)
  return state
}

async function collectHostKeys(state: LabState, kind: NodeKind): Promise<string> {
  const lines = state.nodes.map(async (node) => {
    return `${node.address} ${await readPublicKey(kind.hostKeyFile(state, node))}\n`
  })
  return (await Promise.all(lines)).join('')
}

/** More boots at once than this only make each of them slower. */
async function bootAll(state: LabState, kind: NodeKind, onProgress: OnProgress): Promise<UpNode[]> {
  const limit = pLimit(2 * availableParallelism())
  let done = 0
  const boots = state.nodes.map((node) =>
    limit(async () => {
      const result = await bootNode(state, kind, node, onProgress)
      done++
      onProgress(`${node.name} is up (${done}/${state.nodes.length})`)
      return result
    }),
  )
  const results = await Promise.allSettled(boots)
  const problems = results.flatMap((result) => (result.status === 'rejected' ? problemsOf(result.reason) : []))
  if (problems.length > 0) throw PvectlError.of('LAB_FAILED', problems)
  return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
}

async function bootNode(state: LabState, kind: NodeKind, node: LabNode, onProgress: OnProgress): Promise<UpNode> {
  const lab = labNames(state.name)
  const { name, address } = node
  if ((await isRunning(lab, node)) && (await isPluggedIn(lab, node))) {
    const readiness = await waitForNode(lab, node, kind.patienceMs).catch(() => undefined)
    if (readiness !== undefined) return { name, address, started: false, ...readiness }
    onProgress(`${name} runs, but nobody can log in: starting it again`)
  }
  await kind.stop(state, node)
  return { name, address, started: true, ...(await kind.boot(state, node, onProgress)) }
}

function problemsOf(reason: unknown): readonly Problem[] {
  if (reason instanceof PvectlError) return reason.problems
  throw reason
}
