/** Packets as a firewall sees them, and rules as far as they can be followed from outside the kernel. */

/** The first packet of something that a guest sends, or an answer to it. */
export interface Packet {
  readonly family: 4 | 6
  /** To the node itself, through it, from it, or as far as the kernel decides on that. */
  readonly hook: 'input' | 'forward' | 'output' | 'prerouting'
  readonly protocol: 'tcp' | 'udp' | 'icmp'
  /** Interface it comes in by; empty when the node sends it. */
  readonly from: string
  /** Interface it leaves by, when it is forwarded or sent. */
  readonly to?: string
  readonly source: string
  readonly destination: string
  /** Of TCP and UDP. */
  readonly port?: number
  readonly sourcePort?: number
  /** Seen on its way over a bridge, where `from` is the bridge and nobody knows the port. */
  readonly bridged?: true
  /** Mark that a rule has put on it; default 0. */
  readonly mark?: number
  /** State of its connection; default `new`. An ICMP error is `related`. */
  readonly state?: 'new' | 'established' | 'related'
}

/** Number and name of the ICMP message of a packet: a ping, its answer, or what a router says of it. */
export function icmpType({ family, state = 'new' }: Packet): readonly [string, string] {
  if (state === 'new') return [family === 4 ? '8' : '128', 'echo-request']
  if (state === 'established') return [family === 4 ? '0' : '129', 'echo-reply']
  return [family === 4 ? '11' : '3', 'time-exceeded']
}

/** Whether a rule is about a packet; `maybe` where it asks for something that nobody here knows. */
export type Match = 'yes' | 'no' | 'maybe'

/** What a rule does with a packet it is about. */
export type Action =
  | { readonly kind: 'accept' }
  | { readonly kind: 'drop' }
  | { readonly kind: 'return' }
  | { readonly kind: 'jump' | 'goto'; readonly chain: string }
  /** Another address for it, or the like: the end of a chain of the nat table. */
  | { readonly kind: 'translate'; readonly how: string }
  /** A mark is put on it: `(mark & ~mask) ^ value`. */
  | { readonly kind: 'mark'; readonly value: number; readonly mask: number }
  /** Counts, logs: the next rule follows. */
  | { readonly kind: 'none' }

/** One rule, ready to be asked. */
export interface Rule {
  readonly text: string
  match(packet: Packet): Match
  action(packet: Packet): Action
}

/** A chain; a policy makes it one that the kernel begins with. */
export interface Chain {
  readonly policy?: 'accept' | 'drop'
  readonly rules: readonly Rule[]
}

/** Chains of one table by name. */
export type Chains = ReadonlyMap<string, Chain>

/** All of several conditions. */
export function all(matches: readonly Match[]): Match {
  if (matches.includes('no')) return 'no'
  return matches.includes('maybe') ? 'maybe' : 'yes'
}

/** A condition turned round. */
export function not(match: Match): Match {
  return match === 'maybe' ? 'maybe' : match === 'yes' ? 'no' : 'yes'
}

/** A plain truth. */
export function truth(value: boolean): Match {
  return value ? 'yes' : 'no'
}
