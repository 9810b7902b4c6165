/** A firewall file of Proxmox VE: the cluster's, a node's or a guest's, edited in place. */
import { type Script, sh } from '../connection/script.ts'
import { becomes, type FactRef } from '../facts/fact.ts'
import { type FileState, fileAt } from '../facts/file.ts'
import { guestNumbered, nextValue } from '../facts/guest.ts'
import type { Model } from '../facts/model.ts'
import { pveFirewallRef } from '../facts/pve-firewall.ts'
import { formatLines, type Lines, parseLines } from '../interfaces/lines.ts'
import { checkFile, type FileProblem } from '../pve-firewall/check-file.ts'
import { optionValue } from '../pve-firewall/options.ts'
import type { FileKind } from '../pve-firewall/sections.ts'
import { type DecidingFiles, LOCKOUT_READS, type Lockout, localNetwork, lockouts } from './pve-firewall-lockout.ts'
import { SERVED_READS, type Unserved, unserved } from './pve-firewall-served.ts'
import { writeFirewall } from './pve-firewall-write.ts'
import { type Change, OK, type Plan, type PlanBlocked, type Resource } from './resource.ts'

/** The cluster's firewall file. */
export const CLUSTER_FW = '/etc/pve/firewall/cluster.fw'

/** The node's own, by the link that PVE makes to its folder. */
export const HOST_FW = '/etc/pve/local/host.fw'

/** An edit to bring about. */
export interface FirewallWish {
  readonly file: FileKind
  /** Number of the guest whose file it is. */
  readonly vmid?: number | undefined
  /** Pure, and its own fixed point. */
  readonly edit: (lines: Lines) => Lines
  /** Parts of the file that nothing else may stand in; a second task for them is a conflict. */
  readonly exclusive?: readonly string[] | undefined
  /** Write even what would shut out pvectl's own connection. */
  readonly allowLockout?: boolean | undefined
}

/** Ensures what `edit` brings about in a firewall file; all other bytes stay. */
export function pveFirewallFile(wish: FirewallWish): Resource {
  const path = pathOf(wish)
  const target = fileAt(path)
  const guest = wish.vmid === undefined ? [] : [guestNumbered(wish.vmid)]
  const reads = [
    target,
    ...guest,
    fileAt(CLUSTER_FW),
    fileAt(HOST_FW),
    ...LOCKOUT_READS,
    ...SERVED_READS,
  ] as readonly FactRef<unknown>[]
  return {
    kind: 'pve_firewall',
    key: `pve-firewall:${path}`,
    shared: true,
    claims: (wish.exclusive ?? []).map((part) => `all ${part} of:${path}`),
    title: `firewall file ${path}`,
    reads,
    plan: (model) => planFile(wish, path, target, model),
  }
}

function pathOf({ file, vmid }: FirewallWish): string {
  if (file === 'cluster') return CLUSTER_FW
  return file === 'host' ? HOST_FW : `/etc/pve/firewall/${vmid ?? 0}.fw`
}

function planFile(wish: FirewallWish, path: string, target: FactRef<FileState>, model: Model): Plan {
  const { cluster, writable } = model.get(pveFirewallRef)
  const state = model.get(target)
  if (state.type === 'directory' || state.type === 'other') return blocked(`${path} is no regular file`)
  if (cluster.state === 'none') return blocked(...NO_PMXCFS)
  const before = contentOf(state)
  const after = formatLines(wish.edit(parseLines(before)))
  if (after.equals(before)) return OK
  const why =
    (cluster.quorate && writable ? undefined : noQuorum(cluster.members)) ??
    unknownGuest(wish, model) ??
    unreadable(path, before) ??
    newProblems(wish.file, path, before, after, model)
  if (why !== undefined) return why
  const [files, changed] = decidingFiles(wish.file, model, parseLines(after))
  const shutOut = lockouts(model, files, changed)
  const lost = unserved(model, files, changed, localNetwork(model))
  const outcome = becomes(target, {
    type: 'file',
    content: after,
    mode: '0640',
    owner: 'root:www-data',
    ctime: model.soon,
  })
  if (shutOut.length > 0 && wish.allowLockout !== true) return { ...lockedOut(shutOut), after: [outcome] }
  if (lost.length > 0 && wish.allowLockout !== true) return { ...guestsShutOut(lost), after: [outcome] }
  const nftables = optionValue(changed.host, 'host', 'nftables') === '1'
  return {
    kind: 'change',
    changes: [
      {
        summary: `${state.type === 'file' ? 'edit' : 'create'} ${path}`,
        diff: { path, before: presentContent(state), after },
      },
      ...shutOut.map(({ node, client }) =>
        note(`${node} will refuse new connections from ${client}, as allow_lockout permits`),
      ),
      ...lost.map(({ what, iface }) => note(`guests on ${iface} will get no ${what}, as allow_lockout permits`)),
      ...oldProblems(wish.file, before, model, nftables),
      ...idleNote(wish.file, changed),
      ...unfilteredNote(wish, model),
    ],
    script: writeFirewall({ path, before: state, after, lock: lockOf(wish) }),
    after: [outcome],
    risk: 'link',
  }
}

const NO_PMXCFS = [
  'there is no /etc/pve/.members: the cluster filesystem of Proxmox VE does not run here',
  'on a Proxmox VE node: systemctl status pve-cluster',
] as const

/** PVE locks the file of a guest by its number (PVE::Firewall::Helpers, lock_vmfw_conf). */
function lockOf({ file, vmid }: FirewallWish): Script {
  if (file === 'cluster') return sh`firewall-cluster`
  return file === 'host' ? sh`"firewall-host-$pv_node"` : sh`${`firewall-vm-${vmid ?? 0}`}`
}

