/** Names of ICMP types that both implementations of the firewall take (PVE::Firewall, proxmox-ve-config rule_match.rs). */

/** For `proto: icmp`. */
export const ICMP_TYPES: readonly string[] = [
  ...['any', 'echo-reply', 'echo-request', 'destination-unreachable', 'network-unreachable', 'host-unreachable'],
  ...['protocol-unreachable', 'port-unreachable', 'fragmentation-needed', 'source-route-failed', 'network-unknown'],
  ...['host-unknown', 'network-prohibited', 'host-prohibited', 'TOS-network-unreachable', 'TOS-host-unreachable'],
  ...['communication-prohibited', 'host-precedence-violation', 'precedence-cutoff', 'source-quench', 'redirect'],
  ...['network-redirect', 'host-redirect', 'TOS-network-redirect', 'TOS-host-redirect', 'router-advertisement'],
  ...['router-solicitation', 'time-exceeded', 'ttl-zero-during-transit', 'ttl-zero-during-reassembly'],
  ...['parameter-problem', 'ip-header-bad', 'required-option-missing', 'timestamp-request', 'timestamp-reply'],
  ...['address-mask-request', 'address-mask-reply'],
]

/** For `proto: icmpv6`. */
export const ICMPV6_TYPES: readonly string[] = [
  ...['destination-unreachable', 'no-route', 'communication-prohibited', 'beyond-scope', 'address-unreachable'],
  ...['port-unreachable', 'failed-policy', 'packet-too-big', 'time-exceeded', 'ttl-zero-during-transit'],
  ...['ttl-zero-during-reassembly', 'parameter-problem', 'bad-header', 'unknown-header-type', 'unknown-option'],
  ...['echo-request', 'echo-reply', 'router-solicitation', 'router-advertisement', 'neighbor-solicitation'],
  ...['neighbour-solicitation', 'neighbor-advertisement', 'neighbour-advertisement', 'redirect'],
]
