/** Resources that take the network back to an earlier /etc/network/interfaces: the file, links and NAT rules. */
import { addressesNamed } from '../interfaces/address.ts'
import { type BridgeSettings, forwardDelayInFile, inetStanza, portsInFile, stpInFile } from '../interfaces/bridge.ts'
import { type Lines, parseLines } from '../interfaces/lines.ts'
import { normalName, stanzasOf } from '../interfaces/stanzas.ts'
import { natHooks } from '../nat/hook-lines.ts'
import { type SourceNat, samePackets } from '../nat/source-nat.ts'
import { bridgeGone } from '../resources/bridge-gone.ts'
import { bridgeLink } from '../resources/bridge-link.ts'
import { interfacesRestored } from '../resources/interfaces-restored.ts'
import { natRuleAbsent, natRuleLive } from '../resources/nat-rule.ts'
import type { Resource } from '../resources/resource.ts'

/**
 * In the order in which they must hold: rules whose hooks go, and bridges that go (by their own hooks) while the file
 * still has them; the file; then bridges and rules that were otherwise.
 */
export function networkResources(now: Buffer, before: Buffer, force: boolean): readonly Resource[] {
  const [present, wanted] = [parseLines(now), parseLines(before)]
  const gone = hookRules(present).filter(({ rule }) => !hasRule(hookRules(wanted), rule))
  const back = hookRules(wanted).filter(({ rule }) => !hasRule(hookRules(present), rule))
  const newBridges = bridges(present).filter((name) => stanzasOf(wanted, name).length === 0)
  return [
    ...gone.map(({ rule }) => natRuleAbsent(rule)),
    ...newBridges.map((name) => bridgeGone(name, force)),
    interfacesRestored(before),
    ...bridges(wanted).flatMap((name) => liveBridge(present, wanted, name)),
    ...back.map(({ rule, holder }) => natRuleLive({ rule, holder })),
  ]
}

interface HookRule {
  readonly rule: SourceNat
  readonly holder: string
}

function hookRules(lines: Lines): readonly HookRule[] {
  const all = natHooks(lines)
    .filter(({ phase }) => phase === 'up')
    .flatMap(({ stanza, calls }) => calls.map(({ rule }) => ({ rule, holder: stanza.name })))
  return all.filter((one, i) => all.findIndex((other) => samePackets(other.rule, one.rule)) === i)
}

function hasRule(rules: readonly HookRule[], rule: SourceNat): boolean {
  return rules.some((other) => samePackets(other.rule, rule))
}

function bridges(lines: Lines): readonly string[] {
  const stanzas = stanzasOf(lines).filter(({ options }) =>
    options.some(({ name }) => /^bridge-/.test(normalName(name))),
  )
  return [...new Set(stanzas.map(({ name }) => name))]
}

/** The live side of a bridge, as far as the two files differ about it; what they agree on is left alone. */
function liveBridge(present: Lines, wanted: Lines, name: string): readonly Resource[] {
  const [now, then] = [settingsOf(present, name), settingsOf(wanted, name)]
  if (stanzasOf(present, name).length === 0) return [bridgeLink({ name })]
  const differing = Object.entries(then).filter(
    ([key, value]) => JSON.stringify(value) !== JSON.stringify(now[key as keyof BridgeSettings]),
  )
  return differing.length === 0 ? [] : [bridgeLink({ name, ...Object.fromEntries(differing) })]
}

function settingsOf(lines: Lines, name: string): BridgeSettings {
  const addresses = addressesNamed(lines, name)
  const [address] = addresses
  const none = inetStanza(lines, name)?.method === 'manual' ? ('none' as const) : undefined
  return {
    name,
    // Of several nobody can say which one belongs to the change.
    address: addresses.length > 1 ? undefined : (address ?? none),
    ports: portsInFile(lines, name),
    stp: stpInFile(lines, name),
    forwardDelay: forwardDelayInFile(lines, name),
  }
}
