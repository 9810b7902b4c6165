/** What of a change of /etc/network/interfaces can be made live link by link: bridges, and NAT rules of hooks. */
import { isDeepStrictEqual } from 'node:util'
import { addressesNamed } from '../interfaces/address.ts'
import { type BridgeSettings, forwardDelayInFile, isWithoutIpv4, portsInFile, stpInFile } from '../interfaces/bridge.ts'
import type { Lines } from '../interfaces/lines.ts'
import { normalName, stanzasOf } from '../interfaces/stanzas.ts'
import { ruleHooks } from '../nat/hook-lines.ts'
import { hookRoutes, sameRoute } from '../nat/route-hooks.ts'
import { type KnownRule, samePurpose } from '../nat/rules.ts'
import { bridgeGone } from './bridge-gone.ts'
import { bridgeLink } from './bridge-link.ts'
import { routeGone, routeLive } from './device-route.ts'
import { ruleAbsent, ruleLive } from './live-rules.ts'
import { natRuleLive } from './nat-rule.ts'
import type { Resource } from './resource.ts'

/** Resources on both sides of the write of the file. */
export interface NetworkBetween {
  /** Rules whose hooks go, and bridges that go: by their own hooks, while the file still has them. */
  readonly before: readonly Resource[]
  /** Bridges that come or become otherwise, and rules whose hooks come. */
  readonly after: readonly Resource[]
}

/** What makes the step from one file to another live. `force`: bridges go although guests are plugged in. */
export function networkBetween(present: Lines, wanted: Lines, force = false): NetworkBetween {
  const gone = hookRules(present).filter(({ rule }) => !hasRule(hookRules(wanted), rule))
  const come = hookRules(wanted).filter(({ rule }) => !hasRule(hookRules(present), rule))
  const [routesNow, routesThen] = [hookRoutes(present), hookRoutes(wanted)]
  const goneRoutes = routesNow.filter((route) => !routesThen.some((other) => sameRoute(route, other)))
  const newRoutes = routesThen.filter((route) => !routesNow.some((other) => sameRoute(route, other)))
  const goneBridges = bridgesOf(present).filter((name) => stanzasOf(wanted, name).length === 0)
  return {
    before: [
      ...goneRoutes.map(routeGone),
      ...gone.map(({ rule }) => ruleAbsent(rule)),
      ...goneBridges.map((name) => bridgeGone(name, force)),
    ],
    after: [
      ...bridgesOf(wanted).flatMap((name) => liveBridge(present, wanted, name)),
      ...come.map(({ rule, holder }) => (rule.kind === 'source' ? natRuleLive({ rule, holder }) : ruleLive(rule))),
      ...newRoutes.map(routeLive),
    ],
  }
}

/** Names of the bridges of a file. */
export function bridgesOf(lines: Lines): readonly string[] {
  const stanzas = stanzasOf(lines).filter(({ options }) =>
    options.some(({ name }) => /^bridge-/.test(normalName(name))),
  )
  return [...new Set(stanzas.map(({ name }) => name))]
}

interface HookRule {
  readonly rule: KnownRule
  readonly holder: string
}

function hookRules(lines: Lines): readonly HookRule[] {
  const all = ruleHooks(lines)
    .filter(({ phase }) => phase === 'up')
    .flatMap(({ stanza, calls }) => calls.map(({ rule }) => ({ rule, holder: stanza.name })))
  return all.filter((one, i) => all.findIndex((other) => samePurpose(other.rule, one.rule)) === i)
}

function hasRule(rules: readonly HookRule[], rule: KnownRule): boolean {
  return rules.some((other) => samePurpose(other.rule, rule))
}

/** The live side of a bridge, as far as the two files differ about it; what they agree on is left alone. */
function liveBridge(present: Lines, wanted: Lines, name: string): readonly Resource[] {
  const [now, then] = [settingsOf(present, name), settingsOf(wanted, name)]
  if (stanzasOf(present, name).length === 0) return [bridgeLink({ name })]
  const differing = Object.entries(then).filter(
    ([key, value]) => !isDeepStrictEqual(value, now[key as keyof BridgeSettings]),
  )
  return differing.length === 0 ? [] : [bridgeLink({ name, ...Object.fromEntries(differing) })]
}

function settingsOf(lines: Lines, name: string): BridgeSettings {
  const addresses = addressesNamed(lines, name)
  const [address] = addresses
  const none = isWithoutIpv4(lines, name) ? ('none' as const) : undefined
  return {
    name,
    // Of several nobody can say which one belongs to the change.
    address: addresses.length > 1 ? undefined : (address ?? none),
    ports: portsInFile(lines, name),
    stp: stpInFile(lines, name),
    forwardDelay: forwardDelayInFile(lines, name),
  }
}
