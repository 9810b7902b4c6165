/**
 * Checks: what must be seen to work on a host, from where it matters. Plain data, made by task types; what is sent and
 * what is said about it is the business of this folder. Each kind says what it proves.
 */

/** The place of a guest: a port of a bridge, taken by a throw-away network namespace while the checks run. */
export interface Seat {
  /** Bridge, or VLAN interface on one, that guests are plugged into. Default: whichever has an address in `network`. */
  readonly interface?: string
  /** Network of the guests: `10.10.10.0/24`, or the address of the node in it: `10.10.10.1/24`. */
  readonly network?: string
  /** VLAN tag of the guests; default: that of the interface, or none. */
  readonly vlan?: number
}

/** A DHCP server offers an address in range, with the right router and name servers. A DISCOVER only: no lease is left. */
export interface DhcpOfferCheck {
  readonly kind: 'dhcp_offer'
  readonly seat: Seat
  /** Addresses that may be offered, both ends included; none: only the subnet counts. */
  readonly ranges: readonly { readonly start: string; readonly end: string }[]
  /** Expected default gateway; `false`: none may be offered. */
  readonly router: string | false
  /** Expected name servers, in order. */
  readonly dns: readonly string[]
}

/** The DHCP server offers the reserved address to this hardware address. */
export interface DhcpReservationCheck {
  readonly kind: 'dhcp_reservation'
  readonly seat: Seat
  readonly mac: string
  readonly ip: string
}

/** A guest gets the right answer from a name server. */
export interface DnsNameCheck {
  readonly kind: 'dns_name'
  readonly seat: Seat
  readonly server: string
  readonly name: string
  /** All addresses that the name must have; IPv4 and IPv6. */
  readonly addresses: readonly string[]
}

/** A guest gets an answer for a name of the world outside: `verify.outside_name` of the host's variables. */
export interface DnsOutsideCheck {
  readonly kind: 'dns_outside'
  readonly seat: Seat
  readonly server: string
}

/**
 * A packet of a guest gets to the outside and its answer back: `verify.nat_target`, default the node's own gateway. Of
 * a network of IPv6 (NAT66) `verify.nat_target6`, default the node's IPv6 gateway.
 */
export interface NatCheck {
  readonly kind: 'nat'
  readonly seat: Seat
  /** Interface that the packets leave by. */
  readonly out: string
  /** Source address that they get; default: the one of `out`. */
  readonly to?: string
}

/** The node passes packets of a guest on (it answers one that has no hops left, which it does as a router only). */
export interface ForwardingCheck {
  readonly kind: 'forwarding'
  readonly seat: Seat
  /** Version of IP; default 4. */
  readonly family?: 6
}

/** A guest gets an IPv6 address and a default route by router advertisements. */
export interface Ipv6RaCheck {
  readonly kind: 'ipv6_ra'
  readonly seat: Seat
}

/** A packet of the full size of guests gets through, unfragmented. */
export interface MtuCheck {
  readonly kind: 'mtu'
  readonly seat: Seat
  /** MTU of the guests in bytes; default 1500, as network cards have it. */
  readonly mtu?: number
}

/** What stands behind a site of a reverse proxy. */
export type SiteBehind =
  | { readonly kind: 'servers'; readonly servers: readonly string[]; readonly scheme: 'http' | 'https' }
  | {
      readonly kind: 'guests'
      /** `NAME.domain` leads to the guest `NAME.internalDomain`. */
      readonly domain: string
      readonly internalDomain: string
      readonly port: number
      readonly scheme: 'http' | 'https'
    }
  | { readonly kind: 'pve' }
  /** A template of the user's own: nobody knows. */
  | { readonly kind: 'anything' }

/** One site as it is meant to answer. */
export interface Site {
  /** File of the site on the node. */
  readonly file: string
  /** Host name, possibly `*.example.org`. */
  readonly name: string
  /** Port that answers: of https where the site has TLS. */
  readonly port: number
  readonly tls: boolean
  readonly behind: SiteBehind
  /** Networks that may use it; empty: everybody. */
  readonly allow: readonly string[]
}

/** The site shows a certificate that names it, that is valid now, and that is the one on the node. */
export interface CertificateCheck {
  readonly kind: 'certificate'
  readonly site: Site
  /** File on the node. */
  readonly file: string
}

/** A request from outside comes to the server behind the site, and its answer back. */
export interface ProxyCheck {
  readonly kind: 'proxy'
  readonly site: Site
}

/** A WebSocket gets through the site: at `verify.websocket_paths`, default `/`. */
export interface WebSocketCheck {
  readonly kind: 'websocket'
  readonly site: Site
}

/** Plain http sends the visitor to https. */
export interface RedirectCheck {
  readonly kind: 'redirect'
  readonly site: Site
  readonly httpPort: number
}

/** Names that no site has get no answer: the handshake is refused, or the connection closed. */
export interface UnknownNameCheck {
  readonly kind: 'unknown_name'
  readonly port: number
  readonly tls: boolean
}

/** The account leads to the hosts it may reach, to nothing else, and has no shell. */
export interface JumpCheck {
  readonly kind: 'jump'
  readonly user: string
  /** Public keys that may log in, as in a .pub file. */
  readonly keys: readonly string[]
  /** `host:port` it may reach, IPv6 in brackets. */
  readonly permitted: readonly string[]
}

/** A port of the node leads to a guest. */
export interface ForwardCheck {
  readonly kind: 'forward'
  readonly protocol: 'tcp' | 'udp'
  /** Address of the node that is forwarded; default: the one of `verify.address`. */
  readonly address?: string
  readonly port: number
  readonly to: { readonly address: string; readonly port: number }
  /** `outside`: from this machine. Else from the place of a guest (hairpin). */
  readonly from: 'outside' | Seat
}

/** Nothing answers at a port of the node. */
export interface ClosedCheck {
  readonly kind: 'closed'
  readonly port: number
  /** `outside`: from this machine. Else from the place of a guest. */
  readonly from: 'outside' | Seat
}

/** One connection that guests of a network try to another. */
export interface BetweenTry {
  /** Name of the other network. */
  readonly name: string
  readonly to: Seat
  /** Guest that it is about; default: any. */
  readonly address?: string
  readonly protocol: 'tcp' | 'udp'
  readonly port: number
  /** Whether it may pass. */
  readonly passes: boolean
  /** True when all that goes there may pass. */
  readonly all?: true
}

/** Of what guests of a network send to other networks of the node passes what may, and nothing else. */
export interface BetweenCheck {
  readonly kind: 'between'
  readonly seat: Seat
  /** Name of the network. */
  readonly name: string
  /** Table of nftables, family `inet`, whose chain `forward` keeps them apart. */
  readonly table: string
  readonly tries: readonly BetweenTry[]
}

/** The firewall of Proxmox VE that a task turns on is in the kernel. */
export interface PveFirewallCheck {
  readonly kind: 'pve_firewall'
}

/** One thing to prove about a host. */
export type Check =
  | DhcpOfferCheck
  | DhcpReservationCheck
  | DnsNameCheck
  | DnsOutsideCheck
  | NatCheck
  | ForwardingCheck
  | Ipv6RaCheck
  | MtuCheck
  | CertificateCheck
  | ProxyCheck
  | WebSocketCheck
  | RedirectCheck
  | UnknownNameCheck
  | JumpCheck
  | ForwardCheck
  | ClosedCheck
  | BetweenCheck
  | PveFirewallCheck
