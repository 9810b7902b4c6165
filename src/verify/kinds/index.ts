/** Every kind of check, by its name. */
import type { Check } from '../check.ts'
import type { Prover } from '../prover.ts'
import { dhcpOffer, dhcpReservation } from './dhcp.ts'
import { dnsName, dnsOutside } from './dns.ts'
import { ipv6Ra } from './ipv6-ra.ts'
import { forwarding, mtu, nat } from './routing.ts'

type Provers = { readonly [Kind in Check['kind']]: Prover<Extract<Check, { kind: Kind }>> }

const provers: Partial<Provers> = {
  dhcp_offer: dhcpOffer,
  dhcp_reservation: dhcpReservation,
  dns_name: dnsName,
  dns_outside: dnsOutside,
  forwarding,
  ipv6_ra: ipv6Ra,
  mtu,
  nat,
}

/** The prover of a check. */
export function proverOf(check: Check): Prover {
  return provers[check.kind] as Prover
}
