/** Facts about the live IPv4 NAT rules, as iptables has them. */
import { type Script, sh } from '../connection/script.ts'
import { splitRule } from '../nat/rule-text.ts'
import type { FactKind, FactRef } from './fact.ts'

/** One rule of the nat table. */
export interface NatRule {
  /** `POSTROUTING`, `PREROUTING`, … */
  readonly chain: string
  /** Arguments after `-A CHAIN`, in the spelling of iptables-save. */
  readonly args: readonly string[]
  /** The line of iptables-save. */
  readonly raw: string
}

/** The nat table, or why it cannot be read. */
export type NatState =
  | { readonly available: true; readonly rules: readonly NatRule[] }
  | { readonly available: false; readonly reason: string }

/**
 * One instance, id `ip4`. Only reads: iptables-nft-save creates no table (seen on a node without any), while the
 * legacy one would load the module of the table, so it runs only where the table is there already.
 */
export const natFact: FactKind<NatState> = {
  name: 'nat',
  observe: (): Script => sh`if pv_save=$(command -v iptables-save); then
	case $(readlink -f "$pv_save") in
	*legacy*) if grep -qx nat /proc/net/ip_tables_names 2>/dev/null; then iptables-save -t nat || echo '! failed'; fi ;;
	*) iptables-save -t nat || echo '! failed' ;;
	esac
else echo '! missing'; fi 2>&1`,
  parse: (output, ids) => {
    const state = readRules(output.toString('utf8'))
    return ids.map(() => state)
  },
}

/** The reference to the IPv4 nat table. */
export const natRef: FactRef<NatState> = { kind: natFact, id: 'ip4' }

/** The rule that `iptables -t nat -A CHAIN ARGS` would leave. */
export function natRule(chain: string, args: readonly string[]): NatRule {
  return { chain, args, raw: `-A ${chain} ${args.join(' ')}` }
}

function readRules(text: string): NatState {
  const lines = text.split('\n')
  if (lines.includes('! missing')) return { available: false, reason: 'iptables is not installed' }
  if (lines.includes('! failed')) {
    const said = lines.filter((line) => line.trim() !== '' && !/^[!#*:-]|^COMMIT$/.test(line))
    return { available: false, reason: ['iptables-save failed', ...said].join(': ') }
  }
  const rules = lines.flatMap((raw) => {
    const [, chain, rest = ''] = /^-A (\S+) ?(.*)$/.exec(raw) ?? []
    return chain === undefined ? [] : [{ chain, args: splitRule(rest), raw }]
  })
  return { available: true, rules }
}
