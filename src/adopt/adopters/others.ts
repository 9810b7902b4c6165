/** Adopts files that admins put into well-known places: units, timers, cron jobs, saved rules, hosts. */
import { basename } from 'node:path'
import { configurationIn } from '../../facts/configuration-files.ts'
import type { Adopter, Finding } from '../adopter.ts'
import { adoptFiles, ownFiles, placeFacts } from '../files.ts'
import { enabledFinding, serviceFinding } from '../services.ts'
import { isProxmoxSource } from './system.ts'

const PLACES = {
  directories: [
    '/etc/systemd/system',
    '/etc/network/if-pre-up.d',
    '/etc/network/if-up.d',
    '/etc/network/if-down.d',
    '/etc/network/if-post-down.d',
    '/etc/network/interfaces.d',
    '/etc/iptables',
    '/etc/ufw',
    '/etc/wireguard',
    '/etc/openvpn',
    '/etc/sudoers.d',
    '/etc/security/limits.d',
    '/etc/profile.d',
    '/etc/logrotate.d',
    '/etc/cron.d',
    '/etc/cron.daily',
    '/etc/cron.hourly',
    '/etc/cron.weekly',
    '/etc/udev/rules.d',
    '/etc/fail2ban/jail.d',
    '/etc/fail2ban/filter.d',
    '/etc/fail2ban/action.d',
    '/etc/chrony/conf.d',
    '/etc/chrony/sources.d',
    '/etc/apt/sources.list.d',
    '/etc/apt/apt.conf.d',
    '/usr/local/bin',
    '/usr/local/sbin',
  ],
  files: [
    '/etc/rc.local',
    '/etc/nftables.conf',
    '/etc/fail2ban/jail.local',
    '/etc/chrony/chrony.conf',
    '/etc/default/grub',
    '/etc/default/pveproxy',
    '/etc/apt/sources.list',
  ],
}

/** Links that systemd makes when a unit is enabled or masked; the unit's own task speaks of those. */
const MADE_BY_SYSTEMD = /^\/etc\/systemd\/system\/[^/]+$/

/** What the usual target of servers wants: instances of templates are seen here alone. */
const WANTED = '/etc/systemd/system/multi-user.target.wants'

/** `file`, `service`. */
export const othersAdopter: Adopter = {
  title: 'Further files',
  reads: [...placeFacts(PLACES), configurationIn(WANTED)],
  adopt(view) {
    const files = ownFiles(view.model, PLACES)
      .filter(({ path, type }) => type !== 'link' || !MADE_BY_SYSTEMD.test(path))
      .filter(({ path, content }) => !isProxmoxSource(path, content))
    const { findings, leftOvers } = adoptFiles(view, files)
    // Not started by a task: its file begins with `flush ruleset` as a rule, and takes live rules of others away.
    const nftables = files.some(({ path }) => path === '/etc/nftables.conf') ? [enabledFinding('nftables')] : []
    const instances = view.model.get(configurationIn(WANTED)).flatMap(({ path, target = '' }): readonly Finding[] => {
      const isOwn = files.some((file) => file.path === target && file.path.includes('@.'))
      return isOwn ? [serviceFinding(basename(path), [], 'restart_on')] : []
    })
    const units = files.flatMap(({ path }): readonly Finding[] => {
      const name = /^\/etc\/systemd\/system\/([^/@]+\.(?:service|timer|socket))$/.exec(path)?.[1]
      return name === undefined ? [] : [serviceFinding(name, [], 'restart_on')]
    })
    return { findings: [...findings, ...units, ...instances, ...nftables], leftOvers }
  },
}
