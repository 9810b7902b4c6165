/** What follows from the description of a site: how it is visited, and what stands behind it. */
import { basename } from 'node:path'
import { unitFact } from '../causes.ts'
import type { Site } from '../check.ts'
import { requestText } from '../outside/http.ts'
import type { FactWish } from '../probe/plan.ts'
import type { HostView } from '../prover.ts'

/** The unit that serves sites. */
export const NGINX = 'nginx.service'

/** The unit of the web interface of Proxmox VE. */
export const PVEPROXY = 'pveproxy.service'

/** Address of a site, as a visitor types it. */
export function url({ name, port, tls }: Site): string {
  const usual = tls ? 443 : 80
  return `${tls ? 'https' : 'http'}://${name}${port === usual ? '' : `:${port}`}/`
}

/** Who should answer, in words. */
export function behindText({ behind }: Site): string {
  switch (behind.kind) {
    case 'servers':
      return behind.servers.join(', ')
    case 'guests':
      return `the guest of that name in ${behind.internalDomain}`
    case 'pve':
      return 'the web interface'
    case 'anything':
      return 'its server'
  }
}

/** A wildcard is visited by the name of a guest that DNS should know; without one, by a name of our own. */
export function visitedName({ name, behind }: Site, { checks }: HostView): string {
  if (!name.startsWith('*.')) return name
  const inner = behind.kind === 'guests' ? `.${behind.internalDomain.toLowerCase()}` : undefined
  const known = checks.flatMap((check) => (check.kind === 'dns_name' ? [check.name.toLowerCase()] : []))
  const label = known
    .flatMap((guest) => (inner !== undefined && guest.endsWith(inner) ? [guest.slice(0, -inner.length)] : []))
    .find((text) => !text.includes('.'))
  return name.replace('*', label ?? 'pvectl-verify')
}

/** Where a site has its WebSocket. */
export function socketPath({ name }: Site, { websocket_paths: paths }: HostView['settings']): string {
  return paths[name] ?? '/'
}

/** What explains a site that does not answer. */
export function siteFacts(site: Site): readonly FactWish[] {
  const enabled = enabledFile(site)
  return [
    unitFact(NGINX),
    { id: `file ${site.file}`, kind: 'files', args: [site.file] },
    { id: `file ${enabled}`, kind: 'files', args: [enabled] },
    ...(site.behind.kind === 'pve' ? [unitFact(PVEPROXY)] : []),
  ]
}

/** The link that makes nginx read a site. */
export function enabledFile({ file }: Site): string {
  return `/etc/nginx/sites-enabled/${basename(file)}`
}

/** Addresses and ports behind a site, guests by the address that DNS should give them; none for sockets. */
export function serverEnds(site: Site, host: HostView): readonly (readonly [string, number])[] {
  const { behind } = site
  if (behind.kind === 'servers') return behind.servers.flatMap((server) => serverEnd(server, behind.scheme))
  if (behind.kind === 'pve') return [['127.0.0.1', 8006]]
  if (behind.kind === 'anything') return []
  const guest = visitedName(site, host).slice(0, -behind.domain.length - 1)
  const known = host.checks.find(
    (check) =>
      check.kind === 'dns_name' && check.name.toLowerCase() === `${guest}.${behind.internalDomain}`.toLowerCase(),
  )
  return known?.kind === 'dns_name' ? known.addresses.slice(0, 1).map((address) => [address, behind.port] as const) : []
}

function serverEnd(server: string, scheme: 'http' | 'https'): readonly (readonly [string, number])[] {
  if (server.startsWith('unix:')) return []
  const [, v6, plain, port] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d+))?$/.exec(server) ?? []
  const host = v6 ?? plain
  return host === undefined ? [] : [[host, Number(port ?? (scheme === 'https' ? 443 : 80))]]
}

/** What the servers behind a site say to the request of a visitor, asked from the node; of those without TLS. */
export function directFacts(site: Site, host: HostView): readonly FactWish[] {
  if (site.behind.kind !== 'servers' || site.behind.scheme !== 'http') return []
  const request = requestText({ name: visitedName(site, host) })
  return serverEnds(site, host).map(([server, port]) => ({
    id: directId(site, server, port),
    kind: 'http' as const,
    args: [server, port, request],
  }))
}

/** Id of a fact of {@link directFacts}. */
export function directId({ name }: Site, server: string, port: number): string {
  return `get ${name} ${server}:${port}`
}

/** Whether the servers behind a site let the node connect. */
export function serverFacts(site: Site, host: HostView): readonly FactWish[] {
  return serverEnds(site, host).map(([server, port]) => ({
    id: `tcp ${server}:${port}`,
    kind: 'tcp' as const,
    args: [server, port],
  }))
}
