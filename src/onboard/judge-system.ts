/** Rows of the preflight about the system: release, name, clock, disk, subscription. */
import { isIP } from 'node:net'
import { fail, pass, type Row, skipped, warn } from './row.ts'
import type { NodeSurvey } from './survey.ts'

/** Oldest release of Proxmox VE whose files pvectl knows, and the one from which on Proxmox still mends it. */
const OLDEST = 7
const MAINTAINED = 8

/** Release of Proxmox VE. Members of a cluster should be of one release; another major one is for upgrades only. */
export function versionRow({ pve }: NodeSurvey, members: ReadonlyMap<string, NodeSurvey>): Row {
  const [id, title] = ['version', 'Proxmox VE'] as const
  const { version, major } = pve
  if (version === undefined || major === undefined) {
    const remedy =
      'install Proxmox VE if this is to be a node of it; plain Debian gets its network, but neither repositories nor a cluster'
    return warn(id, title, 'not installed (pveversion says nothing)', remedy)
  }
  if (major < OLDEST) return fail(id, title, version, `upgrade: pvectl knows Proxmox VE from ${OLDEST} on`)
  const other = [...members].find(([, member]) => member.pve.major !== undefined && member.pve.major !== major)
  if (other !== undefined) {
    const [name, member] = other
    return fail(
      id,
      title,
      `${version}, but ${name} has ${member.pve.version}`,
      'bring both to the same major release first',
    )
  }
  if (major < MAINTAINED) return warn(id, title, version, 'this release gets no updates any more: plan the upgrade')
  return pass(id, title, version)
}

/**
 * The node's name must resolve to an address of its own that is no loopback: pmxcfs does not start without, and the
 * cluster tells it to all members (pve-cluster, src/pmxcfs/pmxcfs.c; PVE/Network.pm, get_ip_from_hostname).
 */
export function hostnameRow({ basics }: NodeSurvey, address: string): Row {
  const [id, title] = ['hostname', 'name of the node'] as const
  const { hostname, resolved } = basics
  const remedy = `the baseline writes \`${ownAddress(basics, address)} ${hostname}\` to /etc/hosts and takes other lines for the name away`
  if (hostname.toLowerCase() === 'localhost')
    return fail(
      id,
      title,
      '`localhost` is the name of every machine',
      'choose another one: hostnamectl set-hostname NAME',
    )
  if (!/^[A-Za-z0-9](?:[A-Za-z0-9-]{0,61}[A-Za-z0-9])?$/.test(hostname)) {
    const how =
      'choose a name of letters, digits and hyphens before guests or a cluster are on it: hostnamectl set-hostname NAME'
    return fail(id, title, `\`${hostname}\` is no name that Proxmox VE takes`, how)
  }
  if (resolved.length === 0) return warn(id, title, `${hostname} does not resolve`, remedy)
  const loopback = resolved.filter(isLoopback)
  if (loopback.length > 0)
    return warn(id, title, `${hostname} resolves to ${loopback.join(', ')}, a loopback address`, remedy)
  const own = basics.addresses.map(({ cidr }) => cidr.replace(/\/\d+$/, ''))
  const foreign = resolved.filter((ip) => !own.includes(ip))
  if (foreign.length === resolved.length) {
    return warn(id, title, `${hostname} resolves to ${foreign.join(', ')}, which is no address of the node`, remedy)
  }
  return pass(id, title, `${hostname} is ${resolved.join(', ')}`)
}

/** The address of the node that others should know it by: the one it was reached at, where that is its own. */
export function ownAddress(basics: NodeSurvey['basics'], reached: string): string {
  const own = basics.addresses.map(({ cidr, device }) => ({ ip: cidr.replace(/\/\d+$/, ''), device }))
  if (own.some(({ ip }) => ip === reached)) return reached
  const route = basics.route4 ?? basics.route6
  const family = basics.route4 === undefined ? 6 : 4
  return own.find(({ ip, device }) => device === route?.device && isIP(ip) === family)?.ip ?? own[0]?.ip ?? reached
}

function isLoopback(ip: string): boolean {
  return ip.startsWith('127.') || ip === '::1'
}

/** Seconds that a clock may be off before anybody should care, and before things break: certificates, tickets, apt. */
const SKEW_WARN_S = 2
const SKEW_FAIL_S = 300

