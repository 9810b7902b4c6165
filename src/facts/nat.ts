/** Facts about the live rules of the nat and raw tables, as iptables and ip6tables have them. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { splitRule } from '../nat/rule-text.ts'
import type { IpFamily } from '../net/ip-cidr.ts'
import type { FactKind, FactRef } from './fact.ts'
import { SAVE_FAILED, SAVE_MISSING, saveTable } from './iptables-save.ts'

/** One rule of a table. */
export interface NatRule {
  /** `POSTROUTING`, `PREROUTING`, … */
  readonly chain: string
  /** Arguments after `-A CHAIN`, in the spelling of iptables-save. */
  readonly args: readonly string[]
  /** The line of iptables-save. */
  readonly raw: string
}

/** A table, or why it cannot be read. */
export type NatState =
  | { readonly available: true; readonly rules: readonly NatRule[] }
  | { readonly available: false; readonly reason: string }

/** Tables that are read. */
export type RuleTable = 'nat' | 'raw'

/** One instance a table: `ip4 nat`. */
export const natFact: FactKind<NatState> = {
  name: 'nat',
  observe: (ids, mark): Script => joinScripts(ids.map((id) => readTable(id, mark))),
  parse: (output, ids, mark) => {
    const parts = output.toString('utf8').split(`${mark}\n`)
    return ids.map((id, i) => readRules(parts[i] ?? '', id))
  },
}

/** The reference to a table. */
export function rulesOf(family: IpFamily, table: RuleTable): FactRef<NatState> {
  return { kind: natFact, id: `ip${family} ${table}` }
}

/** The reference to the IPv4 nat table. */
export const natRef: FactRef<NatState> = rulesOf(4, 'nat')

/** A table of one family. */
export interface RuleTableId {
  readonly family: IpFamily
  readonly table: RuleTable
}

/** All tables that the hooks of an interface may change. */
export const ruleTables: readonly RuleTableId[] = [
  { family: 4, table: 'nat' },
  { family: 6, table: 'nat' },
  { family: 4, table: 'raw' },
  { family: 6, table: 'raw' },
]

/** The rule that `iptables -t nat -A CHAIN ARGS` would leave. */
export function natRule(chain: string, args: readonly string[]): NatRule {
  return { chain, args, raw: `-A ${chain} ${args.join(' ')}` }
}

function readTable(id: string, mark: string): Script {
  const { family, table } = tableOf(id)
  return sh`{ ${saveTable(family, table)}
} 2>&1
echo ${mark}`
}

function tableOf(id: string): RuleTableId {
  const found = ruleTables.find(({ family, table }) => id === rulesOf(family, table).id)
  if (found === undefined) throw new Error(`no table ${id}`)
  return found
}

function readRules(text: string, id: string): NatState {
  const program = id.startsWith('ip6') ? 'ip6tables' : 'iptables'
  const lines = text.split('\n')
  if (lines.includes(SAVE_MISSING)) return { available: false, reason: `${program} is not installed` }
  if (lines.includes(SAVE_FAILED)) {
    const said = lines.filter((line) => line.trim() !== '' && !/^[!#*:-]|^COMMIT$/.test(line))
    return { available: false, reason: [`${program}-save failed`, ...said].join(': ') }
  }
  const rules = lines.flatMap((raw) => {
    const [, chain, rest = ''] = /^-A (\S+) ?(.*)$/.exec(raw) ?? []
    return chain === undefined ? [] : [{ chain, args: splitRule(rest), raw }]
  })
  return { available: true, rules }
}
