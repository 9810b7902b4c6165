/** Variables of lab nodes, the ones that the shipped playbooks read, so that `site.yml` runs on a lab as it is. */

/** What a lab adds to the example. */
export interface LabExtras {
  /** Public keys for the jump account, as lines of authorized_keys. Without any, the jump host is skipped. */
  readonly jumpKeys?: readonly string[]
}

/**
 * Variables of one node of a lab, plain data for its inventory. `nodeIndex` counts from 1 and is 254 at most: every
 * node gets an internal network of its own, 10.10.INDEX.0/24, with two reserved guests.
 */
export function labVariables(nodeIndex: number, { jumpKeys = [] }: LabExtras = {}): Readonly<Record<string, unknown>> {
  if (!Number.isInteger(nodeIndex) || nodeIndex < 1 || nodeIndex > 254)
    throw new RangeError(`no internal network for node ${nodeIndex}`)
  const network = `10.10.${nodeIndex}`
  const mac = (guest: number) =>
    ['bc', '24', '11', '00', ...[nodeIndex, guest].map((byte) => byte.toString(16).padStart(2, '0'))].join(':')
  return {
    internal_address: `${network}.1/24`,
    internal_domain: 'lab.internal',
    public_domain: `node${nodeIndex}.example.org`,
    reservations: [
      { name: 'web', mac: mac(20), ip: `${network}.20` },
      { name: 'git', mac: mac(21), ip: `${network}.21` },
    ],
    ...(jumpKeys.length > 0 ? { jump_keys: jumpKeys } : {}),
  }
}
