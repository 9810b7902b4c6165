/** Every kind of check, by its name. */
import type { Check } from '../check.ts'
import type { Prover } from '../prover.ts'
import { between } from './between.ts'
import { closed } from './closed.ts'
import { dhcpOffer, dhcpReservation } from './dhcp.ts'
import { dnsName, dnsOutside } from './dns.ts'
import { ipv6Ra } from './ipv6-ra.ts'
import { jump } from './jump.ts'
import { forward } from './ports.ts'
import { pveFirewall } from './pve-firewall.ts'
import { forwarding, mtu, nat } from './routing.ts'
import { certificate, proxy, redirect, unknownName, websocket } from './sites.ts'

type Provers = { readonly [Kind in Check['kind']]: Prover<Extract<Check, { kind: Kind }>> }

const provers: Provers = {
  between,
  certificate,
  closed,
  dhcp_offer: dhcpOffer,
  dhcp_reservation: dhcpReservation,
  dns_name: dnsName,
  dns_outside: dnsOutside,
  forward,
  forwarding,
  ipv6_ra: ipv6Ra,
  jump,
  mtu,
  nat,
  proxy,
  pve_firewall: pveFirewall,
  redirect,
  unknown_name: unknownName,
  websocket,
}

/** The prover of a check. */
export function proverOf(check: Check): Prover {
  return provers[check.kind] as Prover
}
