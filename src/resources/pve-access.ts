/** What accounts, roles and permissions of Proxmox VE have in common: what the node must answer before they change. */
import { type Script, sh } from '../connection/script.ts'
import type { FactRef } from '../facts/fact.ts'
import type { Model } from '../facts/model.ts'
import type { Listed } from '../facts/pve-access.ts'
import type { PlanBlocked } from './resource.ts'

/** A blocked plan. */
export function refused(reason: string, hint?: string): PlanBlocked {
  return { kind: 'blocked', reason, ...(hint === undefined ? {} : { hint }) }
}

/** Rows of a list; undefined where the node does not say. */
export function rowsOf<Row>(model: Model, ref: FactRef<Listed<Row>>): readonly Row[] | undefined {
  const listed = model.get(ref)
  return 'rows' in listed ? listed.rows : undefined
}

/** Why nothing can be said of the accounts of this node; undefined when all lists are there. */
export function unanswered(model: Model, refs: readonly FactRef<Listed<unknown>>[]): PlanBlocked | undefined {
  for (const ref of refs) {
    const listed = model.get(ref)
    if ('rows' in listed) continue
    return listed.missing === 'pveum'
      ? refused('there is no pveum on this node: it is no Proxmox VE node')
      : refused('pveum does not answer on this node', 'look at `pveum user list` and `systemctl status pve-cluster`')
  }
  return undefined
}

/**
 * A step that runs pveum. It decodes its arguments by the locale (pve-common src/PVE/JSONSchema.pm, get_options), and
 * steps run in the locale C, where all but ASCII would be lost.
 */
export function withPveum(script: Script): Script {
  return sh`LC_ALL=C.UTF-8; export LC_ALL
${script}`
}

/** `a, b and c`. */
export function enumerate(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`
}
