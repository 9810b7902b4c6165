/** Single changes to Open vSwitch, each with its command and what its database and the links will be after it. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { type LinksState, linkNamed, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { type OvsPort, type OvsState, ovsBridgeOf, ovsRef } from '../facts/ovs.ts'
import { formatOvsOptions, type OvsOptions, type OvsPortSettings } from '../interfaces/ovs.ts'
import { edited } from './link-steps.ts'
import { OK, type Plan } from './resource.ts'

/** One change to Open vSwitch. */
export interface OvsStep {
  readonly summary: string
  readonly script: Script
  readonly risky: boolean
  readonly ovs: (state: OvsState) => OvsState
  readonly links: (state: LinksState) => LinksState
}

/** The plan that takes these steps, one after the other. */
export function planOvsSteps(steps: readonly OvsStep[], model: Model): Plan {
  if (steps.length === 0) return OK
  const ovs = steps.reduce((state, step) => step.ovs(state), model.get(ovsRef))
  const links = steps.reduce((state, step) => step.links(state), model.get(linksRef))
  return {
    kind: 'change',
    changes: steps.map(({ summary }) => ({ summary })),
    script: joinScripts(steps.map(({ script }) => script)),
    after: [becomes(ovsRef, ovs), becomes(linksRef, links)],
    ...(steps.some(({ risky }) => risky) ? { risk: 'link' as const } : {}),
  }
}

/** Plugs a card into a bridge. */
export function addCard(card: string, bridge: string, options: OvsOptions, links: LinksState): OvsStep {
  const words = optionWords(options)
  return {
    summary: `${bridge}: add port ${described(card, options)}`,
    script: sh`ovs-vsctl -t 10 -- --may-exist add-port ${bridge} ${card}${setOptions(card, words)}
ip link set ${card} up`,
    risky: linkNamed(links, card)?.master !== undefined,
    ovs: (state) => withPort(state, bridge, { name: card, interfaces: [card], options, type: '' }),
    links: edited(card, (link) => ({ ...link, master: 'ovs-system', up: true })),
  }
}

/** Takes a port out of its bridge. */
export function dropPort(name: string, bridge: string): OvsStep {
  return {
    summary: `${bridge}: remove port ${name}`,
    script: sh`ovs-vsctl -t 10 -- --if-exists del-port ${bridge} ${name}`,
    risky: true,
    ovs: (state) => withoutPort(state, name),
    links: edited(name, ({ master: _, ...link }) => link),
  }
}

/** Options of a port that are not as asked for; others stay. */
export function optionSteps(port: OvsPort, wanted: OvsOptions): readonly OvsStep[] {
  const differing = Object.fromEntries(
    Object.entries(wanted).filter(([key, value]) => !sameValue(port.options[key], value)),
  )
  if (Object.keys(differing).length === 0) return []
  const from = Object.keys(differing).map((key) => `${key} ${port.options[key] ?? 'none'} → ${differing[key]}`)
  return [
    {
      summary: `${port.name}: ${from.join(', ')}`,
      script: sh`ovs-vsctl -t 10${setOptions(port.name, optionWords(differing))}`,
      risky: true,
      ovs: (state) => ({
        ...state,
        ports: state.ports.map((one) =>
          one.name === port.name ? { ...one, options: { ...one.options, ...differing } } : one,
        ),
      }),
      links: (state) => state,
    },
  ]
}

/** Makes a bond, in one transaction with taking its cards from the bridge where they are ports of it so far. */
export function addBond({ name, bridge, slaves = [], options }: OvsPortSettings, state: OvsState): OvsStep {
  const taken = slaves.filter((slave) => ovsBridgeOf(state, slave) === bridge)
  const out = taken.map((slave) => sh` -- --if-exists del-port ${bridge} ${slave}`)
  const up = slaves.map((slave) => sh`ip link set ${slave} up`)
  const instead = taken.length === 0 ? '' : ` instead of ${taken.join(' ')}`
  return {
    summary: `${bridge}: add bond ${described(name, options)} of ${slaves.join(' ')}${instead}`,
    script: joinScripts([
      ...up,
      sh`ovs-vsctl -t 10${joinScripts(out, '')} -- --may-exist --fake-iface add-bond ${bridge} ${name} ${slaves} ${optionWords(options)}`,
    ]),
    risky: taken.length > 0,
    ovs: (before) =>
      withPort(taken.reduce(withoutPort, before), bridge, {
        name,
        interfaces: [...slaves].sort(),
        options,
        type: '',
      }),
    links: (links) =>
      slaves.reduce((now, slave) => edited(slave, (link) => ({ ...link, master: 'ovs-system', up: true }))(now), links),
  }
}

