/** Which VLANs may pass the ports of a VLAN-aware bridge, as the kernel has it. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { bridgeVlansRef, type PortVlans } from '../facts/bridge-vlans.ts'
import { becomes } from '../facts/fact.ts'
import { interfacesRef } from '../facts/interfaces.ts'
import { linkNamed, linksRef, portsOf } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { vidsInFile } from '../interfaces/bridge.ts'
import type { Lines } from '../interfaces/lines.ts'
import { optionsNamed, stanzasOf } from '../interfaces/stanzas.ts'
import { formatVids, mergeVids, type VidRange, vidsWithout } from '../net/vids.ts'
import { isUplink } from './bridge-steps.ts'
import { linesOf } from './interfaces-file.ts'
import { type Change, OK, type Plan, type Resource } from './resource.ts'

/**
 * Ensures the VLANs of a bridge's uplinks; default: those of the file. Guests' ports get theirs from PVE when they are
 * plugged in, and ports with VLANs of their own in the file keep those.
 */
export function bridgeVlans(name: string, vids?: readonly VidRange[]): Resource {
  return {
    kind: 'bridge_vlans',
    key: `bridge-vlans:${name}`,
    title: `VLANs of ${name}`,
    reads: [interfacesRef, linksRef, bridgeVlansRef],
    plan(model) {
      const wanted = vids ?? vidsInFile(linesOf(model.get(interfacesRef)), name)
      return planOf(portVlanSteps(uplinks(name, model), wanted, model.get(bridgeVlansRef)))
    },
  }
}

/**
 * Plans for ports that a task names to let pass what the file says, where the bridge happens to tell VLANs apart. A task
 * that says nothing of VLANs stops none.
 */
export function planNamedPorts(name: string, ports: readonly string[], model: Model): Plan {
  const links = model.get(linksRef)
  if (linkNamed(links, name)?.bridge?.vlanAware !== true) return OK
  const names = ports.map((port) => linkNamed(links, port)?.name ?? port)
  const named = uplinks(name, model).filter((port) => names.includes(port.name))
  const wanted = vidsInFile(linesOf(model.get(interfacesRef)), name)
  return planOf(portVlanSteps(named, wanted, model.get(bridgeVlansRef), { stop: false }))
}

function planOf({ changes, scripts, after, stops }: PortVlanSteps): Plan {
  if (changes.length === 0) return OK
  return {
    kind: 'change',
    changes,
    script: joinScripts(scripts),
    after: [becomes(bridgeVlansRef, after)],
    // VLANs that are let pass besides others cut nobody off.
    ...(stops ? { risk: 'link' } : {}),
  }
}

/** Ports that get their VLANs from the bridge, as they are. */
function uplinks(name: string, model: Model): readonly PortVlans[] {
  const lines = linesOf(model.get(interfacesRef))
  const present = model.get(bridgeVlansRef)
  return portsOf(model.get(linksRef), name)
    .filter((port) => isUplink(port) && !hasOwnVlans(lines, port.name))
    .map((port) => present.find((entry) => entry.name === port.name) ?? { ...NEW_PORT, name: port.name })
}

interface PortVlanSteps {
  readonly changes: readonly Change[]
  readonly scripts: readonly Script[]
  readonly after: readonly PortVlans[]
  /** Some VLAN passes no more. */
  readonly stops: boolean
}

/** What the kernel gives a port that is plugged in. */
export const NEW_PORT: Omit<PortVlans, 'name'> = { pvid: 1, vids: [{ from: 1, to: 1 }] }

/** Brings ports to these VLANs; the one of untagged frames stays. */
function portVlanSteps(
  ports: readonly PortVlans[],
  wanted: readonly VidRange[],
  present: readonly PortVlans[],
  { stop } = { stop: true },
): PortVlanSteps {
  const changes: Change[] = []
  const scripts: Script[] = []
  let after = present
  let stops = false
  for (const port of ports) {
    const untagged = port.pvid === undefined ? [] : [{ from: port.pvid, to: port.pvid }]
    const missing = vidsWithout(wanted, port.vids)
    const extra = stop ? vidsWithout(vidsWithout(port.vids, wanted), untagged) : []
    if (missing.length + extra.length === 0) continue
    stops ||= extra.length > 0
    changes.push({ summary: summary(port, missing, extra) })
    scripts.push(
      ...missing.map((range) => sh`bridge vlan add dev ${port.name} vid ${formatVids([range])}`),
      ...extra.map((range) => sh`bridge vlan del dev ${port.name} vid ${formatVids([range])}`),
    )
    const vids = mergeVids([...vidsWithout(port.vids, extra), ...missing])
    after = [...after.filter(({ name }) => name !== port.name), { ...port, vids }]
  }
  return { changes, scripts, after, stops }
}

function summary({ name }: PortVlans, missing: readonly VidRange[], extra: readonly VidRange[]): string {
  const parts = [
    ...(missing.length === 0 ? [] : [`let VLANs ${formatVids(missing)} pass`]),
    ...(extra.length === 0 ? [] : [`stop VLANs ${formatVids(extra)}`]),
  ]
  return `${name}: ${parts.join(', ')}`
}

function hasOwnVlans(lines: Lines, port: string): boolean {
  return stanzasOf(lines, port).some(
    (stanza) => optionsNamed(stanza, 'bridge-vids', 'bridge-access', 'bridge-pvid').length > 0,
  )
}
