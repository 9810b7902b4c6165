/** Single changes to a live bond. The kernel takes some settings only from a bond that is down, or that has no slaves. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import type { BondState } from '../facts/link-kinds.ts'
import { type Link, type LinksState, linkNamed, portsOf } from '../facts/links.ts'
import type { BondSettings } from '../interfaces/bond.ts'
import type { Lines } from '../interfaces/lines.ts'
import { addressSteps, edited, type LinkStep, mtuSteps, setUp } from './link-steps.ts'
import { whileDown } from './links-down.ts'

/** What has to change on a bond that exists, in order. Slaves are added before others go. */
export function bondSteps(settings: BondSettings, lines: Lines, links: LinksState, link: Link): readonly LinkStep[] {
  return [
    ...modeSteps(settings, links, link),
    ...optionSteps(settings, links, link),
    ...slaveSteps(settings, links, link),
    ...primarySteps(settings, link),
    ...mtuSteps(link, settings.mtu),
    ...(link.up ? [] : [setUp(link.name)]),
    ...addressSteps(settings, lines, links, link),
  ]
}

/** Puts a link into a bond: it must be down for that, and comes up with it. */
export function enslave(slave: string, bond: string): Script {
  return sh`ip link set ${slave} down
ip link set ${slave} master ${bond}
ip link set ${slave} up`
}

/** The link as a slave: it takes the MTU of its bond. */
export function asSlave(slave: string, bond: string): LinkStep['after'] {
  return (state) => {
    const mtu = linkNamed(state, bond)?.mtu
    return edited(slave, (now) => ({ ...now, master: bond, up: true, mtu: mtu ?? now.mtu }))(state)
  }
}

/** The mode can be changed only without slaves: they go, and come back. */
function modeSteps({ name, mode, miimon }: BondSettings, links: LinksState, link: Link): readonly LinkStep[] {
  if (mode === undefined || link.bond?.mode === mode) return []
  const slaves = portsOf(links, name).map((slave) => slave.name)
  const watch = miimon ?? (link.bond?.miimon || 100)
  return [
    {
      summary: `${name}: mode ${link.bond?.mode ?? '?'} → ${mode}`,
      script: whileDown(
        name,
        links,
        joinScripts([
          ...slaves.map((slave) => sh`ip link set ${slave} nomaster`),
          sh`ip link set ${name} type bond mode ${mode} miimon ${watch}`,
          ...slaves.map((slave) => enslave(slave, name)),
        ]),
      ),
      movesTraffic: true,
      after: editedBond(name, ({ primary: _, lacpRate: __, ...bond }) => ({
        ...bond,
        mode,
        miimon: watch,
        ...(mode === '802.3ad' ? { lacpRate: 'slow' } : {}),
      })),
    },
  ]
}

function optionSteps(settings: BondSettings, links: LinksState, { name, bond, ...link }: Link): readonly LinkStep[] {
  const { miimon, hashPolicy, lacpRate, mode } = settings
  const rate = mode === undefined || mode === bond?.mode ? bond?.lacpRate : 'slow'
  const change = lacpRate === undefined ? sh`` : sh`ip link set ${name} type bond lacp_rate ${lacpRate}`
  return [
    ...option(name, 'miimon', bond?.miimon, miimon, (now, value) => ({ ...now, miimon: value })),
    ...option(name, 'xmit_hash_policy', bond?.hashPolicy, hashPolicy, (now, value) => ({ ...now, hashPolicy: value })),
    ...(lacpRate === undefined || rate === lacpRate
      ? []
      : [
          {
            summary: `${name}: LACP rate ${rate ?? '?'} → ${lacpRate}`,
            script: link.up ? whileDown(name, links, change) : change,
            movesTraffic: true,
            after: editedBond(name, (now) => ({ ...now, lacpRate })),
          },
        ]),
  ]
}

function primarySteps({ name, primary }: BondSettings, { bond }: Link): readonly LinkStep[] {
  return option(name, 'primary', bond?.primary, primary, (now, value) => ({ ...now, primary: value }))
}

function option<Value extends string | number>(
  name: string,
  key: string,
  present: Value | undefined,
  wanted: Value | undefined,
  change: (bond: BondState, value: Value) => BondState,
): readonly LinkStep[] {
  if (wanted === undefined || wanted === present) return []
  return [
    {
      summary: `${name}: ${key} ${present ?? 'none'} → ${wanted}`,
      script: sh`ip link set ${name} type bond ${key} ${wanted}`,
      movesTraffic: true,
      after: editedBond(name, (bond) => change(bond, wanted)),
    },
  ]
}

function slaveSteps({ name, slaves }: BondSettings, links: LinksState, link: Link): readonly LinkStep[] {
  if (slaves === undefined) return []
  const wanted = slaves.map((slave) => linkNamed(links, slave)?.name ?? slave)
  const present = portsOf(links, link.name)
  const added = wanted.filter((slave) => linkNamed(links, slave)?.master !== name)
  const down = present.filter((slave) => wanted.includes(slave.name) && !slave.up)
  const removed = present.filter((slave) => !wanted.includes(slave.name))
  return [
    ...added.map((slave) => ({
      summary: `${name}: add slave ${slave}`,
      script: enslave(slave, name),
      movesTraffic: true,
      after: asSlave(slave, name),
    })),
    ...down.map((slave) => setUp(slave.name)),
    ...removed.map(({ name: slave }) => ({
      summary: `${name}: remove slave ${slave}`,
      script: sh`ip link set ${slave} nomaster`,
      movesTraffic: true,
      after: edited(slave, ({ master: _, ...now }) => now),
    })),
  ]
}

function editedBond(name: string, edit: (bond: BondState) => BondState): LinkStep['after'] {
  return edited(name, (link) => ({
    ...link,
    bond: edit(link.bond ?? { mode: 'balance-rr', miimon: 0, hashPolicy: 'layer2' }),
  }))
}
