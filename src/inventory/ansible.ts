/** Hints for people who bring an Ansible inventory along. */

const SETTINGS: Readonly<Record<string, string>> = {
  ansible_host: 'address',
  ansible_ssh_host: 'address',
  ansible_user: 'user',
  ansible_ssh_user: 'user',
  ansible_port: 'port',
  ansible_ssh_port: 'port',
  ansible_ssh_private_key_file: 'key',
  ansible_private_key_file: 'key',
  ansible_become: 'become',
  ansible_timeout: 'connect_timeout',
  ansible_ssh_timeout: 'connect_timeout',
  ansible_ssh_common_args: 'jump',
  ansible_ssh_extra_args: 'jump',
  host: 'address',
  hostname: 'address',
  ip: 'address',
  proxy_jump: 'jump',
  identity_file: 'key',
}

const NEEDLESS = /^ansible_(connection|python_interpreter|shell_type|become_(user|method|exe)|network_os)$/

/** What to write instead of a setting of Ansible's or ssh's; undefined when the key is none of those. */
export function settingHint(key: string): string | undefined {
  const own = Object.hasOwn(SETTINGS, key) ? SETTINGS[key] : undefined
  if (own !== undefined) return `use \`${own}:\``
  if (NEEDLESS.test(key)) return 'remove it: pvectl needs nothing of the kind'
  if (/^ansible_(ssh_pass|password|become_pass(word)?)$/.test(key)) return 'pvectl logs in with keys only; remove it'
  return undefined
}

/** As {@link settingHint}, for a variable: there only Ansible's own names are meant as settings. */
export function variableHint(name: string, owner: 'group' | 'host'): string | undefined {
  if (!name.startsWith('ansible_')) return undefined
  const hint = settingHint(name)
  if (hint === undefined || !hint.startsWith('use')) return hint
  if (owner === 'host') return `${hint} beside \`vars:\`, in the host's entry`
  return name.endsWith('host') ? `${hint} in the entry of each host` : `${hint} under \`connection:\` of the group`
}

/** True for text that is an inventory in Ansible's INI format. */
export function looksLikeIni(text: string): boolean {
  const first = text.split('\n').find((line) => line.trim() !== '' && !/^\s*[#;]/.test(line)) ?? ''
  return /^\s*\[[A-Za-z0-9_:.-]+\]\s*$/.test(first) || /^\S+\s+ansible_\w+=/.test(first)
}