/** Cards of a bond that come and go. */
export function slaveSteps(port: OvsPort, slaves: readonly string[], state: OvsState): readonly OvsStep[] {
  const added = slaves.filter((slave) => !port.interfaces.includes(slave))
  const removed = port.interfaces.filter((slave) => !slaves.includes(slave))
  if (added.length + removed.length === 0) return []
  const bridge = ovsBridgeOf(state, port.name) ?? ''
  const commands = [
    ...added
      .filter((slave) => ovsBridgeOf(state, slave) === bridge)
      .map((slave) => sh` -- --if-exists del-port ${bridge} ${slave}`),
    ...added.map((slave) => sh` -- add-bond-iface ${port.name} ${slave}`),
    ...removed.map((slave) => sh` -- del-bond-iface ${port.name} ${slave}`),
  ]
  const words = [...added.map((slave) => `add slave ${slave}`), ...removed.map((slave) => `remove slave ${slave}`)]
  return [
    {
      summary: `${port.name}: ${words.join(', ')}`,
      script: joinScripts([
        ...added.map((slave) => sh`ip link set ${slave} up`),
        sh`ovs-vsctl -t 10${joinScripts(commands, '')}`,
      ]),
      risky: true,
      ovs: (before) => {
        const freed = added.reduce((now, slave) => withoutPort(now, slave), before)
        return {
          ...freed,
          ports: freed.ports.map((one) => (one.name === port.name ? { ...one, interfaces: [...slaves].sort() } : one)),
        }
      },
      links: (links) => {
        const gone = removed.reduce((now, slave) => edited(slave, ({ master: _, ...link }) => link)(now), links)
        return added.reduce(
          (now, slave) => edited(slave, (link) => ({ ...link, master: 'ovs-system', up: true }))(now),
          gone,
        )
      },
    },
  ]
}

/** The state with a bridge, and its own end. */
export function withBridge(state: OvsState, name: string): OvsState {
  const bridge = { name, ports: [name] }
  const own: OvsPort = { name, interfaces: [name], options: {}, type: 'internal' }
  return { ...state, bridges: [...state.bridges, bridge], ports: [...state.ports, own] }
}

/** The state without a bridge and its ports. */
export function withoutBridge(state: OvsState, name: string): OvsState {
  const gone = state.bridges.find((bridge) => bridge.name === name)?.ports ?? []
  return {
    ...state,
    bridges: state.bridges.filter((bridge) => bridge.name !== name),
    ports: state.ports.filter((port) => !gone.includes(port.name)),
  }
}

/** The state with a port on a bridge. */
export function withPort(state: OvsState, bridge: string, port: OvsPort): OvsState {
  const without = withoutPort(state, port.name)
  return {
    ...without,
    bridges: without.bridges.map((one) =>
      one.name === bridge ? { ...one, ports: [...one.ports, port.name].sort() } : one,
    ),
    ports: [...without.ports, port],
  }
}

/** The state without a port. */
export function withoutPort(state: OvsState, name: string): OvsState {
  return {
    ...state,
    bridges: state.bridges.map((one) => ({ ...one, ports: one.ports.filter((port) => port !== name) })),
    ports: state.ports.filter((port) => port.name !== name),
  }
}

function described(name: string, options: OvsOptions): string {
  return Object.keys(options).length === 0 ? name : `${name} (${formatOvsOptions(options)})`
}

function optionWords(options: OvsOptions): readonly string[] {
  return Object.entries(options).map(([key, value]) => `${key}=${value}`)
}

function setOptions(port: string, words: readonly string[]): Script {
  return words.length === 0 ? sh`` : sh` -- set Port ${port} ${words}`
}

/** Lists have no order. */
function sameValue(present: string | undefined, wanted: string): boolean {
  const sorted = (text: string) => text.split(',').sort().join(',')
  return present !== undefined && sorted(present) === sorted(wanted)
}
