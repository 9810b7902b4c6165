/** Variables of lab nodes, the ones that the shipped playbooks read, so that `site.yml` runs on a lab as it is. */

/** What a lab adds to the example. */
export interface LabExtras {
  /** Public keys for the jump account, as lines of authorized_keys. Without any, the jump host is skipped. */
  readonly jumpKeys?: readonly string[]
}

/**
 * Variables of one node of a lab, plain data for its inventory. `nodeIndex` counts from 1 and is 255 at most. All nodes
 * have the same internal network, as they may: it does not leave the node.
 */
export function labVariables(nodeIndex: number, { jumpKeys = [] }: LabExtras = {}): Readonly<Record<string, unknown>> {
  if (!Number.isInteger(nodeIndex) || nodeIndex < 1 || nodeIndex > 255)
    throw new RangeError(`no MAC addresses for node ${nodeIndex}`)
  const mac = (guest: number) =>
    ['bc', '24', '11', '00', ...[nodeIndex, guest].map((byte) => byte.toString(16).padStart(2, '0'))].join(':')
  return {
    internal_address: '10.10.10.1/24',
    internal_domain: 'lab.internal',
    public_domain: `node${nodeIndex}.example.org`,
    reservations: [
      { name: 'web', mac: mac(20), ip: '10.10.10.20' },
      { name: 'git', mac: mac(21), ip: '10.10.10.21' },
    ],
    ...(jumpKeys.length > 0 ? { jump_keys: jumpKeys } : {}),
  }
}
