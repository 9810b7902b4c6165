/** Options of firewall files: which there are, what they may hold, and edits of them. */
import type { Lines } from '../interfaces/lines.ts'
import { appendEntry, removeEntry, replaceEntry, sectionIn, withSection } from './place.ts'
import { type FileKind, parseFile, sectionOf } from './sections.ts'

/** Log levels that both implementations read. */
export const LOG_LEVELS = ['emerg', 'alert', 'crit', 'err', 'warning', 'notice', 'info', 'debug', 'nolog'] as const

/** What an option may hold. */
export type OptionForm =
  | { readonly kind: 'switch' }
  | { readonly kind: 'level' }
  | { readonly kind: 'number'; readonly least: number; readonly most?: number }
  | { readonly kind: 'words'; readonly words: readonly string[] }
  | { readonly kind: 'helpers' }
  | { readonly kind: 'rate' }

/** A limit of logged packets, as both implementations read it. */
export const RATE_LIMIT =
  /^(?:(?:enable=)?[01]|rate=[1-9]\d*\/(?:second|minute|hour|day)|burst=\d+)(?:,(?:enable=[01]|rate=[1-9]\d*\/(?:second|minute|hour|day)|burst=\d+))*$/

/** One option with what it is for. */
export interface OptionSpec {
  readonly form: OptionForm
  readonly what: string
}

const SWITCH = { kind: 'switch' } as const
const LEVEL = { kind: 'level' } as const
const POLICY = { kind: 'words', words: ['ACCEPT', 'REJECT', 'DROP'] } as const

/** Connection tracking helpers that PVE knows. */
export const CONNTRACK_HELPERS = ['amanda', 'ftp', 'irc', 'netbios-ns', 'pptp', 'sane', 'sip', 'snmp', 'tftp'] as const

/** Options of each kind of file (pve-firewall src/PVE/Firewall.pm, the option_properties and parse_*fw_option). */
export const OPTIONS: Readonly<Record<FileKind, Readonly<Record<string, OptionSpec>>>> = {
  cluster: {
    enable: { form: SWITCH, what: 'the firewall of the whole cluster; off until it is switched on' },
    ebtables: { form: SWITCH, what: 'rules for Ethernet frames; default on' },
    policy_in: { form: POLICY, what: 'what happens to packets for the nodes that no rule names; default DROP' },
    policy_out: { form: POLICY, what: 'what happens to packets of the nodes that no rule names; default ACCEPT' },
    policy_forward: {
      form: { kind: 'words', words: ['ACCEPT', 'DROP'] },
      what: 'what happens to forwarded packets that no rule names; the nftables implementation only',
    },
    log_ratelimit: { form: { kind: 'rate' }, what: 'limit of logged packets: `enable=1,rate=1/second,burst=5`' },
  },
  host: {
    enable: { form: SWITCH, what: 'the firewall of this node; default on' },
    nftables: { form: SWITCH, what: 'the nftables implementation (a technology preview) instead of iptables' },
    log_level_in: { form: LEVEL, what: 'what is logged of incoming packets; default nolog' },
    log_level_out: { form: LEVEL, what: 'what is logged of outgoing packets' },
    log_level_forward: { form: LEVEL, what: 'what is logged of forwarded packets' },
    tcp_flags_log_level: { form: LEVEL, what: 'what is logged of illegal TCP flags' },
    smurf_log_level: { form: LEVEL, what: 'what is logged of smurf attacks' },
    nosmurfs: { form: SWITCH, what: 'drop smurf attacks; default on' },
    tcpflags: { form: SWITCH, what: 'drop illegal combinations of TCP flags; default off' },
    ndp: { form: SWITCH, what: 'let neighbor discovery of IPv6 through; default on' },
    nf_conntrack_max: { form: { kind: 'number', least: 32768 }, what: 'most tracked connections' },
    nf_conntrack_tcp_timeout_established: {
      form: { kind: 'number', least: 7875 },
      what: 'seconds until an idle connection is forgotten',
    },
    nf_conntrack_tcp_timeout_syn_recv: {
      form: { kind: 'number', least: 30, most: 60 },
      what: 'seconds until a half-open connection is forgotten',
    },
    nf_conntrack_allow_invalid: { form: SWITCH, what: 'let packets through that belong to no known connection' },
    nf_conntrack_helpers: { form: { kind: 'helpers' }, what: 'connection tracking helpers, such as `ftp,tftp`' },
    log_nf_conntrack: { form: SWITCH, what: 'log connections' },
    protection_synflood: { form: SWITCH, what: 'limit new connections of each source' },
    protection_synflood_rate: { form: { kind: 'number', least: 1 }, what: 'new connections a second of each source' },
    protection_synflood_burst: { form: { kind: 'number', least: 1 }, what: 'burst of that limit' },
  },
  guest: {
    enable: { form: SWITCH, what: 'the firewall of this guest; off until it is switched on' },
    macfilter: { form: SWITCH, what: 'only the MAC address of the guest may send; default on' },
    ipfilter: { form: SWITCH, what: 'only addresses of the sets `ipfilter-netN` may send' },
    dhcp: { form: SWITCH, what: 'let DHCP through' },
    ndp: { form: SWITCH, what: 'let neighbor discovery of IPv6 through; default on' },
    radv: { form: SWITCH, what: 'let the guest send router advertisements' },
    policy_in: { form: POLICY, what: 'what happens to packets for the guest that no rule names; default DROP' },
    policy_out: { form: POLICY, what: 'what happens to packets of the guest that no rule names; default ACCEPT' },
    log_level_in: { form: LEVEL, what: 'what is logged of packets for the guest' },
    log_level_out: { form: LEVEL, what: 'what is logged of packets of the guest' },
  },
}

