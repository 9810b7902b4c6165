/** What `ip -j -d` says of links beyond their kind: VLANs, bonds, tunnels, bridges. */

/** A bridge's own settings. */
export interface BridgeState {
  readonly stp: boolean
  /** Seconds. */
  readonly forwardDelay: number
  /** It tells VLANs apart; left out means no. */
  readonly vlanAware?: boolean
}

/** What makes a VLAN. Neither can be changed while it exists. */
export interface VlanState {
  readonly id: number
  /** `802.1Q`, `802.1ad`. */
  readonly protocol: string
}

/** Settings of a bond, by the kernel's names. */
export interface BondState {
  /** `active-backup`, `802.3ad`, … */
  readonly mode: string
  /** Milliseconds between looks at the carrier. */
  readonly miimon: number
  /** `layer2`, `layer2+3`, `layer3+4`, … */
  readonly hashPolicy: string
  /** `slow`, `fast`; of 802.3ad only. */
  readonly lacpRate?: string
  /** The link that is preferred; of active-backup and its like only. */
  readonly primary?: string
}

/** A VXLAN tunnel. None of it can be changed while it exists. */
export interface VxlanState {
  readonly id: number
  /** UDP port that frames are sent to. */
  readonly port: number
  /** Address that frames are sent from, when it is fixed. */
  readonly local?: string
}

/** `linkinfo` as ip(8) prints it, as far as it is read. */
export interface RawLinkInfo {
  readonly info_kind?: string
  readonly info_data?: {
    readonly stp_state?: number
    readonly forward_delay?: number
    readonly vlan_filtering?: number
    readonly id?: number
    readonly protocol?: string
    readonly mode?: string
    readonly miimon?: number
    readonly xmit_hash_policy?: string
    readonly ad_lacp_rate?: string
    readonly primary?: string
    readonly port?: number
    readonly local?: string
    readonly local6?: string
  }
}

/** The part of a link that only links of its kind have. */
export function readKind({ info_kind: kind = '', info_data: data = {} }: RawLinkInfo) {
  switch (kind) {
    case 'bridge':
      return {
        bridge: {
          stp: (data.stp_state ?? 0) !== 0,
          forwardDelay: (data.forward_delay ?? 1500) / 100,
          ...((data.vlan_filtering ?? 0) === 0 ? {} : { vlanAware: true }),
        } satisfies BridgeState,
      }
    case 'vlan':
      return { vlan: { id: data.id ?? 0, protocol: data.protocol ?? '802.1Q' } satisfies VlanState }
    case 'bond':
      return { bond: readBond(data) }
    case 'vxlan': {
      const local = data.local ?? data.local6
      return {
        vxlan: {
          id: data.id ?? 0,
          port: data.port ?? 8472,
          ...(local === undefined ? {} : { local }),
        } satisfies VxlanState,
      }
    }
    default:
      return {}
  }
}

function readBond({
  mode = 'balance-rr',
  miimon = 0,
  xmit_hash_policy: hashPolicy = 'layer2',
  ad_lacp_rate: lacpRate,
  primary,
}: NonNullable<RawLinkInfo['info_data']>): BondState {
  return {
    mode,
    miimon,
    hashPolicy,
    ...(mode !== '802.3ad' || lacpRate === undefined ? {} : { lacpRate }),
    ...(primary === undefined ? {} : { primary }),
  }
}
