/** What the probe on a node is told to do, and what it tells. */
import type { Seat } from '../check.ts'

/** A connection to a guest of another network: one that is put there, or the one that has `address`. */
export interface Call {
  readonly to: Seat
  readonly address?: string
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
}

/** One probe from the place of a guest. */
export type SeatProbe = { readonly id: string; readonly seat: Seat } & (
  | { readonly kind: 'dhcp'; readonly mac?: string }
  | {
      readonly kind: 'dns'
      readonly server: string
      readonly name: string
      readonly types: readonly number[]
      /** Ask for a name below as well that no cache knows. */
      readonly fresh?: true
    }
  | { readonly kind: 'nat'; readonly family?: 6; readonly target?: string }
  | { readonly kind: 'forwarding'; readonly family?: 6; readonly target?: string }
  | { readonly kind: 'mtu'; readonly size: number }
  /** `host`: default the node; `uplink6`: the IPv6 address that it has outside. */
  | { readonly kind: 'tcp'; readonly host?: string; readonly port: number }
  /** Datagrams with `text` to a port of the node, which should leave it for a guest. `host` as above. */
  | {
      readonly kind: 'udp'
      readonly host: string
      readonly port: number
      readonly text: string
      readonly to: string
      readonly to_port: number
    }
  /** A port of the node itself, at each address that guests of the seat can know. */
  | { readonly kind: 'closed'; readonly port: number }
  | { readonly kind: 'ra' }
  | { readonly kind: 'between'; readonly tries: readonly Call[] }
)

/** One thing to read of the node itself. */
export interface FactWish {
  readonly id: string
  readonly kind:
    | 'command'
    | 'files'
    | 'rules'
    | 'units'
    | 'reach'
    | 'reach6'
    | 'tcp'
    | 'resolve'
    | 'dns'
    | 'http'
    | 'routes'
    | 'udp'
  readonly args: readonly (string | number)[]
}

/** All of one exchange. */
export interface NodePlan {
  readonly probes: readonly SeatProbe[]
  readonly facts: readonly FactWish[]
}

/** An answer of the probe, not yet judged. */
export type Seen = Readonly<Record<string, unknown>>

/** What came back: answers by id. */
export interface NodeReport {
  readonly probes: ReadonlyMap<string, Seen>
  readonly facts: ReadonlyMap<string, Seen>
  /** Of IPv4, with `controller`, and that of IPv6 in `six`. */
  readonly defaultRoute: Seen
}
