/** Arithmetic on IP addresses for templates, as `net`. */
import { Address4, Address6 } from 'ip-address'
import { TemplateProblem } from './problem.ts'

/** What templates see as `net`. IPv4 and IPv6; `cidr` is an address with prefix length, `10.0.0.1/16`. */
export const net = {
  /** Network of an address: `10.0.0.1/16` → `10.0.0.0/16`. */
  network(cidr: string): string {
    const parsed = parse(cidr, 'network')
    return `${short(parsed.startAddress())}/${parsed.subnetMask}`
  },
  /** Address without prefix length: `10.0.0.1/16` → `10.0.0.1`. */
  address(cidr: string): string {
    return short(parse(cidr, 'address', false))
  },
  /** The nth address of the network, negative from its end: `10.0.0.1/16`, 300 → `10.0.1.44`; -1 → `10.0.255.255`. */
  nth(cidr: string, n: number): string {
    const parsed = parse(cidr, 'nth')
    if (!Number.isInteger(n)) throw new TemplateProblem(`net.nth: the number must be whole, not ${n}`)
    const first = parsed.startAddress().bigInt()
    const last = parsed.endAddress().bigInt()
    const wanted = (n < 0 ? last + 1n : first) + BigInt(n)
    if (wanted < first || wanted > last) throw new TemplateProblem(`net.nth: ${cidr} has no address number ${n}`)
    return short(parsed instanceof Address4 ? Address4.fromBigInt(wanted) : Address6.fromBigInt(wanted))
  },
  /** Prefix length: `10.0.0.1/16` → 16. */
  prefix(cidr: string): number {
    return parse(cidr, 'prefix').subnetMask
  },
  /** Netmask, IPv4 only: `10.0.0.1/16` → `255.255.0.0`. */
  netmask(cidr: string): string {
    const parsed = parse(cidr, 'netmask')
    if (parsed instanceof Address6) throw new TemplateProblem('net.netmask: IPv6 has no netmasks; use net.prefix')
    return short(parsed.subnetMaskAddress())
  },
}

function parse(cidr: unknown, caller: string, needsPrefix = true): Address4 | Address6 {
  const text = String(cidr)
  const wanted = needsPrefix ? 'an address with prefix length, such as 10.0.0.1/24' : 'an IP address'
  const problem = new TemplateProblem(`net.${caller}: \`${text}\` is not ${wanted}`)
  if (typeof cidr !== 'string' || (needsPrefix && !text.includes('/'))) throw problem
  try {
    return text.includes(':') ? new Address6(text) : new Address4(text)
  } catch {
    throw problem
  }
}

function short(address: Address4 | Address6): string {
  return address.correctForm()
}
