/** Follows a packet through chains of rules. */
import type { Chain, Chains, Packet, Rule } from './packet.ts'

/** Where a packet ends, and what ended it. */
export interface Outcome {
  readonly kind: 'accept' | 'drop' | 'translate'
  /** The rule, or `policy` of the chain. */
  readonly by: string
  /** Chains it went through, from the outside in. */
  readonly path: readonly string[]
  /** How a `translate` changes it. */
  readonly how?: string
}

/** Chains that call each other are refused by the kernel; this is for texts that were cut. */
const DEEPEST = 32

/** The fate of a packet that enters at `start`. Rules that nobody can judge are taken as not about it. */
export function walk(chains: Chains, start: string, packet: Packet): Outcome | undefined {
  const first = chains.get(start)
  if (first === undefined) return undefined
  const outcome = new Walk(chains, packet).through([start], first)
  return outcome ?? { kind: first.policy ?? 'accept', by: `policy of ${start}`, path: [start] }
}

class Walk {
  readonly #chains: Chains
  /** As rules have left it: they put marks on it. */
  #packet: Packet

  constructor(chains: Chains, packet: Packet) {
    this.#chains = chains
    this.#packet = packet
  }

  through(path: readonly string[], chain: Chain): Outcome | undefined {
    for (const rule of chain.rules) {
      if (rule.match(this.#packet) !== 'yes') continue
      const next = this.#step(path, rule)
      if (next === 'return') return undefined
      if (next !== 'on') return next
    }
    return undefined
  }

  #step(path: readonly string[], rule: Rule): Outcome | 'on' | 'return' {
    const action = rule.action(this.#packet)
    switch (action.kind) {
      case 'none':
        return 'on'
      case 'mark':
        this.#packet = { ...this.#packet, mark: (((this.#packet.mark ?? 0) & ~action.mask) ^ action.value) >>> 0 }
        return 'on'
      case 'return':
        return 'return'
      case 'translate':
        return { kind: 'translate', by: rule.text, path, how: action.how }
      case 'accept':
      case 'drop':
        return { kind: action.kind, by: rule.text, path }
      case 'jump':
      case 'goto': {
        const chain = this.#chains.get(action.chain)
        if (chain === undefined || path.length > DEEPEST) return 'on'
        return this.through([...path, action.chain], chain) ?? (action.kind === 'goto' ? 'return' : 'on')
      }
    }
  }
}
