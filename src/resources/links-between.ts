/** What of a change of /etc/network/interfaces can be made live for links other than bridges of Linux. */
import { type Script, sh } from '../connection/script.ts'
import { becomes, type FactRef } from '../facts/fact.ts'
import { interfacesRef } from '../facts/interfaces.ts'
import { linkNamed, linksRef } from '../facts/links.ts'
import { ovsRef } from '../facts/ovs.ts'
import { addressesNamed } from '../interfaces/address.ts'
import { addresses6Named } from '../interfaces/address6.ts'
import {
  type BondSettings,
  HASH_POLICIES,
  modeInFile,
  readHashPolicy,
  readLacpRate,
  slavesInFile,
} from '../interfaces/bond.ts'
import { linkLocalInFile, mtuInFile, portsInFile, vidsInFile, vlanAwareInFile } from '../interfaces/bridge.ts'
import type { Lines } from '../interfaces/lines.ts'
import { isWithoutIpv4, type LinkSettings, optionInFile } from '../interfaces/link-stanza.ts'
import { ownersInFile } from '../interfaces/members.ts'
import {
  type OvsPortSettings,
  ovsOptionsInFile,
  ovsPortsInFile,
  ovsSlavesInFile,
  ovsTypeInFile,
} from '../interfaces/ovs.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { vlanInFile } from '../interfaces/vlan.ts'
import { peersInFile, vxlanIdInFile } from '../interfaces/vxlan.ts'
import { formatIpCidr } from '../net/ip-cidr.ts'
import { formatVids } from '../net/vids.ts'
import { bondLink } from './bond-link.ts'
import { bridgeLink } from './bridge-link.ts'
import { bridgeVlans } from './bridge-vlans.ts'
import { ovsBridgeLink, ovsPortLink } from './ovs-link.ts'
import { withoutBridge, withoutPort } from './ovs-steps.ts'
import { withoutLink } from './predict-links.ts'
import { OK, type Resource } from './resource.ts'
import { vlanLink } from './vlan-link.ts'
import { vxlanLink } from './vxlan-link.ts'

/** Links that only the present file knows: taken away, those on top first. */
export function linksGone(present: Lines, wanted: Lines): readonly Resource[] {
  const gone = namesOf(present).filter((name) => stanzasOf(wanted, name).length === 0)
  const unplugged = namesOf(wanted).filter(
    (name) => ovsTypeInFile(present, name) === 'OVSPort' && ovsTypeInFile(wanted, name) === undefined,
  )
  return [...gone, ...unplugged]
    .sort((a, b) => rankOf(present, b) - rankOf(present, a))
    .flatMap((name) => goneLink(present, name))
}

/**
 * Links that come or become otherwise, in the order in which they carry each other. `above`: bridges, as far as they
 * have more than ports, spanning tree and IPv4 address, and what is on them.
 */
export function linksOtherwise(present: Lines, wanted: Lines, above: boolean): readonly Resource[] {
  return namesOf(wanted)
    .filter((name) => described(present, name) !== described(wanted, name))
    .filter((name) => (portsInFile(wanted, name) !== undefined || isAboveBridge(wanted, name)) === above)
    .sort((a, b) => rankOf(wanted, a) - rankOf(wanted, b))
    .flatMap((name) =>
      portsInFile(wanted, name) === undefined ? liveLink(wanted, name) : bridgeFurther(present, wanted, name),
    )
}

function namesOf(lines: Lines): readonly string[] {
  return [...new Set(stanzasOf(lines).map(({ name }) => name))]
}

/** What a bridge has beyond ports, spanning tree and IPv4 address, as far as the files differ about it. */
function bridgeFurther(present: Lines, wanted: Lines, name: string): readonly Resource[] {
  if (stanzasOf(present, name).length === 0) return []
  const [now, then] = [furtherInFile(present, name), furtherInFile(wanted, name)]
  const differing = Object.entries(then).filter(([key, { text }]) => text !== now[key as keyof typeof now].text)
  if (differing.length === 0) return []
  const settings = Object.fromEntries(differing.map(([key, { value }]) => [key, value]))
  return [bridgeLink({ name, ...settings }), ...(vlanAwareInFile(wanted, name) ? [bridgeVlans(name)] : [])]
}

function furtherInFile(lines: Lines, name: string) {
  const vids = vlanAwareInFile(lines, name) ? formatVids(vidsInFile(lines, name)) : ''
  const addresses = addresses6Named(lines, name)
  const [mtu, linkLocal, vlanAware] = [
    mtuInFile(lines, name),
    linkLocalInFile(lines, name),
    vlanAwareInFile(lines, name),
  ]
  return {
    vlanAware: { value: vlanAware, text: `${vlanAware} ${vids}` },
    mtu: { value: mtu ?? 1500, text: String(mtu) },
    linkLocal: { value: linkLocal, text: String(linkLocal) },
    address6: { value: addresses[0] ?? ('none' as const), text: addresses.map(formatIpCidr).join(' ') },
  }
}

/** What a stanza says, in one text; comments and `auto` do not matter. */
function described(lines: Lines, name: string): string {
  return stanzasOf(lines, name)
    .flatMap(({ family, method, options }) => [
      `${family} ${method}`,
      ...options.map((one) => `${one.name} ${one.value}`),
    ])
    .join('\n')
}

