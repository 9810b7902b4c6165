/** What else a node's dnsmasq has been told about an interface. */
import { filesIn } from '../facts/directory-files.ts'
import type { FactRef } from '../facts/fact.ts'
import { fileAt } from '../facts/file.ts'
import type { Model } from '../facts/model.ts'
import { type Ipv4Subnet, isWithin, parseIpv4 } from '../net/subnet.ts'
import { OK, type Resource } from './resource.ts'

/** Directory that Debian's dnsmasq.service reads (CONFIG_DIR in /etc/default/dnsmasq). */
export const DNSMASQ_DIRECTORY = '/etc/dnsmasq.d'
/** The main file of dnsmasq; all comments as Debian ships it. */
export const DNSMASQ_MAIN = '/etc/dnsmasq.conf'

/** An option of a configuration file of dnsmasq. */
export interface DnsmasqOption {
  readonly path: string
  /** Counts from 1. */
  readonly line: number
  readonly key: string
  readonly value: string
}

/** Facts that {@link dnsmasqOptions} reads. */
export const DNSMASQ_READS: readonly FactRef<unknown>[] = [filesIn(DNSMASQ_DIRECTORY), fileAt(DNSMASQ_MAIN)]

/** Ensures, by blocking, that no file but `own` and those in `replaced` speaks for the interface or its subnet. */
export function dnsmasqConflicts(name: string, subnet: Ipv4Subnet, own: string, replaced: readonly string[]): Resource {
  return {
    kind: 'dnsmasq_conflicts',
    key: `dnsmasq-conflicts:${name}`,
    claims: [`dnsmasq:${name}`],
    title: `nothing else in dnsmasq about ${name}`,
    reads: DNSMASQ_READS,
    plan(model) {
      const options = dnsmasqOptions(model).filter(({ path }) => path !== own && !replaced.includes(path))
      const found = options.filter((option) => speaksFor(option, name, subnet))
      const [first] = found
      if (first === undefined) return OK
      const places = found.map(({ path, line, key, value }) => `${path}:${line} (${key}${value && `=${value}`})`)
      return { kind: 'blocked', reason: reasonOf(first, name, places), hint: hintOf(first) }
    },
  }
}

/** All options of the files that dnsmasq reads, ours included. */
export function dnsmasqOptions(model: Model): readonly DnsmasqOption[] {
  const main = model.get(fileAt(DNSMASQ_MAIN))
  const files = model.get(filesIn(DNSMASQ_DIRECTORY)).filter(({ path }) => !/(\.dpkg-(dist|old|new)|~)$/.test(path))
  const all = main.type === 'file' ? [{ path: DNSMASQ_MAIN, content: main.content }, ...files] : files
  return all.flatMap(({ path, content }) => parseOptions(path, content.toString('utf8')))
}

function parseOptions(path: string, text: string): readonly DnsmasqOption[] {
  return text.split('\n').flatMap((raw, index) => {
    const [, key = '', value = ''] = /^\s*([a-z0-9-]+)\s*(?:=\s*(.*?))?\s*$/.exec(raw.replace(/(^|\s)#.*$/, '')) ?? []
    return key === '' ? [] : [{ path, line: index + 1, key, value }]
  })
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

function reasonOf({ key }: DnsmasqOption, name: string, places: readonly string[]): string {
  if (key === 'bind-interfaces') return `bind-interfaces does not go with bind-dynamic: ${places.join(', ')}`
  return `dnsmasq is configured for ${name} by hand: ${places.join(', ')}`
}

function hintOf({ path, line }: DnsmasqOption): string {
  if (path === DNSMASQ_MAIN) return `comment out line ${line} of ${path}, and put what it says into this task`
  return `put what it says into this task and add \`replace: [${path}]\`, which removes that file (rollback brings it back)`
}
