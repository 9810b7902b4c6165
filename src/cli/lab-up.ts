/** What `pvectl lab up` does, apart from its flags. */
import path from 'node:path'
import { createProgress } from '../lab/progress.ts'
import type { PveVersion } from '../lab/releases.ts'
import type { Cabling, LabKind } from '../lab/state.ts'
import { labUp, type UpReport } from '../lab/up.ts'

/** What the user asked for. */
export interface BringUpOptions {
  readonly lab: string
  /** Folder for the inventory. */
  readonly out: string
  readonly count: number | undefined
  /** Inventory to rehearse. */
  readonly inventory: string | undefined
  readonly kind: LabKind | undefined
  readonly pve: PveVersion | undefined
  readonly cables: Cabling | undefined
  readonly log: (line: string) => void
}

/** Brings a lab up with progress on stderr, then says what to do with it. */
export async function bringUp(options: BringUpOptions): Promise<UpReport> {
  const { lab, out, count, inventory, kind, pve, cables, log } = options
  const source = inventory === undefined ? undefined : await loadSource(inventory)
  const progress = createProgress()
  try {
    const wanted = {
      ...(count === undefined ? {} : { count }),
      ...(source === undefined ? {} : { source }),
      ...(kind === undefined ? {} : { kind }),
      ...(pve === undefined ? {} : { pve }),
      ...(cables === undefined ? {} : { cables }),
    }
    const report = await labUp({ lab, out, onProgress: progress.show, ...wanted })
    progress.end()
    for (const line of summary(report)) log(line)
    return report
  } finally {
    progress.end()
  }
}

async function loadSource(inventory: string) {
  const { loadInventory } = await import('../inventory/load.ts')
  return loadInventory(inventory, { cwd: process.cwd() })
}

function summary({ lab, inventory, nodes }: UpReport): string[] {
  const width = Math.max(...nodes.map((node) => node.name.length))
  const lines = nodes.map(({ name, address, started, failedUnits }) => {
    const failed = failedUnits.length === 0 ? '' : `, failed units: ${failedUnits.join(' ')}`
    return `${name.padEnd(width)}  ${address}  ${started ? 'started' : 'was running'}${failed}`
  })
  const option = lab === 'lab' ? '' : ` --name ${lab}`
  const file = path.relative(process.cwd(), inventory)
  const shown = file.startsWith('..') ? inventory : file
  return [...lines, `inventory: ${shown}`, `log in: pvectl lab ssh ${nodes[0]?.name ?? 'node1'}${option}`]
}