/** What carries others comes first; VLANs may be on VLANs. */
function rankOf(lines: Lines, name: string): number {
  const type = ovsTypeInFile(lines, name)
  if (type !== undefined) return type === 'OVSBridge' ? 1 : 2
  if (vlanInFile(lines, name) !== undefined) return 3 + name.split('.').length
  return vxlanIdInFile(lines, name) === undefined ? 0 : 3
}

function isAboveBridge(lines: Lines, name: string): boolean {
  const raw = vlanInFile(lines, name)?.rawDevice
  return raw !== undefined && (portsInFile(lines, raw) !== undefined || isAboveBridge(lines, raw))
}

function goneLink(lines: Lines, name: string): readonly Resource[] {
  const type = ovsTypeInFile(lines, name)
  if (type === 'OVSBridge') return [linkOff(name, sh`ovs-vsctl -t 10 -- --if-exists del-br ${name}`)]
  if (type !== undefined)
    return [linkOff(name, sh`ovs-vsctl -t 10 -- --if-exists del-port ${name}`, type === 'OVSPort')]
  const isOwn = [slavesInFile(lines, name), vlanInFile(lines, name), vxlanIdInFile(lines, name)].some(
    (one) => one !== undefined,
  )
  return isOwn ? [linkOff(name, sh`[ ! -d ${`/sys/class/net/${name}`} ] || ip link del dev ${name}`)] : []
}

/** `stays`: the link is hardware, and only leaves its bridge. */
function linkOff(name: string, script: Script, stays = false): Resource {
  return {
    kind: 'link_gone',
    key: `link-gone:${name}`,
    title: stays ? `${name} in no bridge of Open vSwitch` : `no link ${name}`,
    reads: [interfacesRef, linksRef, ovsRef as FactRef<unknown>],
    plan(model) {
      const links = model.get(linksRef)
      const ovs = model.get(ovsRef)
      const isPort = ovs.ports.some((port) => port.name === name)
      if (!isPort && (stays || linkNamed(links, name) === undefined)) return OK
      return {
        kind: 'change',
        changes: [{ summary: stays ? `take ${name} out of its bridge` : `take ${name} down and remove it` }],
        script,
        after: [
          ...(stays ? [] : [becomes(linksRef, withoutLink(links, name))]),
          becomes(ovsRef, withoutPort(withoutBridge(ovs, name), name)),
        ],
        risk: 'link',
      }
    },
  }
}

function liveLink(lines: Lines, name: string): readonly Resource[] {
  const settings = settingsInFile(lines, name)
  const type = ovsTypeInFile(lines, name)
  if (type === 'OVSBridge') {
    const cards = ovsPortsInFile(lines, name).filter((port) => (ovsTypeInFile(lines, port) ?? 'OVSPort') === 'OVSPort')
    return [ovsBridgeLink({ ...settings, ports: cards })]
  }
  if (type === 'OVSPort' || type === 'OVSIntPort' || type === 'OVSBond')
    return [ovsPortLink(ovsPort(lines, settings, type))]
  const vlan = vlanInFile(lines, name)
  if (vlan !== undefined) return [vlanLink({ ...settings, ...vlan })]
  const vxlan = vxlanIdInFile(lines, name)
  if (vxlan !== undefined) return [vxlanLink({ ...settings, id: vxlan, peers: peersInFile(lines, name) })]
  if (slavesInFile(lines, name) === undefined) return []
  const [bridge] = ownersInFile(lines, name).filter((owner) => portsInFile(lines, owner) !== undefined)
  return [bondLink({ ...bond(lines, settings), bridge })]
}

function ovsPort(lines: Lines, settings: LinkSettings, type: OvsPortSettings['type']): OvsPortSettings {
  const { name } = settings
  const bridge = optionInFile(lines, name, 'ovs-bridge') ?? ''
  const slaves = type === 'OVSBond' ? ovsSlavesInFile(lines, name) : undefined
  return { ...settings, type, bridge, slaves, options: ovsOptionsInFile(lines, name) }
}

function bond(lines: Lines, settings: LinkSettings): BondSettings {
  const { name } = settings
  const mode = modeInFile(lines, name)
  const hash = readHashPolicy(optionInFile(lines, name, 'bond-xmit-hash-policy')) ?? 'layer2'
  return {
    ...settings,
    slaves: slavesInFile(lines, name),
    mode,
    primary: optionInFile(lines, name, 'bond-primary'),
    hashPolicy: HASH_POLICIES.find((policy) => policy === hash),
    lacpRate: mode === '802.3ad' ? (readLacpRate(optionInFile(lines, name, 'bond-lacp-rate')) ?? 'slow') : undefined,
    miimon: Number(optionInFile(lines, name, 'bond-miimon') ?? 0),
  }
}

/** Of several addresses nobody can say which one belongs to the change. */
function settingsInFile(lines: Lines, name: string): LinkSettings {
  const [inet, inet6] = [addressesNamed(lines, name), addresses6Named(lines, name)]
  const manual = isWithoutIpv4(lines, name) ? ('none' as const) : undefined
  return {
    name,
    address: inet.length > 1 ? undefined : (inet[0] ?? manual),
    address6: inet6.length > 1 ? undefined : inet6[0],
    mtu: mtuInFile(lines, name),
  }
}
