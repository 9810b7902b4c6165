/** A node's network in memory, to play tasks on: bridges, comments, masquerading. */
import * as assert from 'uvu/assert'
import { bridgeVlansRef, type PortVlans } from '../../src/facts/bridge-vlans.ts'
import type { FactUpdate } from '../../src/facts/fact.ts'
import { type FileState, fileAt } from '../../src/facts/file.ts'
import { forwardFilterOf } from '../../src/facts/forward-filter.ts'
import { type InterfacesState, interfacesRef } from '../../src/facts/interfaces.ts'
import { type Link, type LinksState, linksRef } from '../../src/facts/links.ts'
import type { Model } from '../../src/facts/model.ts'
import { type NatState, natRef, natRule, rulesOf } from '../../src/facts/nat.ts'
import { packageNamed } from '../../src/facts/package.ts'
import { sdnRef } from '../../src/facts/sdn.ts'
import type { Plan, Resource } from '../../src/resources/resource.ts'
import { bondTask } from '../../src/tasks/bond.ts'
import { bridgeTask } from '../../src/tasks/bridge.ts'
import { interfaceCommentTask } from '../../src/tasks/interface-comment.ts'
import { managementNetworkTask } from '../../src/tasks/management-network.ts'
import { masqueradeTask } from '../../src/tasks/masquerade.ts'
import { ovsBondTask } from '../../src/tasks/ovs-bond.ts'
import { ovsBridgeTask } from '../../src/tasks/ovs-bridge.ts'
import { ovsIntPortTask } from '../../src/tasks/ovs-int-port.ts'
import { ovsPortTask } from '../../src/tasks/ovs-port.ts'
import type { TaskType } from '../../src/tasks/task-type.ts'
import { vlanTask } from '../../src/tasks/vlan.ts'
import { vxlanTask } from '../../src/tasks/vxlan.ts'
import { hostContext } from './host-context.ts'
import { fact, modelOf } from './model.ts'

const NO_FILE: FileState = { type: 'absent' }

export const MAIN = `auto lo
iface lo inet loopback

iface eno1 inet manual

auto vmbr0
iface vmbr0 inet static
	address 192.168.1.10/24
	gateway 192.168.1.1
	bridge-ports eno1
	bridge-stp off
	bridge-fd 0

source /etc/network/interfaces.d/*
`
export const INNER = `auto vmbr1
iface vmbr1 inet static
	address 10.10.10.1/24
	bridge-ports none
	bridge-stp off
	bridge-fd 0
`
export const SPEC = '-s 10.10.10.0/24 -o vmbr0 -j MASQUERADE'
export const WITH_INNER = MAIN.replace('source', `${INNER}\nsource`)

export function link(name: string, more: Partial<Link> & { ip?: readonly string[] } = {}): Link {
  const { ip = [], ...rest } = more
  const addresses = ip.map((cidr) => ({ cidr, family: 4, scope: 'global' }) as const)
  return { name, kind: '', mtu: 1500, up: true, altnames: [], addresses, ...rest }
}

export function bridge(name: string, ip: readonly string[] = [], more: Partial<Link> = {}): Link {
  return link(name, { kind: 'bridge', bridge: { stp: false, forwardDelay: 0 }, ip, ...more })
}

/** A FORWARD chain that nobody has touched. */
export const OPEN_FILTER = { policy: 'ACCEPT', docker: false, rules: [] } as const

export interface Node {
  main?: string
  pending?: string
  sourced?: Readonly<Record<string, string>>
  links?: readonly Link[]
  routes?: LinksState['routes']
  rules?: readonly string[]
  vlans?: readonly PortVlans[]
  /** Version of pve-manager. */
  pve?: string
  /** Whatever else is known. */
  more?: readonly FactUpdate[]
}

export const UPLINK = [
  link('lo', { ip: ['127.0.0.1/8'] }),
  link('eno1', { master: 'vmbr0' }),
  link('eno2'),
  bridge('vmbr0', ['192.168.1.10/24']),
]
export const WITH_VMBR1 = [...UPLINK, bridge('vmbr1', ['10.10.10.1/24'])]

