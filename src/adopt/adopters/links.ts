/** Describes bonds and VLANs of /etc/network/interfaces. */
import type { Model } from '../../facts/model.ts'
import { addressesNamed } from '../../interfaces/address.ts'
import { addresses6Named } from '../../interfaces/address6.ts'
import { isAutostarted } from '../../interfaces/allow.ts'
import type { Lines } from '../../interfaces/lines.ts'
import { formatIpCidr } from '../../net/ip-cidr.ts'
import type { Finding, LeftOver, TaskDraft } from '../adopter.ts'
import { commentOf, linkOf, optionOf, unreadOptions, type WrittenInterface } from '../networks.ts'
import { reducedWays } from '../reduced.ts'

/** Numbers of bonding modes, which some write instead of their names (kernel, bonding.txt). */
const MODES = ['balance-rr', 'active-backup', 'balance-xor', 'broadcast', '802.3ad', 'balance-tlb', 'balance-alb']

/** What describes an interface that is a bond or a VLAN; undefined for any other. */
export function linkFinding(written: WrittenInterface, lines: Lines, model: Model): Finding | undefined {
  const kind = linkOf(model, written.name)?.kind
  if (optionOf(written, 'bond-slaves', 'slaves') !== undefined)
    return finding('bond', written, lines, bondParams(written))
  const isVlan =
    kind === 'vlan' || optionOf(written, 'vlan-raw-device') !== undefined || /^[^.]+\.\d+$/.test(written.name)
  return isVlan ? finding('vlan', written, lines, vlanParams(written)) : undefined
}

/** Names of the cards that a bond is made of. */
export function slavesOf(written: WrittenInterface): readonly string[] {
  const text = optionOf(written, 'bond-slaves', 'slaves') ?? ''
  return text.split(/\s+/).filter((slave) => slave !== '' && slave !== 'none')
}

type Params = TaskDraft['params']

function finding(type: 'bond' | 'vlan', written: WrittenInterface, lines: Lines, details: Params): Finding {
  const { name } = written
  const [address, ...more] = addressesNamed(lines, name).map(formatIpCidr)
  const [address6, ...more6] = addresses6Named(lines, name).map(formatIpCidr)
  const comment = commentOf(lines, name)
  const mtu = Number(optionOf(written, 'mtu'))
  const params = {
    name,
    ...details,
    ...(address === undefined ? {} : { address }),
    ...(address6 === undefined ? {} : { address6 }),
    ...(mtu > 0 ? { mtu } : {}),
    ...(comment === undefined ? {} : { comment }),
    ...(isAutostarted(lines, name) ? {} : { autostart: false }),
  }
  const leaves: readonly LeftOver[] = [
    ...[...more, ...more6].map((extra) => ({
      what: `address ${extra} of ${name}`,
      why: `\`${type}\` has one address of a family`,
    })),
    ...unreadOptions(written, READ).map((text) => ({
      what: `\`${text}\` of ${name}`,
      why: `\`${type}\` has no parameter for it; it stays in the stanza`,
    })),
  ]
  const title = type === 'bond' ? 'Bond' : 'VLAN'
  const draft: TaskDraft = { name: `${title} ${name}`, type, params }
  const parts = [
    { keys: ['comment'], what: `comment of ${name}` },
    { keys: ['slaves', 'primary'], what: `cards of ${name}` },
    { keys: ['mtu'], what: `MTU of ${name}` },
  ]
  return { what: `${type} ${name}`, ways: reducedWays(draft, parts, leaves) }
}

const READ =
  /^(address|netmask|broadcast|mtu|(bond-)?(slaves|mode|primary|xmit-hash-policy|lacp-rate|miimon)|vlan-raw-device|vlan-id|vlan-protocol)$/

function bondParams(written: WrittenInterface): Params {
  const mode = optionOf(written, 'bond-mode')
  const named = mode !== undefined && /^[0-6]$/.test(mode) ? MODES[Number(mode)] : mode
  const rate = optionOf(written, 'bond-lacp-rate')
  const miimon = Number(optionOf(written, 'bond-miimon'))
  const primary = optionOf(written, 'bond-primary')
  const policy = optionOf(written, 'bond-xmit-hash-policy')
  return {
    slaves: slavesOf(written),
    ...(named === undefined ? {} : { mode: named }),
    ...(primary === undefined || named !== 'active-backup' ? {} : { primary }),
    ...(policy === undefined || (named !== '802.3ad' && named !== 'balance-xor') ? {} : { hash_policy: policy }),
    ...(rate === undefined || named !== '802.3ad'
      ? {}
      : { lacp_rate: rate === '1' || rate === 'fast' ? 'fast' : 'slow' }),
    ...(miimon > 0 ? { miimon } : {}),
  }
}

function vlanParams(written: WrittenInterface): Params {
  const { name } = written
  const raw = optionOf(written, 'vlan-raw-device')
  const id = Number(optionOf(written, 'vlan-id'))
  const protocol = optionOf(written, 'vlan-protocol')?.toLowerCase()
  const isDotted = /^[^.]+\.\d+$/.test(name)
  return {
    ...(raw === undefined || isDotted ? {} : { raw_device: raw }),
    ...(id > 0 && !isDotted && !/^vlan\d+$/.test(name) ? { id } : {}),
    ...(protocol === '802.1ad' ? { protocol } : {}),
  }
}
