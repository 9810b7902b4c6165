/**
 * The move of a live bridge from its card to a bond, in one step of short commands: whatever can be prepared is, and
 * the bridge is without a port only between two of them. It keeps its MAC address, so that nobody has to learn a new one.
 */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { bridgeVlansRef } from '../facts/bridge-vlans.ts'
import { becomes, type FactUpdate } from '../facts/fact.ts'
import { interfacesRef } from '../facts/interfaces.ts'
import type { BondState } from '../facts/link-kinds.ts'
import { type LinksState, linkNamed, linksRef, portsOf } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { vidsInFile } from '../interfaces/bridge.ts'
import { formatVids, mergeVids } from '../net/vids.ts'
import type { BondDesired } from './bond-checks.ts'
import { asSlave, bondSteps, enslave } from './bond-steps.ts'
import { linesOf } from './interfaces-file.ts'
import { edited, type LinkStep } from './link-steps.ts'
import { bondFromFile, replaceLink } from './predict-links.ts'
import type { Plan } from './resource.ts'

const NEW_BOND: BondState = { mode: 'active-backup', miimon: 100, hashPolicy: 'layer2' }

/** A bond that is to be plugged into a bridge. */
export type BondMove = BondDesired & { readonly bridge: string }

/** Plans the bond, new or there already, and its place in the bridge. */
export function planMove(desired: BondMove, model: Model): Plan {
  const { name, bridge } = desired
  const links = model.get(linksRef)
  const lines = linesOf(model.get(interfacesRef))
  const present = linkNamed(links, name)
  const slaves = (desired.slaves ?? portsOf(links, name).map((slave) => slave.name)).map(
    (slave) => linkNamed(links, slave)?.name ?? slave,
  )
  const taken = slaves.filter((slave) => linkNamed(links, slave)?.master === bridge)
  const free = slaves.filter((slave) => !taken.includes(slave))
  const steps: readonly LinkStep[] = [
    ...(present === undefined
      ? [create(desired, model, taken), ...free.map((slave) => addSlave(slave, name))]
      : bondSteps({ ...desired, slaves: free, primary: undefined }, lines, links, present)),
    takePlace(desired, taken),
  ]
  return {
    kind: 'change',
    changes: steps.map(({ summary }) => ({ summary })),
    script: joinScripts([...steps.map(({ script }) => script), ...withVlans(desired, model).scripts]),
    after: [
      becomes(
        linksRef,
        withPrimary(
          desired,
          steps.reduce((state, step) => step.after(state), links),
        ),
      ),
      ...withVlans(desired, model).after,
    ],
    risk: 'link',
  }
}

/** The bond with the settings of its stanza; its MAC address is that of the card that it follows. */
function create({ name }: BondMove, model: Model, taken: readonly string[]): LinkStep {
  const link = bondFromFile(linesOf(model.get(interfacesRef)), name)
  const { primary: _, ...bond } = link.bond ?? NEW_BOND
  const { mode, miimon, hashPolicy, lacpRate } = bond
  const rate = lacpRate === undefined ? [] : [sh`ip link set ${name} type bond lacp_rate ${lacpRate}`]
  const hash = hashPolicy === 'layer2' ? [] : [sh`ip link set ${name} type bond xmit_hash_policy ${hashPolicy}`]
  const [follows] = taken
  const mac =
    follows === undefined ? [] : [sh`ip link set ${name} address "$(cat ${`/sys/class/net/${follows}/address`})"`]
  const script = joinScripts([
    sh`[ -d ${`/sys/class/net/${name}`} ] || ip link add ${name} type bond
ip link set ${name} down
ip link set ${name} type bond mode ${mode} miimon ${miimon}`,
    ...rate,
    ...hash,
    ...mac,
    sh`ip link set ${name} mtu ${link.mtu}
ip link set ${name} up`,
  ])
  return {
    summary: `create ${name}: ${mode}`,
    script,
    movesTraffic: false,
    after: (state) => replaceLink(state, { ...link, bond }),
  }
}

function addSlave(slave: string, bond: string): LinkStep {
  return {
    summary: `${bond}: add slave ${slave}`,
    script: enslave(slave, bond),
    movesTraffic: false,
    after: asSlave(slave, bond),
  }
}

/** Both in the bridge at once could be a loop, so the cards go first. */
function takePlace({ name, bridge, primary }: BondMove, taken: readonly string[]): LinkStep {
  const instead = taken.length === 0 ? '' : ` instead of ${taken.join(' ')}`
  const out = taken.map((slave) => sh`ip link set ${slave} nomaster`)
  const down = taken.map((slave) => sh`ip link set ${slave} down`)
  const into = taken.map(
    (slave) => sh`ip link set ${slave} master ${name}
ip link set ${slave} up`,
  )
  const prefer = primary === undefined ? [] : [sh`ip link set ${name} type bond primary ${primary}`]
  const keepMac = sh`[ "$(cat ${`/sys/class/net/${bridge}/address`})" = "$pv_mac" ] || ip link set ${bridge} address "$pv_mac"`
  return {
    summary: `${bridge}: add port ${name}${instead}`,
    script: joinScripts([
      sh`pv_mac=$(cat ${`/sys/class/net/${bridge}/address`})`,
      ...out,
      ...down,
      sh`ip link set ${name} master ${bridge}`,
      ...into,
      keepMac,
      ...prefer,
    ]),
    movesTraffic: true,
    after: (state) => {
      const bonded = taken.reduce(
        (now, slave) => asSlave(slave, name)(edited(slave, ({ master: _, ...link }) => link)(now)),
        state,
      )
      return edited(name, (link) => ({ ...link, master: bridge, up: true }))(bonded)
    },
  }
}

/** The primary can be named only when it is a slave, so it comes last. */
function withPrimary({ name, primary }: BondMove, state: LinksState): LinksState {
  if (primary === undefined) return state
  return edited(name, (link) => (link.bond === undefined ? link : { ...link, bond: { ...link.bond, primary } }))(state)
}

/** The bond lets those VLANs pass that the bridge's ports are to carry. */
function withVlans(
  { name, bridge }: BondMove,
  model: Model,
): { readonly scripts: readonly Script[]; readonly after: readonly FactUpdate[] } {
  if (linkNamed(model.get(linksRef), bridge)?.bridge?.vlanAware !== true) return { scripts: [], after: [] }
  const vids = vidsInFile(linesOf(model.get(interfacesRef)), bridge)
  const others = model.get(bridgeVlansRef).filter((port) => port.name !== name)
  return {
    scripts: vids.map((range) => sh`bridge vlan add dev ${name} vid ${formatVids([range])}`),
    after: [becomes(bridgeVlansRef, [...others, { name, pvid: 1, vids: mergeVids([{ from: 1, to: 1 }, ...vids]) }])],
  }
}
