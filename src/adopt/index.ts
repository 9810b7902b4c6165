/** The only list of adopters, in the order in which their tasks stand in the playbook. */
import type { Adopter } from './adopter.ts'
import { accountsAdopter } from './adopters/accounts.ts'
import { dnsmasqAdopter } from './adopters/dnsmasq.ts'
import { interfacesAdopter } from './adopters/interfaces.ts'
import { kernelAdopter } from './adopters/kernel.ts'
import { natAdopter } from './adopters/nat.ts'
import { nginxAdopter } from './adopters/nginx.ts'
import { othersAdopter } from './adopters/others.ts'
import { packagesAdopter } from './adopters/packages.ts'
import { pveAccessAdopter } from './adopters/pve-access.ts'
import { pveFirewallAdopter } from './adopters/pve-firewall.ts'
import { sshdAdopter } from './adopters/sshd.ts'
import { systemAdopter } from './adopters/system.ts'

/** Every adopter. */
export const adopters: readonly Adopter[] = [
  systemAdopter,
  packagesAdopter,
  kernelAdopter,
  interfacesAdopter,
  natAdopter,
  pveFirewallAdopter,
  dnsmasqAdopter,
  nginxAdopter,
  sshdAdopter,
  accountsAdopter,
  pveAccessAdopter,
  othersAdopter,
]
