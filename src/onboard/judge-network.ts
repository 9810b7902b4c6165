/** Rows of the preflight about the network of the node. */
import { fail, pass, type Row, skipped, warn } from './row.ts'
import type { NodeSurvey } from './survey.ts'

/** All rows about the network. */
export function interfacesRows(node: NodeSurvey): readonly Row[] {
  return [ifupdownRow(node), pendingRow(node), nicRow(node), routeRow(node), uplinkRow(node)]
}

/** Oldest ifupdown2 that PVE's own API works with (pve-manager, PVE/API2/Network.pm, assert_ifupdown2_installed). */
const IFUPDOWN2 = [1, 2, 8] as const

function ifupdownRow({ basics }: NodeSurvey): Row {
  const [id, title] = ['ifupdown2', 'ifupdown2'] as const
  const version = basics.ifupdown2
  const install = 'apt install ifupdown2, from the repository of Proxmox VE'
  if (version === undefined) return warn(id, title, 'not installed', `changes need a reboot without it: ${install}`)
  const numbers = version.split(/[.-]/).map(Number)
  const difference = IFUPDOWN2.map((least, i) => (numbers[i] ?? 0) - least).find((diff) => diff !== 0) ?? 0
  if (difference < 0) return warn(id, title, version, `too old for Proxmox VE: ${install}`)
  if (!/pve|pmx|proxmox/.test(version)) {
    const remedy = `its ifreload takes guests off their bridges, so do not use it, and pvectl does not: ${install}`
    return warn(id, title, `${version}, which is Debian's`, remedy)
  }
  return pass(id, title, version)
}

/** Whatever is written to interfaces meanwhile is lost when the web interface or a reboot applies the file. */
function pendingRow({ basics }: NodeSurvey): Row {
  const [id, title] = ['pending', 'pending network changes'] as const
  if (basics.pending === 'none') return pass(id, title, 'none')
  if (basics.pending === 'same') {
    return warn(id, title, 'interfaces.new is there, but says nothing new', 'rm /etc/network/interfaces.new')
  }
  const remedy =
    'look at them: diff /etc/network/interfaces /etc/network/interfaces.new; then apply or revert them in the web interface (System, Network)'
  return fail(id, title, 'interfaces.new waits, and a reboot puts it in place', remedy)
}

/** A new kernel or another card renames network cards, and the bridge loses its port. */
function nicRow({ basics }: NodeSurvey): Row {
  const [id, title] = ['nics', 'names of network cards'] as const
  const loose = basics.nics.filter(({ pinned }) => !pinned).map(({ name }) => name)
  if (basics.nics.length === 0) return skipped(id, title, 'no network card was found')
  if (loose.length === 0) return pass(id, title, basics.nics.map(({ name }) => name).join(', '))
  const remedy =
    'from PVE 8.4 on: pve-network-interface-pinning generate, then reboot; best before anything else is set up'
  return warn(
    id,
    title,
    `${loose.join(', ')} not pinned: a new kernel may rename ${loose.length === 1 ? 'it' : 'them'}`,
    remedy,
  )
}

function routeRow({ basics }: NodeSurvey): Row {
  const [id, title] = ['route', 'default route'] as const
  const routes = [basics.route4, basics.route6].flatMap((route) => route ?? [])
  if (routes.length === 0) {
    return fail(
      id,
      title,
      'none',
      'give the node a gateway in /etc/network/interfaces; it can neither update nor serve guests',
    )
  }
  return pass(id, title, routes.map(({ gateway, device }) => `${gateway ?? 'link'} on ${device}`).join(', '))
}

/** The bridge that has the default route. */
function uplinkRow({ basics }: NodeSurvey): Row {
  const [id, title] = ['uplink', 'uplink bridge'] as const
  const device = (basics.route4 ?? basics.route6)?.device
  if (device === undefined) return skipped(id, title, 'there is no default route')
  const ports = basics.bridges.get(device)
  if (ports === undefined) {
    const remedy = `guests cannot be bridged to the outside over ${device}, only routed; put it into a bridge if they should`
    return warn(id, title, `the default route is on ${device}, which is no bridge`, remedy)
  }
  const cards = ports.filter((port) => !/^(tap|veth|fwpr)/.test(port))
  if (cards.length === 0)
    return warn(id, title, `${device} has no network card`, 'is that what it should be? see: bridge link')
  return pass(id, title, `${device} on ${cards.join(', ')}`)
}
