/** What a step does to the ports that a connection comes in by: the VLANs they let pass, and those of Open vSwitch. */
import { bridgeVlansRef } from '../facts/bridge-vlans.ts'
import type { LinksState } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { type OvsPort, type OvsState, ovsBridgeOf, ovsRef } from '../facts/ovs.ts'
import { formatVids, vidsWithout } from '../net/vids.ts'

/**
 * What a link of Open vSwitch gets its frames from: a bridge from its bonds and all cards, an internal port from its
 * bridge. No guests.
 */
export function belowInOvs(name: string, ovs: OvsState | undefined): readonly string[] {
  if (ovs === undefined) return []
  const bridge = ovs.bridges.find((one) => one.name === name)
  if (bridge === undefined) {
    const own = ovs.ports.find((port) => port.name === name && port.type === 'internal')
    const holder = own === undefined ? undefined : ovsBridgeOf(ovs, name)
    return holder === undefined ? [] : [holder]
  }
  return portsIn(ovs, name).flatMap(({ name: port, interfaces }) => [port, ...interfaces])
}

/** The bridge, bond or switch that a link is plugged into, by the name that people know. */
export function holderOf(name: string, { links }: LinksState, ovs: OvsState | undefined): string | undefined {
  const port = ovs?.ports.find(({ interfaces }) => interfaces.includes(name))
  if (port !== undefined && port.name !== name) return port.name
  if (port !== undefined && ovs !== undefined && port.type === '') return ovsBridgeOf(ovs, name)
  return links.find((link) => link.name === name)?.master
}

/** VLANs that a step stops on these links. */
export function vlanReasons(names: readonly string[], before: Model, after: Model): readonly string[] {
  if (!before.has(bridgeVlansRef)) return []
  return names.flatMap((name) => {
    const [was, is] = [before, after].map(
      (model) => model.get(bridgeVlansRef).find((port) => port.name === name)?.vids ?? [],
    )
    const stopped = vidsWithout(was ?? [], is ?? [])
    return stopped.length === 0 ? [] : [`stops VLANs ${formatVids(stopped)} on ${name}, which carries this connection`]
  })
}

/** Ports of Open vSwitch on the way whose options change: a tag, trunks, the mode of a bond. */
export function ovsReasons(names: readonly string[], before: Model, after: Model): readonly string[] {
  if (!before.has(ovsRef)) return []
  const [was, is] = [before.get(ovsRef), after.get(ovsRef)]
  const onTheWay = ({ name, interfaces }: OvsPort) =>
    names.includes(name) || interfaces.some((one) => names.includes(one))
  return was.ports.filter(onTheWay).flatMap(({ name, options }) => {
    const now = is.ports.find((port) => port.name === name)
    return now === undefined || JSON.stringify(now.options) === JSON.stringify(options)
      ? []
      : [`changes ${name}, which carries this connection`]
  })
}

function portsIn(ovs: OvsState, bridge: string): readonly OvsPort[] {
  const names = ovs.bridges.find(({ name }) => name === bridge)?.ports ?? []
  return ovs.ports.filter(({ name, type }) => names.includes(name) && type === '' && !/^(tap|veth|fwln)\d/.test(name))
}
