/** Adopts dnsmasq: files that pvectl wrote as `dnsmasq`, any other as they are. */
import { linksRef } from '../../facts/links.ts'
import type { Model } from '../../facts/model.ts'
import { packageNamed } from '../../facts/package.ts'
import { type Adopter, type Finding, type ParamValue, type TaskDraft, Variable, type Way } from '../adopter.ts'
import { type DnsmasqParameters, readDnsmasq } from '../dnsmasq-config.ts'
import { draftFile, type OwnFile, ownFiles, placeFacts } from '../files.ts'
import { linkOf, roleOf } from '../networks.ts'
import { serviceFinding } from '../services.ts'

const PLACES = { directories: ['/etc/dnsmasq.d'], files: ['/etc/dnsmasq.conf', '/etc/default/dnsmasq'] }

/** `dnsmasq`, `file`, `service`. */
export const dnsmasqAdopter: Adopter = {
  title: 'DHCP and DNS',
  reads: [...placeFacts(PLACES), linksRef, packageNamed('dnsmasq')],
  adopt({ host, model }) {
    const files = ownFiles(model, PLACES)
    const drafted = files.map((file) => ({ file, draft: draftFile(host, file) }))
    const findings = drafted.flatMap(({ file, draft }): Finding[] => {
      const task = nativeTask(file, model)
      if ('why' in draft) return task === undefined ? [] : [{ what: file.path, ways: [task] }]
      return [{ what: file.path, ways: task === undefined ? [{ tasks: [draft] }] : [task, { tasks: [draft] }] }]
    })
    const isInstalled = model.get(packageNamed('dnsmasq')).installed
    const service = isInstalled
      ? [
          serviceFinding(
            'dnsmasq',
            files.map(({ path }) => path),
            'restart_on',
          ),
        ]
      : []
    const leftOvers = drafted.flatMap(({ draft }) => ('why' in draft ? [draft] : []))
    return { findings: [...findings, ...service], leftOvers }
  },
}

/** The task for what the file says of one bridge; undefined when it says nothing of one. */
function nativeTask({ path, content }: OwnFile, model: Model): Way | undefined {
  const read = readDnsmasq(content?.toString('utf8') ?? '')
  const name = read.interface
  const own = name === undefined ? undefined : linkOf(model, name)?.addresses.find(({ family }) => family === 4)?.cidr
  if (name === undefined || own === undefined || !path.startsWith('/etc/dnsmasq.d/')) return undefined
  const isOwn = path === `/etc/dnsmasq.d/pvectl-${name}.conf`
  const task: TaskDraft = {
    name: `DHCP and DNS on ${name}`,
    type: 'dnsmasq',
    params: { ...parameters(read, name, own, model), ...(isOwn ? {} : { replace: [path] }) },
  }
  return { tasks: [task] }
}

function parameters(read: DnsmasqParameters, name: string, own: string, model: Model): TaskDraft['params'] {
  const isInternal = roleOf(model, name) === 'internal'
  const inRole = (variable: string, value: ParamValue) => (isInternal ? new Variable(variable, value) : value)
  const address = own.split('/')[0]
  const { domain, ranges, reservations, records, aliases, upstream, router, dns, extra } = read
  const hasDhcp = ranges.length + reservations.length > 0
  const isOwnDns = dns === undefined || (dns.length === 1 && dns[0] === address)
  return {
    interface: inRole('internal_bridge', name),
    subnet: inRole('internal_address', own),
    ...(domain === undefined ? {} : { domain: inRole('internal_domain', domain) }),
    ...(ranges.length === 0 ? {} : { ranges: ranges.map((range) => ({ ...range })) }),
    ...(reservations.length === 0
      ? {}
      : {
          reservations: inRole(
            'reservations',
            reservations.map((r) => ({ ...r })),
          ),
        }),
    ...(router === undefined || router === address ? {} : { router: router === '' ? false : router }),
    ...(isOwnDns ? {} : { dns: [...dns] }),
    ...(Object.keys(records).length === 0 ? {} : { records }),
    ...(Object.keys(aliases).length === 0 ? {} : { aliases: { ...aliases } }),
    ...(upstream.length === 0 ? {} : { upstream: [...upstream] }),
    ...(hasDhcp && !read.authoritative ? { authoritative: false } : {}),
    ...(read.ipv6Ra ? { ipv6_ra: true } : {}),
    ...(extra.length === 0 ? {} : { extra: [...extra] }),
  }
}
