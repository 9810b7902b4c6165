/** What can cut the connection to a node, by its name: such steps run under the guard whatever task they belong to. */

const PATHS = ['/etc/network/', '/etc/ssh/', '/etc/pve/firewall/', '/etc/sudoers']
const UNITS = /^(ssh|sshd|networking|systemd-networkd|nftables|pve-firewall|proxmox-firewall)\.(service|socket)$/

/** `link` for files that decide over links, logins or the firewall. */
export function riskOfPath(path: string): 'link' | undefined {
  return PATHS.some((prefix) => path.startsWith(prefix)) ? 'link' : undefined
}

/** `link` for units that carry links, logins or the firewall. */
export function riskOfUnit(unit: string): 'link' | undefined {
  return UNITS.test(unit) ? 'link' : undefined
}

/** As part of a plan. */
export function withRisk(risk: 'link' | undefined): { readonly risk?: 'link' } {
  return risk === undefined ? {} : { risk }
}
