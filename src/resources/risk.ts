/** What can cut the connection to a node, by its name: such steps run under the guard whatever task they belong to. */
import type { Resource } from './resource.ts'

const PATHS = ['/etc/network/', '/etc/ssh/', '/etc/pve/firewall/', '/etc/sudoers', '/etc/systemd/system/ssh']
const UNITS = /^(ssh|sshd|networking|systemd-networkd|nftables|pve-firewall|proxmox-firewall)\.(service|socket)$/

/** Who may log in, and what each login goes through before a command runs; /root/.ssh/authorized_keys is a link on PVE. */
const LOGINS =
  /^\/etc\/(passwd|shadow|group|nologin|nsswitch\.conf|hosts\.(allow|deny)|bash\.bashrc|pam\.d\/.+|security\/.+|pve\/priv\/authorized_keys)$|^\/root\/\.(bashrc|profile|bash_profile|bash_login)$|\/\.ssh\/(authorized_keys2?|rc|environment)$/

/** The firewall file of a node of Proxmox VE, by its own name or by the link to its folder. */
const HOST_FW = /^\/etc\/pve\/(local|nodes\/[^/]+)\/host\.fw$/

/** `link` for files that decide over links, logins or the firewall. */
export function riskOfPath(path: string): 'link' | undefined {
  return PATHS.some((prefix) => path.startsWith(prefix)) || HOST_FW.test(path) || decidesLogins(path)
    ? 'link'
    : undefined
}

/** True for files that the next login depends on: those of sshd, keys, accounts, PAM and root's shell. */
export function decidesLogins(path: string): boolean {
  return path.startsWith('/etc/ssh/') || LOGINS.test(path)
}

/** `link` for units that carry links, logins or the firewall. */
export function riskOfUnit(unit: string): 'link' | undefined {
  return UNITS.test(unit) ? 'link' : undefined
}

/** What decides whether packets are answered, and whether there is room for one more connection and its processes. */
const PARAMETERS = [
  /^net\.ipv[46]\.(conf\.[^.]+\.(arp_\w+|rp_filter|disable_ipv6|disable_policy|drop_\w+)|neigh\..+|ip_default_ttl|(tcp|udp)_\w*mem)$/,
  /^net\.(bridge\..+|core\.[rw]mem_\w+|netfilter\.nf_conntrack_max)$/,
  /^(fs\.(file-max|nr_open)|kernel\.(pid_max|threads-max)|vm\.(min_free_kbytes|nr_hugepages|overcommit_\w+))$/,
]

/** `link` for kernel parameters that can cut the connection, in either spelling of sysctl.d(5). */
export function riskOfParameter(name: string): 'link' | undefined {
  const slashFirst = /^[^./]*\//.test(name)
  const dotted = slashFirst ? name.replace(/[./]/g, (c) => (c === '.' ? '/' : '.')) : name
  return PARAMETERS.some((pattern) => pattern.test(dotted)) ? 'link' : undefined
}

/** As part of a plan. */
export function withRisk(risk: 'link' | undefined): { readonly risk?: 'link' } {
  return risk === undefined ? {} : { risk }
}

const KINDS = /^(links|interfaces|sshd|arrival)$|firewall|ovs|openvswitch/

/** True for resources whose steps may be risky, judging by what they look at. */
export function mayBeRisky({ kind, reads }: Pick<Resource, 'kind' | 'reads'>): boolean {
  return (
    KINDS.test(kind) ||
    reads.some(
      ({ kind: { name }, id }) =>
        KINDS.test(name) ||
        (name === 'file' && riskOfPath(id) !== undefined) ||
        (name === 'unit' && riskOfUnit(id) !== undefined) ||
        (name === 'sysctl' && riskOfParameter(id) !== undefined),
    )
  )
}
