/** Describes bridges, ports and bonds of Open vSwitch in /etc/network/interfaces. */
import { addressesNamed } from '../../interfaces/address.ts'
import { addresses6Named } from '../../interfaces/address6.ts'
import { isAutostarted } from '../../interfaces/allow.ts'
import type { Lines } from '../../interfaces/lines.ts'
import { formatIpCidr } from '../../net/ip-cidr.ts'
import type { Finding, TaskDraft, Way } from '../adopter.ts'
import { commentOf, optionOf, unreadOptions, type WrittenInterface } from '../networks.ts'

const TYPES: Readonly<Record<string, string>> = {
  OVSBridge: 'ovs_bridge',
  OVSPort: 'ovs_port',
  OVSIntPort: 'ovs_int_port',
  OVSBond: 'ovs_bond',
}
const READ = /^(address|netmask|broadcast|ovs-(type|bridge|ports|bonds|options|mtu)|mtu)$/

/** What describes an interface of Open vSwitch; undefined for any other. */
export function ovsFinding(written: WrittenInterface, lines: Lines): Finding | undefined {
  const { name } = written
  const type = TYPES[optionOf(written, 'ovs-type') ?? '']
  if (type === undefined) return undefined
  const [address] = addressesNamed(lines, name).map(formatIpCidr)
  const [address6] = addresses6Named(lines, name).map(formatIpCidr)
  const comment = commentOf(lines, name)
  const mtu = Number(optionOf(written, 'ovs-mtu', 'mtu'))
  const bridge = optionOf(written, 'ovs-bridge')
  const isBridge = type === 'ovs_bridge'
  const { params: vlans, unread } = ovsOptions(optionOf(written, 'ovs-options') ?? '', type)
  const params: TaskDraft['params'] = {
    name,
    ...(isBridge || bridge === undefined ? {} : { bridge }),
    ...(type === 'ovs_bond'
      ? { slaves: (optionOf(written, 'ovs-bonds') ?? '').split(/\s+/).filter((card) => card !== '') }
      : {}),
    ...vlans,
    ...(address === undefined ? {} : { address }),
    ...(address6 === undefined ? {} : { address6 }),
    ...(mtu > 0 ? { mtu } : {}),
    ...(comment === undefined ? {} : { comment }),
    ...(isBridge && !isAutostarted(lines, name) ? { autostart: false } : {}),
  }
  const leaves = [...unread.map((text) => `ovs_options ${text}`), ...unreadOptions(written, READ)].map((text) => ({
    what: `\`${text}\` of ${name}`,
    why: `\`${type}\` has no parameter for it; it stays in the stanza`,
  }))
  const way: Way = { tasks: [{ name: `Open vSwitch: ${name}`, type, params }], leaves }
  return { what: `${type} ${name}`, ways: [way] }
}

const BOND_MODES: Readonly<Record<string, string>> = {
  'active-backup': 'active-backup',
  'balance-slb': 'balance-slb',
  'balance-slb active': 'lacp-balance-slb',
  'balance-tcp active': 'lacp-balance-tcp',
}

/** `tag=50 vlan_mode=access bond_mode=balance-tcp lacp=active other_config:lacp-time=fast`. */
function ovsOptions(
  text: string,
  type: string,
): { readonly params: TaskDraft['params']; readonly unread: readonly string[] } {
  const options = new Map(
    text
      .split(/\s+/)
      .filter((word) => word !== '')
      .map((word) => [word.split('=')[0] ?? '', word.slice(word.indexOf('=') + 1)]),
  )
  const take = (name: string) => {
    const value = options.get(name)
    options.delete(name)
    return value
  }
  const [tag, trunks, vlanMode] = [take('tag'), take('trunks'), take('vlan_mode')]
  const mode = type === 'ovs_bond' ? BOND_MODES[`${take('bond_mode') ?? ''} ${take('lacp') ?? ''}`.trim()] : undefined
  const rate = type === 'ovs_bond' ? take('other_config:lacp-time') : undefined
  const params = {
    ...(mode === undefined ? {} : { mode }),
    ...(rate === undefined ? {} : { lacp_rate: rate }),
    ...(tag === undefined ? {} : { tag: Number(tag) }),
    ...(trunks === undefined
      ? {}
      : { trunks: trunks.split(',').map((each) => (/^\d+$/.test(each) ? Number(each) : each)) }),
    ...(vlanMode === undefined ? {} : { vlan_mode: vlanMode }),
  }
  return { params, unread: [...options].map(([name, value]) => `${name}=${value}`) }
}