export function modelOfNode({
  main = MAIN,
  pending,
  sourced = {},
  links = UPLINK,
  routes = [],
  rules = [],
  vlans = [],
  pve = '8.4.1',
  more = [],
}: Node): Model {
  const interfaces: InterfacesState = {
    main: Buffer.from(main),
    mode: '0644',
    owner: 'root:root',
    pending: pending === undefined ? undefined : Buffer.from(pending),
    sourced: Object.entries(sourced).map(([path, content]) => ({ path, content: Buffer.from(content) })),
  }
  const live: LinksState = {
    links,
    routes: [{ family: 4, destination: 'default', devices: ['vmbr0'], gateway: '192.168.1.1' }, ...routes],
  }
  const nat: NatState = { available: true, rules: rules.map((rule) => natRule('POSTROUTING', rule.split(' '))) }
  const none: NatState = { available: true, rules: [] }
  return modelOf(
    fact(interfacesRef, interfaces),
    fact(linksRef, live),
    fact(natRef, nat),
    fact(rulesOf(6, 'nat'), none),
    fact(rulesOf(4, 'raw'), none),
    fact(rulesOf(6, 'raw'), none),
    fact(bridgeVlansRef, vlans),
    fact(forwardFilterOf(4), OPEN_FILTER),
    fact(forwardFilterOf(6), OPEN_FILTER),
    fact(sdnRef, { vnets: [], subnets: [] }),
    fact(packageNamed('pve-manager'), { installed: true, version: pve }),
    ...['vmbr0', 'vmbr1'].map((name) => fact(fileAt(`/etc/sysctl.d/99-zz-pvectl-bridge-${name}.conf`), NO_FILE)),
    ...more,
  )
}

const TYPES: Readonly<Record<string, TaskType>> = {
  bond: bondTask,
  bridge: bridgeTask,
  interface_comment: interfaceCommentTask,
  management_network: managementNetworkTask,
  masquerade: masqueradeTask,
  ovs_bond: ovsBondTask,
  ovs_bridge: ovsBridgeTask,
  ovs_int_port: ovsIntPortTask,
  ovs_port: ovsPortTask,
  vlan: vlanTask,
  vxlan: vxlanTask,
}

export type Task = Readonly<Record<string, unknown>>

export function resourcesOf(tasks: readonly Task[]): readonly Resource[] {
  return tasks.flatMap((task) =>
    Object.entries(task).flatMap(([name, params]) => {
      const type = TYPES[name]
      if (type === undefined) throw new Error(name)
      return type.resources(type.params.parse(params), hostContext())
    }),
  )
}

export interface Outcome {
  readonly plans: readonly Plan[]
  /** Plan kinds with `!` for a risk to the link. */
  readonly kinds: readonly string[]
  readonly main: string
  readonly nat: readonly string[]
  readonly links: LinksState
  readonly vlans: readonly PortVlans[]
  /** The node as it is then. */
  readonly model: Model
  readonly summaries: readonly string[]
  readonly reasons: readonly string[]
}

/** Plans tasks one after the other, each on what the ones before leave, and checks that the outcome is stable. */
export function play(node: Node, ...tasks: Task[]): Outcome {
  let model = modelOfNode(node)
  const plans = resourcesOf(tasks).map((resource) => {
    const plan = resource.plan(model)
    if (plan.kind === 'change') {
      model = model.with(plan.after as readonly FactUpdate[])
      assert.is(resource.plan(model).kind, 'ok', `${resource.title} is ok on its own outcome`)
      assert.not.match(plan.script.display, /\\n/, 'line breaks are line breaks')
    }
    return plan
  })
  if (plans.every(({ kind }) => kind === 'ok' || kind === 'change'))
    for (const resource of resourcesOf(tasks)) assert.is(resource.plan(model).kind, 'ok', `${resource.title} stays ok`)
  const nat = model.get(natRef)
  return {
    plans,
    kinds: plans.map((plan) => (plan.kind === 'change' && plan.risk === 'link' ? 'change!' : plan.kind)),
    main: model.get(interfacesRef).main?.toString() ?? '',
    nat: nat.available ? nat.rules.map(({ args }) => args.join(' ')) : [],
    links: model.get(linksRef),
    vlans: model.get(bridgeVlansRef),
    model,
    summaries: plans.flatMap((plan) => (plan.kind === 'change' ? plan.changes.map(({ summary }) => summary) : [])),
    reasons: plans.flatMap((plan) => (plan.kind === 'blocked' ? [plan.reason] : [])),
  }
}
