/** What else a node's dnsmasq has been told about an interface. */
import { fileAt } from '../facts/file.ts'
import { type Ipv4Subnet, isWithin, parseIpv4 } from '../net/subnet.ts'
import {
  DNSMASQ_DEFAULTS,
  DNSMASQ_DIRECTORY,
  DNSMASQ_MAIN,
  DNSMASQ_READS,
  type DnsmasqOption,
  dnsmasqOptions,
  parseOptions,
  readsDirectory,
} from './dnsmasq-options.ts'
import { type Repeated, repeatedIn } from './dnsmasq-repeated.ts'
import { OK, type PlanBlocked, type Resource } from './resource.ts'

/** A file for the guests of an interface, as a task writes it. */
export interface DnsmasqFile {
  readonly interface: string
  readonly subnet: Ipv4Subnet
  readonly path: string
  readonly content: string
  /** Files whose place it takes. */
  readonly replaced: readonly string[]
}

/**
 * Ensures, by blocking, that no other file speaks for the interface or its subnet, or has already said what dnsmasq takes
 * only once.
 */
export function dnsmasqConflicts({ interface: name, subnet, path, content, replaced }: DnsmasqFile): Resource {
  const own = parseOptions(path, content)
  return {
    kind: 'dnsmasq_conflicts',
    key: `dnsmasq-conflicts:${name}`,
    claims: [`dnsmasq:${name}`],
    title: `nothing else in dnsmasq about ${name}`,
    reads: [...DNSMASQ_READS, fileAt(DNSMASQ_DEFAULTS)],
    plan(model) {
      if (!readsDirectory(model)) return unread(path)
      const others = dnsmasqOptions(model).filter((option) => option.path !== path && !replaced.includes(option.path))
      const found = others.filter((option) => speaksFor(option, name, subnet))
      const repeated = repeatedIn(own, others, subnet)
      if (found.length > 0) return spokenFor(name, [...found, ...repeated.map(({ other }) => other)])
      return repeated.length > 0 ? saidTwice(repeated) : OK
    },
  }
}

function speaksFor({ key, value }: DnsmasqOption, name: string, subnet: Ipv4Subnet): boolean {
  const items = value.split(',').map((item) => item.trim())
  switch (key) {
    case 'bind-interfaces':
      return true
    case 'interface':
    case 'except-interface':
    case 'no-dhcp-interface':
      return items.some((item) => (item.endsWith('*') ? name.startsWith(item.slice(0, -1)) : item === name))
    case 'listen-address':
    case 'dhcp-range':
      return items.some((item) => {
        if (item === `constructor:${name}`) return true
        const address = parseIpv4(item)
        return address !== undefined && isWithin(address, subnet)
      })
    default:
      return false
  }
}

/** Nothing of what is written would hold, and without any `interface` dnsmasq answers on all of them. */
function unread(path: string): PlanBlocked {
  return {
    kind: 'blocked',
    reason: `dnsmasq does not read ${path}: CONFIG_DIR of ${DNSMASQ_DEFAULTS} does not say ${DNSMASQ_DIRECTORY}`,
    hint: `set it there as Debian has it: CONFIG_DIR=${DNSMASQ_DIRECTORY},.dpkg-dist,.dpkg-old,.dpkg-new`,
  }
}

function spokenFor(name: string, found: readonly DnsmasqOption[]): PlanBlocked {
  const places = [...new Set(found.map(placeOf))].join(', ')
  const reason =
    found[0]?.key === 'bind-interfaces'
      ? `bind-interfaces does not go with bind-dynamic: ${places}`
      : `dnsmasq is configured for ${name} by hand: ${places}`
  return { kind: 'blocked', reason, hint: hintOf(found) }
}

function saidTwice(repeated: readonly Repeated[]): PlanBlocked {
  const what = repeated.map(({ what, other }) => `${what} (${placeOf(other)})`).join(', ')
  return {
    kind: 'blocked',
    reason: `dnsmasq would be told twice what it takes once: ${what}`,
    hint: hintOf(repeated.map(({ other }) => other)),
  }
}

function placeOf({ path, line, key, value }: DnsmasqOption): string {
  return `${path}:${line} (${key}${value && `=${value}`})`
}

/** What to do about the first file among them; all of its lines at once. */
function hintOf(found: readonly DnsmasqOption[]): string {
  const path = found[0]?.path ?? ''
  if (path === DNSMASQ_MAIN) {
    const lines = [...new Set(found.filter((option) => option.path === path).map(({ line }) => line))].sort(
      (a, b) => a - b,
    )
    const which = lines.length === 1 ? `line ${lines[0]}` : `lines ${lines.join(', ')}`
    return `comment out ${which} of ${path}, and put what is to stay into this task`
  }
  if (/\/pvectl-[^/]*$/.test(path)) return 'another dnsmasq task has it: leave it to one of the two'
  return `put what it says into this task and add \`replace: [${path}]\`, which removes that file (rollback brings it back)`
}
