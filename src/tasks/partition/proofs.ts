/** What is seen to pass between the networks of a partition, and what is not: a sample of each. Pure. */
import { formatIpv4 } from '../../net/subnet.ts'
import type { BetweenCheck, BetweenTry, Seat } from '../../verify/check.ts'
import { type Flow, isGuest, type Service } from './flows.ts'
import { PARTITION_TABLE, type RoutedNetwork, targetNetwork } from './ruleset.ts'

/** A port that stands for all, where nothing says which: discard (RFC 863). */
const ANY_PORT = 9

/** One check a network: to each other network one connection that may pass, if any may, and one that must not. */
export function partitionChecks(networks: readonly RoutedNetwork[], flows: readonly Flow[]): readonly BetweenCheck[] {
  if (networks.length < 2) return []
  return networks.map((source) => ({
    kind: 'between',
    seat: seatOf(source),
    name: source.name,
    table: PARTITION_TABLE,
    tries: networks
      .filter(({ name }) => name !== source.name)
      .flatMap((target) => triesBetween(target, flowsBetween(source, target, flows, networks))),
  }))
}

function seatOf({ link, subnet }: RoutedNetwork): Seat {
  return { interface: link, network: `${formatIpv4(subnet.first)}/${subnet.prefix}` }
}

function flowsBetween(
  source: RoutedNetwork,
  target: RoutedNetwork,
  flows: readonly Flow[],
  networks: readonly RoutedNetwork[],
): readonly Flow[] {
  return flows.filter(
    (flow) =>
      (flow.source === '*' || flow.source === source.name) &&
      targetNetwork(flow.target, networks)?.name === target.name,
  )
}

function triesBetween(target: RoutedNetwork, flows: readonly Flow[]): readonly BetweenTry[] {
  const base = { name: target.name, to: seatOf(target) }
  const samples = flows.flatMap(({ target: to, services }) =>
    services.map((service) => ({ service, guest: isGuest(to) ? to : undefined })),
  )
  const open = samples.find(({ guest, service }) => guest === undefined && service.protocol === 'all')
  if (open !== undefined) return [{ ...base, protocol: 'tcp', port: ANY_PORT, passes: true, all: true }]
  // A guest answers UDP as it likes; one that is put there can only have an address that is nobody's.
  const sample =
    samples.find(({ guest }) => guest === undefined) ?? samples.find(({ service }) => service.protocol === 'tcp')
  const allowed: readonly BetweenTry[] =
    sample === undefined ? [] : [{ ...base, ...sampleOf(sample.service), ...guestOf(sample.guest), passes: true }]
  const services = samples.map(({ service }) => service)
  return [...allowed, { ...base, protocol: 'tcp', port: otherPort(services), passes: false }]
}

function sampleOf(service: Service): { readonly protocol: 'tcp' | 'udp'; readonly port: number } {
  return service.protocol === 'all'
    ? { protocol: 'tcp', port: ANY_PORT }
    : { protocol: service.protocol, port: service.from }
}

function guestOf(address: string | undefined): { readonly address?: string } {
  return address === undefined ? {} : { address }
}

/** A TCP port that none of the services is about. */
function otherPort(services: readonly Service[]): number {
  const taken = (port: number) =>
    services.some((service) => service.protocol === 'tcp' && service.from <= port && port <= service.to)
  let port = ANY_PORT
  while (taken(port) && port < 65535) port++
  return port
}
