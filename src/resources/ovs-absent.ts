/** Taking links of Open vSwitch away. */
import { sh } from '../connection/script.ts'
import { becomes, type FactRef } from '../facts/fact.ts'
import { interfacesRef } from '../facts/interfaces.ts'
import { linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { ovsBridgeOf, ovsRef } from '../facts/ovs.ts'
import type { Lines } from '../interfaces/lines.ts'
import { builtOnOvsBridge, ovsTypeInFile, unlistPort, withoutOvsPort } from '../interfaces/ovs.ts'
import { stanzasOf } from '../interfaces/stanzas.ts'
import { isGuestPort } from './bridge-steps.ts'
import { linesOf, planInterfacesEdit } from './interfaces-file.ts'
import type { LinkGone } from './link-absent.ts'
import { blocked } from './link-checks.ts'
import { dropPort, planOvsSteps, withoutBridge, withoutPort } from './ovs-steps.ts'
import type { PlanBlocked, Resource } from './resource.ts'

const OVS = ovsRef as FactRef<unknown>

/** A bridge that is to go; its cards become ordinary ones. */
export function ovsBridgeGone(name: string): LinkGone {
  return {
    name,
    what: 'OVS bridge',
    kinds: ['openvswitch'],
    remove: sh`ovs-vsctl -t 10 -- --if-exists del-br ${name}`,
    reads: [OVS],
    blocked: (model) => usedBlocked(name, model),
    after: (model) => [becomes(ovsRef, withoutBridge(model.get(ovsRef), name))],
    edit: (lines) => cardsOf(lines, name).reduce((file, card) => withoutOvsPort(file, card, name), lines),
  }
}

/** An internal port or bond that is to go. */
export function ovsPortGone(name: string, what: 'OVS internal port' | 'OVS bond'): LinkGone {
  return {
    name,
    what,
    kinds: ['openvswitch'],
    isLive: (model) => model.get(ovsRef).ports.some((port) => port.name === name),
    remove: sh`ovs-vsctl -t 10 -- --if-exists del-port ${name}`,
    reads: [OVS],
    after: (model) => [becomes(ovsRef, withoutPort(model.get(ovsRef), name))],
    edit: (lines) => unlistPort(lines, name),
  }
}

/** A card that is to be no port any more, in the file and live. */
export function ovsPortAbsent(name: string, bridge: string): readonly Resource[] {
  return [
    {
      kind: 'ovs_port_link',
      key: `OVS port:${name}`,
      title: `${name} not in ${bridge}`,
      reads: [linksRef, OVS],
      plan: (model) =>
        planOvsSteps(ovsBridgeOf(model.get(ovsRef), name) === bridge ? [dropPort(name, bridge)] : [], model),
    },
    {
      kind: 'interfaces_stanza',
      key: `interfaces:${name}`,
      title: `${name} in /etc/network/interfaces, no port of ${bridge}`,
      claims: [`port:${name}`],
      reads: [interfacesRef],
      plan: (model) =>
        planInterfacesEdit(model, {
          edit: (lines) => withoutOvsPort(lines, name, bridge),
          summary: `take ${name} out of ${bridge}`,
          risk: 'link',
        }),
    },
  ]
}

function cardsOf(lines: Lines, bridge: string): readonly string[] {
  const names = [...new Set(stanzasOf(lines).map(({ name }) => name))]
  return names.filter((name) => name !== bridge && ovsTypeInFile(lines, name) === 'OVSPort')
}

/** Guests, and ports of the node itself, that would go with a bridge. */
function usedBlocked(name: string, model: Model): PlanBlocked | undefined {
  const ports = model.get(ovsRef).bridges.find((bridge) => bridge.name === name)?.ports ?? []
  const guests = ports.filter(isGuestPort)
  if (guests.length > 0)
    return blocked(
      `guests are plugged into ${name}: ${guests.join(', ')}`,
      'stop those guests or give them another bridge first; the number after tap or veth is that of the guest',
    )
  const own = builtOnOvsBridge(linesOf(model.get(interfacesRef)), name)
  return own.length === 0
    ? undefined
    : blocked(`${own.join(', ')} is built on ${name}`, 'take that away first (state: absent)')
}