/** An option line; undefined for what is none. */
export function parseOption(text: string): { readonly name: string; readonly value: string } | undefined {
  const [, name, value = ''] = /^([A-Za-z0-9_]+):\s*(.*?)\s*$/.exec(text) ?? []
  return name === undefined ? undefined : { name: name.toLowerCase(), value }
}

/** The value of an option as PVE reads it, in one spelling; undefined when it is not set. */
export function optionValue(lines: Lines, file: FileKind, name: string): string | undefined {
  const found = parseFile(lines, file)
    .sections.filter(({ kind }) => kind === 'options')
    .flatMap(({ entries }) => entries.map(({ text }) => parseOption(text)))
    .findLast((option) => option?.name === name)
  return found === undefined ? undefined : normalValue(found.value)
}

/** Ensures values of options; `exclusive` takes all others out. */
export function setOptions(
  lines: Lines,
  file: FileKind,
  options: Readonly<Record<string, string>>,
  exclusive = false,
): Lines {
  const names = Object.keys(options)
  if (names.length === 0 && sectionOf(parseFile(lines, file), 'options') === undefined) return lines
  const start = withSection(lines, file, { kind: 'options' })
  const set = Object.entries(options).reduce((now, [name, value]) => setOption(now, file, name, value), start)
  if (!exclusive) return set
  const foreign = optionEntries(set, file).filter(({ name }) => name === undefined || !names.includes(name))
  return foreign
    .map(({ at }) => at)
    .reverse()
    .reduce(removeEntry, set)
}

function setOption(lines: Lines, file: FileKind, name: string, value: string): Lines {
  const found = optionEntries(lines, file).filter((option) => option.name === name)
  const last = found.at(-1)
  if (last === undefined) return appendEntry(lines, sectionIn(lines, file, 'options'), `${name}: ${value}`)
  // The last one counts for the iptables parser; the other one refuses a file that has two.
  const single = found
    .slice(0, -1)
    .map(({ at }) => at)
    .reverse()
    .reduce(removeEntry, lines)
  const at = last.at - (found.length - 1)
  return normalValue(last.value) === normalValue(value) ? single : replaceEntry(single, at, `${name}: ${value}`)
}

function optionEntries(lines: Lines, file: FileKind) {
  return parseFile(lines, file)
    .sections.filter(({ kind }) => kind === 'options')
    .flatMap(({ entries }) => entries)
    .map(({ at, text }) => ({ at, name: parseOption(text)?.name, value: parseOption(text)?.value ?? '' }))
}

/** Policies and levels may be written in any case. */
function normalValue(value: string): string {
  return value.toLowerCase()
}
