/** Ways into a node from the host, without ssh: for tests and for checks from outside. */
import { PvectlError } from '../errors.ts'
import { DEFAULT_LAB, labNames, nodeNames } from './names.ts'
import { findLeader } from './processes.ts'
import { type ProgramOptions, type ProgramResult, tryRun } from './run.ts'
import { findNode, requireState } from './state.ts'

/** Which lab, and how to run the program. */
export interface NodeExecOptions extends ProgramOptions {
  /** Default `lab`. */
  readonly lab?: string
}

const ENVIRONMENT = [
  '-i',
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  'HOME=/root',
  'LC_ALL=C.UTF-8',
]

/** Runs a program inside a node as root, with its files, network and processes. Resolves whatever the exit status. */
export async function execInNode(
  node: string,
  argv: readonly string[],
  { lab = DEFAULT_LAB, ...options }: NodeExecOptions = {},
): Promise<ProgramResult> {
  const leader = await requireLeader(lab, node)
  const namespaces = ['--mount', '--uts', '--ipc', '--net', '--pid', '--root', '--wd']
  return tryRun('nsenter', [`--target=${leader}`, ...namespaces, '--', 'env', ...ENVIRONMENT, ...argv], options)
}

/** Runs a program of this machine, with this machine's files, in the network namespace of a node. */
export async function execInNetworkOf(
  node: string,
  argv: readonly string[],
  { lab = DEFAULT_LAB, ...options }: NodeExecOptions = {},
): Promise<ProgramResult> {
  const leader = await requireLeader(lab, node)
  return tryRun('nsenter', [`--target=${leader}`, '--net', '--', ...argv], options)
}

/** Address of a node. Rejects with LAB_FAILED when there is no such lab or node. */
export async function nodeAddress(node: string, lab: string = DEFAULT_LAB): Promise<string> {
  return findNode(await requireState(lab), node).address
}

async function requireLeader(lab: string, name: string): Promise<number> {
  const node = findNode(await requireState(lab), name)
  const leader = await findLeader(nodeNames(labNames(lab), node.name, node.number).cgroup)
  if (leader !== undefined) return leader
  throw new PvectlError('LAB_FAILED', `${name} is not running`, { hint: 'start it: pvectl lab up', host: name })
}