/** Clock of the node against the controller and the other nodes. */
export function clockRow({ skewMs }: NodeSurvey, members: ReadonlyMap<string, NodeSurvey>): Row {
  const [id, title] = ['clock', 'clock'] as const
  const others = [...members].map(([name, member]) => ({ name, ms: skewMs - member.skewMs }))
  const all = [{ name: 'this machine', ms: skewMs }, ...others]
  const worst = all.reduce((a, b) => (Math.abs(b.ms) > Math.abs(a.ms) ? b : a))
  const seconds = Math.abs(worst.ms) / 1000
  if (seconds <= SKEW_WARN_S) return pass(id, title, `as that of ${all.map(({ name }) => name).join(', ')}`)
  const saw = `${duration(seconds)} ${worst.ms > 0 ? 'ahead of' : 'behind'} ${worst.name}`
  if (seconds <= SKEW_FAIL_S)
    return warn(id, title, saw, 'the baseline starts a time service; see it catch up: chronyc tracking')
  return fail(id, title, saw, 'set the clock: systemctl restart chrony && chronyc makestep (or timedatectl set-time)')
}

function duration(seconds: number): string {
  if (seconds < 120) return `${seconds.toFixed(1)} s`
  return seconds < 7200 ? `${Math.round(seconds / 60)} min` : `${Math.round(seconds / 3600)} h`
}

/** A service that keeps the clock right. */
export function timeServiceRow({ basics }: NodeSurvey): Row {
  const [id, title] = ['time-service', 'time service'] as const
  const [service, second] = basics.timeServices
  if (service === undefined) return warn(id, title, 'none runs', 'the baseline installs chrony')
  if (second !== undefined) {
    return warn(id, title, `${service} and ${second} both run`, `keep one: systemctl disable --now ${second}`)
  }
  if (basics.synchronized === false) {
    return warn(
      id,
      title,
      `${service} runs, but is not synchronized yet`,
      'can it reach its servers? see: chronyc sources',
    )
  }
  return pass(id, title, service)
}

/** MiB that updates need, and below which nothing works any more. */
const DISK_WARN_MIB = 2048
const DISK_FAIL_MIB = 500

/** Free space for packages. */
export function diskRow({ basics }: NodeSurvey): Row {
  const [id, title] = ['disk', 'free disk'] as const
  const saw = basics.freeMiB >= 10_240 ? `${Math.floor(basics.freeMiB / 1024)} GiB` : `${basics.freeMiB} MiB`
  const remedy = 'make room on /: apt-get clean, old kernels (apt autoremove), ISO images in /var/lib/vz'
  if (basics.freeMiB < DISK_FAIL_MIB) return fail(id, title, `${saw} on /`, remedy)
  return basics.freeMiB < DISK_WARN_MIB ? warn(id, title, `${saw} on /`, remedy) : pass(id, title, `${saw} on /`)
}

/** Without a subscription the enterprise repository answers 401, and `apt update` fails. */
export function subscriptionRow({ pve }: NodeSurvey): Row {
  const [id, title] = ['subscription', 'subscription'] as const
  if (pve.version === undefined) return skipped(id, title, 'there is no Proxmox VE')
  if (pve.subscription === 'active') return pass(id, title, 'active')
  if (pve.subscription === undefined) {
    return warn(id, title, 'pvesubscription says nothing', 'see: pvesubscription get')
  }
  const saw = pve.subscription === 'notfound' ? 'none' : pve.subscription
  return warn(id, title, saw, 'the baseline switches to the no-subscription repository')
}

/** Text that ~/.bashrc prints gets into what tools read over SSH; rsync of `pvecm add` breaks on it. */
export function shellRow({ basics }: NodeSurvey): Row {
  const [id, title] = ['shell', "root's shell"] as const
  if (basics.noise === '') return pass(id, title, 'prints nothing of its own')
  const first = basics.noise.split('\n')[0] ?? ''
  const remedy = 'let /root/.bashrc print for people only; as its first line: [ -n "$PS1" ] || return'
  return warn(id, title, `prints ${JSON.stringify(first.slice(0, 40))} into every command over SSH`, remedy)
}