function noQuorum(members: readonly { readonly name: string; readonly online: boolean }[]): PlanBlocked {
  const offline = members.filter(({ online }) => !online).map(({ name }) => name)
  const who = offline.length === 0 ? '' : ` (${offline.join(', ')} ${offline.length === 1 ? 'is' : 'are'} offline)`
  return blocked(
    `/etc/pve takes no changes: the cluster has no quorum${who}`,
    'bring the other nodes back and look at `pvecm status`; nothing was written',
  )
}

function unknownGuest({ vmid }: FirewallWish, model: Model): PlanBlocked | undefined {
  if (vmid === undefined || model.get(guestNumbered(vmid)).place !== 'nowhere') return undefined
  return blocked(
    `there is no guest ${vmid} in this cluster`,
    'create it first; `pvesh get /cluster/resources` lists guests',
  )
}

/** The firewall filters only cards that are told so (PVE::Firewall::compile_iptables_filter). */
function unfilteredNote({ vmid }: FirewallWish, model: Model): readonly Change[] {
  const guest = vmid === undefined ? undefined : model.get(guestNumbered(vmid))
  if (guest?.place !== 'here') return []
  const cards = [...guest.values.keys()].filter((name) => /^net\d+$/.test(name))
  const open = cards.filter((name) => !/(^|,)firewall=1(,|$)/.test(nextValue(guest, name) ?? ''))
  if (open.length === 0) return []
  return [note(`no effect on ${open.sort().join(', ')} of guest ${vmid}: guest_nic sets \`firewall: true\``)]
}

/** PVE's parser of the iptables implementation does not take `\r` for part of a line end. */
function unreadable(path: string, before: Buffer): PlanBlocked | undefined {
  if (!before.includes('\r\n')) return undefined
  return blocked(
    `${path} has Windows line ends, so that PVE skips every line of it`,
    "look at what it says, then sed -i 's/\\r$//' it: all of its rules will take effect",
  )
}

function newProblems(
  file: FileKind,
  path: string,
  before: Buffer,
  after: Buffer,
  model: Model,
): PlanBlocked | undefined {
  const cluster = parseLines(contentOf(model.get(fileAt(CLUSTER_FW))))
  const old = checkFile(parseLines(before), file, cluster).map(({ message }) => message)
  const fresh = checkFile(parseLines(after), file, cluster).filter(({ message }) => {
    const at = old.indexOf(message)
    if (at >= 0) old.splice(at, 1)
    return at < 0
  })
  const [first] = fresh
  if (first === undefined) return undefined
  return blocked(
    `${path} would not do what it says: ${fresh.map(described).join('; ')}`,
    'aliases, sets and groups come from pve_firewall_cluster, in a task before this one; within a file PVE wants aliases and sets above what uses them',
  )
}

function oldProblems(file: FileKind, before: Buffer, model: Model, nftables: boolean): readonly Change[] {
  const cluster = parseLines(contentOf(model.get(fileAt(CLUSTER_FW))))
  return checkFile(parseLines(before), file, cluster).map((problem) =>
    note(
      problem.spoils === 'whole' && nftables
        ? `already there, and the nftables firewall refuses the whole file for it: ${described(problem)}`
        : `already there, without effect: ${described(problem)}`,
    ),
  )
}

function described({ line, message }: FileProblem): string {
  return `line ${line}: ${message}`
}

function idleNote(file: FileKind, { cluster }: DecidingFiles): readonly Change[] {
  if (optionValue(cluster, 'cluster', 'enable') === '1') return []
  const where = file === 'cluster' ? 'enable is not 1 in its options' : `enable is not 1 in ${CLUSTER_FW}`
  return [note(`no effect before the firewall of the cluster is on: ${where}`)]
}

function lockedOut(nodes: readonly Lockout[]): PlanBlocked {
  const [first] = nodes
  const names = nodes.map(({ node }) => node).join(', ')
  return blocked(
    `${names} would refuse new connections from ${first?.client} to port ${first?.port}, from where pvectl comes: ${first?.by}`,
    `add ${first?.client} (or its network) to the set management, or a rule that accepts it before the others; \`allow_lockout: true\` writes it all the same`,
  )
}

function guestsShutOut(lost: readonly Unserved[]): PlanBlocked {
  const what = lost.map((one) => `${one.what} on ${one.iface}`)
  return blocked(
    `guests would lose ${what.join(', ')}: no rule lets it in once the firewall is on`,
    `add to pve_firewall_host, in a task before this one: ${lost.map(({ rule }) => rule).join(', ')}; \`allow_lockout: true\` writes it all the same`,
  )
}

function decidingFiles(file: FileKind, model: Model, after: Lines): readonly [DecidingFiles, DecidingFiles] {
  const before = {
    cluster: parseLines(contentOf(model.get(fileAt(CLUSTER_FW)))),
    host: parseLines(contentOf(model.get(fileAt(HOST_FW)))),
  }
  return [before, file === 'guest' ? before : { ...before, [file]: after }]
}

function contentOf(state: FileState): Buffer {
  return presentContent(state) ?? Buffer.alloc(0)
}

function presentContent(state: FileState): Buffer | undefined {
  return state.type === 'file' ? state.content : undefined
}

function blocked(reason: string, hint?: string): PlanBlocked {
  return { kind: 'blocked', reason, ...(hint === undefined ? {} : { hint }) }
}

function note(text: string): Change {
  return { summary: `note: ${text}` }
}
