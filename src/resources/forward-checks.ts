/** What stands in the way of a forward: services of the node, other forwards, rules that nobody may take over. */
import { arrivalRef } from '../facts/arrival.ts'
import type { FactRef } from '../facts/fact.ts'
import { type InterfacesState, interfacesRef } from '../facts/interfaces.ts'
import { linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { rulesOf } from '../facts/nat.ts'
import { type ListeningSocket, socketsRef, takesAddress } from '../facts/sockets.ts'
import { sshdFor } from '../facts/sshd.ts'
import { parseLines } from '../interfaces/lines.ts'
import { type Forward, type PortSpan, portsOverlap, portsWithin, spanText } from '../nat/forward.ts'
import { isOwnForm, relationTo } from '../nat/forward-relation.ts'
import { ruleHooks } from '../nat/hook-lines.ts'
import { type KnownRule, readRule, ruleArgs } from '../nat/rules.ts'
import { formatIp, formatIpCidr, parseIp } from '../net/ip-cidr.ts'
import { type ForwardDesired, type ForwardWish, mainAddress } from './forward-wish.ts'
import { linesOf } from './interfaces-file.ts'
import type { PlanBlocked } from './resource.ts'

/** A port that the node needs for itself, and what for. */
interface NodePort extends PortSpan {
  readonly protocol: 'tcp' | 'udp'
  readonly use: string
}

/** Ports by which a node is reached and run (pve-docs, ports table; pve-firewall, management rules). */
const NODE_PORTS: readonly NodePort[] = [
  { protocol: 'tcp', first: 22, last: 22, use: 'ssh' },
  { protocol: 'tcp', first: 85, last: 85, use: 'pvedaemon' },
  { protocol: 'tcp', first: 111, last: 111, use: 'rpcbind' },
  { protocol: 'udp', first: 111, last: 111, use: 'rpcbind' },
  { protocol: 'tcp', first: 3128, last: 3128, use: 'the SPICE proxy' },
  { protocol: 'tcp', first: 5900, last: 5999, use: 'consoles of guests' },
  { protocol: 'tcp', first: 8006, last: 8006, use: 'the web interface' },
  { protocol: 'tcp', first: 60000, last: 60050, use: 'live migration' },
]

/** What the node needs the ports for; undefined when it does not. */
export function nodeUse(protocol: 'tcp' | 'udp', ports: PortSpan): { port: string; use: string } | undefined {
  const found = NODE_PORTS.find((own) => own.protocol === protocol && portsOverlap([own], [ports]))
  return found === undefined ? undefined : { port: spanText(found, '-'), use: found.use }
}

/** Facts that the checks of a forward read, beside its own table. */
export const FORWARD_READS: readonly FactRef<unknown>[] = [
  arrivalRef,
  interfacesRef,
  linksRef,
  socketsRef,
  sshdFor('root'),
]

/** Why the ports of a forward are not free. Reads {@link FORWARD_READS} and the nat table. */
export function forwardBlocked(wish: ForwardWish, model: Model): PlanBlocked | undefined {
  return ownPort(wish, model) ?? listenerOn(wish, model) ?? otherForward(wish, model)
}

/** Tells rules that are the wanted one in other words, or were pvectl's own to another place, among `all`. */
export function sameForward(
  wanted: Forward,
  outside: readonly string[],
  all: readonly KnownRule[],
): (rule: KnownRule) => boolean {
  const forwards = all.filter((rule) => rule.kind === 'forward')
  return (rule) => {
    if (rule.kind !== 'forward') return false
    const relation = relationTo(wanted, rule, outside)
    return relation === 'same' || (relation === 'moved' && isOwnForm(rule, forwards))
  }
}

/** The same for a forward that is to go: one of fewer ports in pvectl's form is another forward, and stays. */
export function goneForward(
  wanted: Forward,
  outside: readonly string[],
  all: readonly KnownRule[],
): (rule: KnownRule) => boolean {
  const forwards = all.filter((rule) => rule.kind === 'forward')
  const isSame = sameForward(wanted, outside, all)
  return (rule) =>
    rule.kind === 'forward' && isSame(rule) && (portsWithin(wanted.ports, rule.ports) || !isOwnForm(rule, forwards))
}

/** Rules of the live nat table that pvectl understands. */
export function liveForwards(model: Model, { family }: Pick<ForwardDesired, 'family'>): readonly KnownRule[] {
  const state = model.get(rulesOf(family, 'nat'))
  return state.available
    ? state.rules.flatMap(({ chain, args }) => readRule({ family, table: 'nat', chain }, args) ?? [])
    : []
}

/** The node's own address: a port of it cannot be taken without cutting off those who use it. */
function ownPort(wish: ForwardWish, model: Model): PlanBlocked | undefined {
  if (!isMain(wish, model)) return undefined
  const { protocol, ports } = wish.desired
  const arrival = model.get(arrivalRef)?.server
  const ssh = [...(model.get(sshdFor('root')).port ?? []).map(Number), ...(arrival === undefined ? [] : [arrival.port])]
  const use = nodeUse(protocol, ports)
  const sshd = protocol === 'tcp' ? ssh.find((port) => ports.first <= port && port <= ports.last) : undefined
  const taken = sshd === undefined ? use : { port: String(sshd), use: 'ssh' }
  return taken === undefined
    ? undefined
    : refusal(`${formatIp(wish.address)} port ${taken.port} is ${taken.use} of the node`)
}

/** How a port of the node itself is refused, before or after the node is known. */
export function refusal(message: string): { kind: 'blocked'; reason: string; hint: string } {
  return {
    kind: 'blocked',
    reason: `${message}, and a forward would take it away`,
    hint: 'forward another port, such as 2222 to port 22 of the guest; or name an additional address as `address`',
  }
}

/** The address that the node uses for itself, or that this very connection came to. */
function isMain({ address, desired, outside }: ForwardWish, model: Model): boolean {
  const links = model.get(linksRef)
  if (model.get(arrivalRef)?.server.address === formatIp(address)) return true
  return outside.some((name) => {
    const main = mainAddress(links, name, desired.family)
    return main !== undefined && formatIp(main) === formatIp(address)
  })
}

function listenerOn(wish: ForwardWish, model: Model): PlanBlocked | undefined {
  const { protocol, ports } = wish.desired
  const address = formatIp(wish.address)
  const main = isMain(wish, model)
  const found = model.get(socketsRef).find((socket) => {
    if (socket.protocol !== protocol || socket.port < ports.first || socket.port > ports.last) return false
    if (socket.device !== undefined && !wish.outside.includes(socket.device)) return false
    if (ports.last > ports.first && isPassing(socket)) return false
    // What listens on all addresses does so on an additional one only by the way.
    return socket.address === address || (main && takesAddress(socket, address))
  })
  if (found === undefined) return undefined
  return {
    kind: 'blocked',
    reason: `${found.process} listens on ${protocol} port ${found.port} of the node, and a forward would take it away`,
    hint: `stop ${found.process}, or forward another port`,
  }
}

/** A socket for answers to what a program asked, such as a name server; it has another port the next time. */
function isPassing({ protocol, port, process }: ListeningSocket): boolean {
  return protocol === 'udp' && port >= 32_768 && port <= 60_999 && process !== 'the kernel'
}

function otherForward({ desired, rules, outside }: ForwardWish, model: Model): PlanBlocked | undefined {
  const live = liveForwards(model, desired)
  const files = hookRules(model.get(interfacesRef))
  for (const wanted of rules) {
    const places = [
      ...live.map((rule) => ({ rule, place: 'a live rule', all: live })),
      ...files.map(({ rule, place }) => ({ rule, place, all: files.map((hook) => hook.rule) })),
    ]
    const found = places.find(({ rule, all }) => {
      if (rule.kind !== 'forward' || sameForward(wanted, outside, all)(rule)) return false
      return relationTo(wanted, rule, outside) !== 'none'
    })
    if (found !== undefined) return conflict(wanted, found.rule, found.place)
  }
  return undefined
}

function conflict(wanted: Forward, other: KnownRule, place: string): PlanBlocked {
  const ports = wanted.ports.map((span) => spanText(span, '-')).join()
  const address = wanted.address === undefined ? '' : `${formatIpCidr(wanted.address).split('/')[0]} `
  return {
    kind: 'blocked',
    reason: `${address}${wanted.protocol} port ${ports} is led elsewhere already, by ${place}: ${ruleArgs(other).join(' ')}`,
    hint: `take that rule away${goneTask(other)}, or make this task say the same`,
  }
}

/** The task that does it, for a rule as pvectl writes it. */
function goneTask(rule: KnownRule): string {
  if (rule.kind !== 'forward' || rule.target.kind !== 'dnat' || rule.address === undefined) return ''
  const [span] = rule.ports
  const to = parseIp(rule.target.to)
  if (span === undefined || to === undefined || rule.protocol === undefined) return ''
  const { port } = rule.target
  const guest =
    port === span.first ? rule.target.to : `${to.family === 6 ? `[${rule.target.to}]` : rule.target.to}:${port}`
  const fields = [
    `port: ${spanText(span, '-')}`,
    `to: "${guest}"`,
    `address: "${formatIp(rule.address)}"`,
    ...(rule.protocol === 'tcp' ? [] : [`protocol: ${rule.protocol}`]),
  ]
  return ` by a task above: port_forward: { ${fields.join(', ')}, state: absent }`
}

function hookRules(interfaces: InterfacesState): readonly { readonly rule: KnownRule; readonly place: string }[] {
  const files = [
    { path: '/etc/network/interfaces', lines: linesOf(interfaces) },
    ...interfaces.sourced.map(({ path, content }) => ({ path, lines: parseLines(content) })),
  ]
  return files.flatMap(({ path, lines }) =>
    ruleHooks(lines)
      .filter(({ phase }) => phase === 'up')
      .flatMap(({ calls, option }) =>
        calls
          .filter(({ operation }) => operation !== 'delete')
          .map(({ rule }) => ({ rule, place: `${path}:${option.first + 1}` })),
      ),
  )
}
