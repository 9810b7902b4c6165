/** What is wrong with a partition as a whole, before anything is made of it. Pure. */
import { ipOverlaps, parseIpCidr } from '../../net/ip-cidr.ts'
import { type Ipv4Subnet, isWithin, parseIpv4, parseSubnet } from '../../net/subnet.ts'
import { isGuest, parseFlow } from './flows.ts'

interface Given {
  readonly trunk?: { readonly bridge: string } | undefined
  readonly networks: readonly {
    readonly name: string
    readonly address?: string | undefined
    readonly bridge?: string | undefined
    readonly vlan?: number | undefined
    readonly nat?: boolean | undefined
    readonly dhcp?: unknown
    readonly state: 'present' | 'absent'
  }[]
  readonly allow: readonly string[]
  readonly isolate?: boolean | undefined
  readonly router?: object | undefined
  readonly state: 'present' | 'absent'
}

/** A problem at a parameter. */
export interface PartitionProblem {
  readonly path: readonly (string | number)[]
  readonly message: string
}

/** All that is wrong. */
export function problemsOf(given: Given): readonly PartitionProblem[] {
  return [
    ...given.networks.flatMap((_, i) => networkProblems(given, i)),
    ...flowProblems(given),
    ...routerProblems(given),
  ]
}

/** The link that a network is on: a bridge of its own, or a VLAN of the trunk. */
export function linkOf(network: Given['networks'][number], trunk: Given['trunk']): string {
  return network.vlan === undefined ? (network.bridge ?? network.name) : `${trunk?.bridge ?? ''}.${network.vlan}`
}

function networkProblems({ networks, trunk, router }: Given, index: number): readonly PartitionProblem[] {
  const network = networks[index]
  if (network === undefined) return []
  const at = (key: string, message: string) => ({ path: ['networks', index, key], message })
  const earlier = networks.slice(0, index)
  const problems: PartitionProblem[] = []
  if (earlier.some(({ name }) => name === network.name)) problems.push(at('name', `repeats the name ${network.name}`))
  if (network.vlan !== undefined && trunk === undefined) problems.push(at('vlan', 'needs `trunk`'))
  if (network.vlan !== undefined && network.bridge !== undefined)
    problems.push(at('bridge', 'is for networks without `vlan`: this one is on the bridge of `trunk`'))
  if (network.vlan === undefined && network.bridge === undefined && network.name.length > 10)
    problems.push(at('name', 'is longer than the name of a bridge may be (10 characters): give `bridge`'))
  if (network.vlan === undefined && network.bridge === undefined && network.name.length < 2)
    problems.push(at('name', 'is shorter than the name of a bridge may be (2 characters): give `bridge`'))
  const link = linkOf(network, trunk)
  const twin = earlier.find((other) => linkOf(other, trunk) === link && other.name !== network.name)
  if (twin !== undefined)
    problems.push(at(network.vlan === undefined ? 'bridge' : 'vlan', `is that of ${twin.name} too`))
  if (router === undefined && network.address === undefined && network.state === 'present')
    problems.push(at('address', 'is missing: the node routes this network'))
  if (router !== undefined && network.address !== undefined)
    problems.push(at('address', 'is for the router VM to have, not for the node'))
  const overlapping = earlier.find(({ address }) => overlap(network.address, address))
  if (overlapping !== undefined)
    problems.push(at('address', `${network.address} overlaps with ${overlapping.name} (${overlapping.address})`))
  return problems
}

function flowProblems({ networks, allow }: Given): readonly PartitionProblem[] {
  const names = networks.map(({ name }) => name)
  const unknown = (name: string) => `names ${name}, which is none of the networks (${names.join(', ')})`
  return allow.flatMap((text, i): PartitionProblem[] => {
    const flow = parseFlow(text)
    const path = ['allow', i]
    if (typeof flow === 'string') return [{ path, message: flow }]
    const { source, target } = flow
    const problems: PartitionProblem[] = []
    if (source !== '*' && !names.includes(source)) problems.push({ path, message: unknown(source) })
    if (isGuest(target)) {
      const inside = networks.some(({ address }) => {
        const subnet = subnetOf(address)
        return subnet !== undefined && isWithin(parseIpv4(target) ?? 0, subnet)
      })
      if (!inside) problems.push({ path, message: `${target} is in none of the networks` })
    } else if (!names.includes(target)) problems.push({ path, message: unknown(target) })
    else if (source === target)
      problems.push({ path, message: 'allows what never passes the node: one network is not kept apart from itself' })
    return problems
  })
}

function routerProblems({ router, allow, isolate, networks }: Given): readonly PartitionProblem[] {
  if (router === undefined) return []
  const why = 'is for the router VM to decide'
  return [
    ...(allow.length > 0 ? [{ path: ['allow'], message: why }] : []),
    ...(isolate === true ? [{ path: ['isolate'], message: why }] : []),
    ...networks.flatMap((network, i) => [
      ...(network.nat === undefined ? [] : [{ path: ['networks', i, 'nat'], message: why }]),
      ...(network.dhcp === undefined ? [] : [{ path: ['networks', i, 'dhcp'], message: why }]),
    ]),
  ]
}

function subnetOf(address: string | undefined): Ipv4Subnet | undefined {
  return address === undefined ? undefined : parseSubnet(address)
}

function overlap(a: string | undefined, b: string | undefined): boolean {
  const [one, other] = [a, b].map((text) => parseIpCidr(text ?? ''))
  return one !== undefined && other !== undefined && ipOverlaps(one, other)
}
