/** What the admin has at the end, in a few lines. */

import { ownAddress } from './judge-system.ts'
import type { Newcomer } from './newcomer.ts'
import type { Row } from './row.ts'

/** Facts for the summary. */
export interface SummaryInput {
  readonly newcomers: readonly Newcomer[]
  /** Nodes that did not get through, as the user calls them. */
  readonly failed: readonly string[]
  readonly inventory: string
  readonly mode: 'apply' | 'check'
  /** Name of the cluster that they are in now. */
  readonly cluster: string | undefined
  /** Left to do, as remedies of warnings. */
  readonly todo: readonly string[]
}

/** Lines for the end. */
export function summaryOf({ newcomers, failed, inventory, mode, cluster, todo }: SummaryInput): readonly string[] {
  const again = 'mend what is named above, and run the same command again: what is done already is not done twice'
  const rest = failed.length === 0 ? [] : [`not onboarded: ${failed.join(', ')}`, again]
  if (newcomers.length === 0) return rest
  if (mode === 'check') return [...rest, 'nothing was changed; run it again without --check']
  const lines = newcomers.flatMap(({ host, survey: { basics, pve } }) => {
    const { user, address, port } = host.target
    const login = `ssh ${port === 22 ? '' : `-p ${port} `}${user}@${address}`
    const release = pve.version === undefined ? '' : `, Proxmox VE ${pve.version}`
    const web =
      pve.version === undefined ? [] : [`  web interface: https://${bracketed(ownAddress(basics, address))}:8006`]
    const part = cluster === undefined ? '' : `, in the cluster ${cluster}`
    return [`${host.name}${release}${part}: ${login}`, ...web]
  })
  const names = newcomers.map(({ host }) => host.name).join(',')
  return [
    ...lines,
    `change it from now on with: pvectl apply -i ${inventory} --limit ${names}`,
    ...(todo.length === 0 ? [] : ['left to do:', ...todo.map((line) => `  ${line}`)]),
    ...rest,
  ]
}

/** Remedies of warnings that stay, each once, with the nodes that it is for. `warnings` are by label. */
export function leftToDo(
  newcomers: readonly Newcomer[],
  warnings: ReadonlyMap<string, readonly Row[]>,
): readonly string[] {
  const nodes = new Map<string, string[]>()
  for (const { label, host } of newcomers) {
    for (const { title, remedy = '' } of warnings.get(label) ?? []) {
      const line = `${title}: ${remedy}`
      nodes.set(line, [...(nodes.get(line) ?? []), host.name])
    }
  }
  return [...nodes].map(([line, names]) => `${names.join(', ')}: ${line}`)
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address
}
