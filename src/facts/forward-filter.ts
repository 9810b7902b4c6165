/** Facts about what a node lets pass from one interface to another, as far as Docker has a say in it. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { splitRule } from '../nat/rule-text.ts'
import type { IpFamily } from '../net/ip-cidr.ts'
import type { FactKind, FactRef } from './fact.ts'
import { saveTable } from './iptables-save.ts'

/** The FORWARD chain of the filter table. */
export interface ForwardFilterState {
  /** What becomes of packets that no rule is about. */
  readonly policy: 'ACCEPT' | 'DROP'
  /** Docker has chains in the table. */
  readonly docker: boolean
  /** Rules of FORWARD and of DOCKER-USER, which is the first place in FORWARD; arguments after the chain. */
  readonly rules: readonly { readonly chain: 'FORWARD' | 'DOCKER-USER'; readonly args: readonly string[] }[]
}

/** Two instances: `ip4` and `ip6`. */
export const forwardFilterFact: FactKind<ForwardFilterState> = {
  name: 'forward-filter',
  observe: (ids, mark): Script => joinScripts(ids.map((id) => readTable(id, mark))),
  parse(output, ids, mark) {
    const parts = output.toString('utf8').split(`${mark}\n`)
    return ids.map((_, i) => readState(parts[i] ?? ''))
  },
}

/** The reference to the chain of a family. */
export function forwardFilterOf(family: IpFamily): FactRef<ForwardFilterState> {
  return { kind: forwardFilterFact, id: `ip${family}` }
}

function readTable(id: string, mark: string): Script {
  return sh`{ ${saveTable(id === 'ip6' ? 6 : 4, 'filter')}
} 2>/dev/null | grep -E '^(:(FORWARD|DOCKER)|-A (FORWARD|DOCKER-USER) )'
echo ${mark}`
}

function readState(text: string): ForwardFilterState {
  const rules = text.split('\n').flatMap((line): ForwardFilterState['rules'] => {
    const [, chain, rest = ''] = /^-A (FORWARD|DOCKER-USER) (.*)$/.exec(line) ?? []
    return chain === 'FORWARD' || chain === 'DOCKER-USER' ? [{ chain, args: splitRule(rest) }] : []
  })
  return { policy: /^:FORWARD DROP/m.test(text) ? 'DROP' : 'ACCEPT', docker: /^:DOCKER/m.test(text), rules }
}
