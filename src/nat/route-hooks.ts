/** Hook lines of interfaces(5) that set a route by an interface, such as the ones that hosters' guides give. */
import { type Lines, splice } from '../interfaces/lines.ts'
import { lastingStanza } from '../interfaces/one-family.ts'
import { indentOf, insertOption, removeSpan, replaceValue } from '../interfaces/options.ts'
import { type Option, type Stanza, stanzasOf } from '../interfaces/stanzas.ts'
import { formatIpCidr, type IpCidr, ipNetworkOf, parseIpCidr } from '../net/ip-cidr.ts'
import { hookPhase } from './hook-lines.ts'
import { type ShellWord, shellCommands } from './shell-line.ts'

/** A route for packets to a network, by an interface of the node. */
export interface DeviceRoute {
  /** Without host bits. */
  readonly destination: IpCidr
  readonly device: string
}

interface RouteHook {
  readonly stanza: Stanza
  readonly option: Option
  readonly phase: 'up' | 'down'
  readonly route: DeviceRoute
}

/** The file with the hooks of the route, once, in the stanza of its interface; others for the same network go. */
export function adoptRouteHooks(lines: Lines, route: DeviceRoute): Lines {
  const tidy = (['down', 'up'] as const).reduce((file, phase) => tidyPhase(file, route, phase), lines)
  return complete(tidy, route)
}

/** Routes that the hooks of a file set, each once, with the interface whose stanza says so. */
export function hookRoutes(lines: Lines): readonly DeviceRoute[] {
  const routes = routeHooks(lines).flatMap(({ phase, route }) => (phase === 'up' ? [route] : []))
  return routes.filter((one, i) => routes.findIndex((other) => sameRoute(one, other)) === i)
}

/** Lines of the file, by index, that are such hooks. */
export function routeHookLines(lines: Lines): readonly number[] {
  return routeHooks(lines).map(({ option }) => option.first)
}

/** True for the same network by the same interface. */
export function sameRoute(a: DeviceRoute, b: DeviceRoute): boolean {
  return a.device === b.device && formatIpCidr(a.destination) === formatIpCidr(b.destination)
}

/** The file without any hook of a route to the network. */
export function dropRouteHooks(lines: Lines, destination: IpCidr): Lines {
  return hooksOf(lines, destination)
    .toReversed()
    .reduce((file, { option }) => removeSpan(file, option), lines)
}

/** What sets the route, and again without complaint. */
export function routeUp({ destination, device }: DeviceRoute): string {
  return `ip ${flag(destination)}route replace ${formatIpCidr(destination)} dev ${device}`
}

/** What takes the route away, and succeeds when it is gone already. */
export function routeDown({ destination, device }: DeviceRoute): string {
  return `ip ${flag(destination)}route del ${formatIpCidr(destination)} dev ${device} || true`
}

function flag({ family }: IpCidr): string {
  return family === 6 ? '-6 ' : ''
}

function tidyPhase(lines: Lines, route: DeviceRoute, phase: 'up' | 'down'): Lines {
  const hooks = hooksOf(lines, route.destination).filter((hook) => hook.phase === phase)
  const keeper = hooks.find(({ option, stanza }) => !option.stray && stanza.name === route.device)
  return hooks.toReversed().reduce((file, hook) => {
    if (hook !== keeper) return removeSpan(file, hook.option)
    const value = phase === 'up' ? routeUp(route) : routeDown(route)
    return value === hook.option.value ? file : replaceValue(file, hook.option, value)
  }, lines)
}

function complete(lines: Lines, route: DeviceRoute): Lines {
  const hooks = hooksOf(lines, route.destination)
  const up = hooks.find(({ phase }) => phase === 'up')
  if (up === undefined) {
    const stanza = lastingStanza(lines, route.device, route.destination.family === 6 ? 'inet6' : 'inet')
    return stanza === undefined ? lines : complete(insertOption(lines, stanza, 'post-up', routeUp(route)), route)
  }
  if (hooks.some(({ phase }) => phase === 'down')) return lines
  return splice(lines, up.option.end, 0, [`${indentOf(lines, up.stanza)}post-down ${routeDown(route)}`])
}

/** Hooks about a route to the network, whatever the interface. */
function hooksOf(lines: Lines, destination: IpCidr): readonly RouteHook[] {
  return routeHooks(lines).filter(({ route }) => formatIpCidr(route.destination) === formatIpCidr(destination))
}

/** Hooks that do nothing but set or take away one route by an interface. */
function routeHooks(lines: Lines): readonly RouteHook[] {
  return stanzasOf(lines).flatMap((stanza) =>
    stanza.options.flatMap((option) => {
      const phase = hookPhase(option.name)
      if (phase === undefined || !/\broute\b/.test(option.value)) return []
      const commands = shellCommands(option.value, stanza.name)
      const routes = commands.map(({ words }) => readRoute(words))
      const idle = commands.every(
        ({ words }, i) => routes[i] !== undefined || (words.length === 1 && words[0] === 'true'),
      )
      const [route, ...more] = routes.filter((found) => found !== undefined)
      if (route === undefined || !idle || more.length > 0) return []
      return [{ stanza, option, phase, route }]
    }),
  )
}

/** `ip route add 203.0.113.9/32 dev vmbr0`; undefined for routes with a gateway or other conditions. */
function readRoute(words: readonly ShellWord[]): DeviceRoute | undefined {
  const [program, ...rest] = words
  if (program === undefined || !/^(?:\/(?:usr\/)?s?bin\/)?ip$/.test(program)) return undefined
  const [object, verb, destination, dev, device, ...more] = rest.filter((word) => word !== '-4' && word !== '-6')
  if (object === undefined || !/^r(o(u(t(e)?)?)?)?$/.test(object) || dev !== 'dev' || device === undefined)
    return undefined
  if (verb === undefined || !VERBS.has(verb) || destination === undefined) return undefined
  if (more.length > 0 && more.join(' ') !== 'scope link') return undefined
  const cidr = parseIpCidr(destination)
  return cidr === undefined ? undefined : { destination: ipNetworkOf(cidr), device }
}

const VERBS = new Set(['add', 'a', 'append', 'replace', 'change', 'del', 'delete', 'd'])
