/** What a file of dnsmasq comes to as parameters of the `dnsmasq` task. */
import type { ParamValue } from './adopter.ts'

/** A DHCP range as the task has it. */
interface RangeParams {
  readonly start: string
  readonly end: string
  readonly lease?: string
}

/** Parameters of a task, read from a file. */
export interface DnsmasqParameters {
  /** Undefined when the file serves none or several. */
  readonly interface: string | undefined
  readonly domain: string | undefined
  readonly ranges: readonly RangeParams[]
  readonly reservations: readonly { readonly mac: string; readonly ip: string; readonly name?: string }[]
  readonly records: Readonly<Record<string, ParamValue>>
  readonly aliases: Readonly<Record<string, string>>
  readonly upstream: readonly string[]
  readonly router: string | undefined
  readonly dns: readonly string[] | undefined
  readonly authoritative: boolean
  readonly ipv6Ra: boolean
  /** Lines that say more than that. */
  readonly extra: readonly string[]
}

const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i
const IPV4 = /^\d+\.\d+\.\d+\.\d+$/

/** Lines that the task writes anyway, or that mean nothing beside it. */
const IMPLIED =
  /^(except-interface=lo|bind-dynamic|bind-interfaces|domain-needed|bogus-priv|expand-hosts|no-resolv|local=.*|dhcp-name-match=set:wpad-ignore,wpad|dhcp-ignore-names=tag:wpad-ignore|dhcp-range=::,constructor:.*)$/

/** Reads a file of /etc/dnsmasq.d. */
export function readDnsmasq(text: string): DnsmasqParameters {
  const lines = text
    .split('\n')
    .map((line) => line.replace(/(^|\s)#.*$/, '').trim())
    .filter((line) => line !== '')
  const values = (key: string) =>
    lines.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1))
  const read = new Set<string>()
  const take = <T>(key: string, parse: (value: string) => T | undefined): readonly T[] =>
    values(key).flatMap((value) => {
      const parsed = parse(value)
      if (parsed !== undefined) read.add(`${key}=${value}`)
      return parsed === undefined ? [] : [parsed]
    })
  const interfaces = take('interface', (value) => value)
  const domains = take('domain', (value) => (/^[^,]+(,[\d./]+)?$/.test(value) ? value.split(',')[0] : undefined))
  const ranges = take('dhcp-range', readRange).flat()
  const reservations = take('dhcp-host', readHost)
  const hostRecords = take('host-record', readRecord)
  const addresses = take('address', readAddress)
  const cnames = take('cname', readCname)
  const upstream = take('server', (value) => (/^[\d.]+$|^[0-9a-f:]+$/i.test(value) ? value : undefined))
  const [router] = take('dhcp-option', (value) => optionValue(value, 'router', '3'))
  const [dns] = take('dhcp-option', (value) => optionValue(value, 'dns-server', '6'))
  const names = new Set(reservations.map(({ name }) => name))
  const records = [...hostRecords.filter(({ name }) => !names.has(name)), ...addresses]
  return {
    interface: interfaces.length === 1 ? interfaces[0] : undefined,
    domain: domains[0],
    ranges,
    reservations,
    records: Object.fromEntries(records.map(({ name, address }) => [name, address])),
    aliases: Object.fromEntries(cnames),
    upstream,
    router,
    dns: dns?.split(','),
    authoritative: lines.includes('dhcp-authoritative'),
    ipv6Ra: lines.includes('enable-ra'),
    extra: lines.filter(
      (line) => !read.has(line) && !IMPLIED.test(line) && !/^(dhcp-authoritative|enable-ra)$/.test(line),
    ),
  }
}

/** `set:vmbr1,10.0.0.100,10.0.0.199,255.255.255.0,12h`; without leading tags; a static range is nothing to hand out. */
function readRange(value: string): readonly RangeParams[] | undefined {
  const [start = '', end = '', ...rest] = value.split(',').filter((part) => !/^(set|tag|interface):/.test(part))
  if (IPV4.test(start) && end === 'static') return []
  if (!IPV4.test(start) || !IPV4.test(end) || rest.length > 2) return undefined
  const lease = rest.find((part) => /^(\d+[smhdw]?|infinite)$/.test(part))
  return [{ start, end, ...(lease === undefined ? {} : { lease }) }]
}

function readHost(value: string): DnsmasqParameters['reservations'][number] | undefined {
  const parts = value.split(',').filter((part) => !/^(set|tag):/.test(part))
  const mac = parts.find((part) => MAC.test(part))
  const ip = parts.find((part) => IPV4.test(part))
  const [name, ...others] = parts.filter((part) => part !== mac && part !== ip)
  if (mac === undefined || ip === undefined || others.length > 0) return undefined
  if (name !== undefined && !/^[a-z0-9-]+$/i.test(name)) return undefined
  return { mac: mac.toLowerCase(), ip, ...(name === undefined ? {} : { name }) }
}

function readRecord(value: string): { readonly name: string; readonly address: string } | undefined {
  const parts = value.split(',')
  const [address, ...names] = parts.toReversed()
  const name = names.at(-1)
  return address === undefined || name === undefined || !/^[\d.]+$|:/.test(address) ? undefined : { name, address }
}

function readAddress(value: string): { readonly name: string; readonly address: string } | undefined {
  const [, name, address] = /^\/([^/]+)\/([\d.]+|[0-9a-f:]+)$/i.exec(value) ?? []
  return name === undefined || address === undefined ? undefined : { name: `*.${name}`, address }
}

function readCname(value: string): readonly [string, string] | undefined {
  const parts = value.split(',')
  const [alias, target] = [parts[0], parts.at(-1)]
  return alias === undefined || target === undefined || parts.length < 2 ? undefined : [alias, target]
}

function optionValue(value: string, name: string, number: string): string | undefined {
  const parts = value.split(',').filter((part) => !/^(tag|set):/.test(part))
  const [option, ...rest] = parts
  return option === `option:${name}` || option === number ? rest.join(',') : undefined
}
