/** The text of a site. */
import type { HostContext } from '../task-type.ts'
import type { VhostParams } from './params.ts'
import type { SiteTls } from './tls.ts'

/** Text of the site's file. Throws what the templates throw. */
export function renderSite(params: VhostParams, name: string, tls: SiteTls | undefined, host: HostContext): string {
  const listeners = listenersOf(params, tls !== undefined)
  if (params.reject_unknown === true) return host.template('nginx/reject-unknown.conf.ejs', { name, listeners })
  const files = tls === undefined ? undefined : { certificate: tls.certificate, key: tls.key }
  if (params.template !== undefined) return host.template(params.template, templateLocals(params, name, files))
  const id = `pvectl_${name.replace(/[^a-z0-9]/gi, '_')}`
  return host.template('nginx/vhost.conf.ejs', {
    name,
    listeners,
    serverName: serverNames(params),
    upstream: params.upstream === undefined ? undefined : { id, servers: upstreamServers(params.upstream) },
    redirect: files && params.redirect ? { port: params.https_port === 443 ? '' : `:${params.https_port}` } : undefined,
    tls: files,
    allow: params.allow,
    maxBodySize: params.client_max_body_size,
    extra: params.extra === undefined ? '' : indent(params.extra),
    body: indent(renderBody(params, id, host)),
  })
}

/** Names the certificate of a site must hold. */
export function certificateNames(params: VhostParams): readonly string[] {
  return params.wildcard === undefined
    ? params.server_names.map((name) => name.toLowerCase())
    : [`*.${params.wildcard.domain.toLowerCase()}`]
}

function renderBody(params: VhostParams, id: string, host: HostContext): string {
  const { upstream, wildcard } = params
  if (upstream !== undefined) return host.template('nginx/location-upstream.ejs', { ...upstream, id })
  if (wildcard === undefined) return host.template('nginx/location-pve.ejs', {})
  return host.template('nginx/location-wildcard.ejs', {
    resolver: wildcard.resolver,
    internalDomain: wildcard.internal_domain.toLowerCase(),
    scheme: wildcard.scheme,
    port: wildcard.port ?? (wildcard.scheme === 'https' ? 443 : 80),
    websocket: wildcard.websocket,
  })
}

/** Inside an upstream block nginx takes port 80 where none is given, whatever the scheme. */
function upstreamServers({ servers, scheme }: NonNullable<VhostParams['upstream']>): readonly string[] {
  const bare = (server: string) => !server.startsWith('unix:') && !/:\d+$/.test(server.replace(/^\[[^\]]*\]/, ''))
  return servers.map((server) => (scheme === 'https' && bare(server) ? `${server}:443` : server))
}

/**
 * A regular expression for a wildcard: one label without dots, else the site would be an open proxy to any name.
 * Quoted, since nginx takes a bare `{` for the start of a block.
 */
function serverNames({ wildcard, server_names: names }: VhostParams): string {
  if (wildcard === undefined) return names.map((name) => name.toLowerCase()).join(' ')
  const domain = wildcard.domain.toLowerCase().replaceAll('.', '\\.')
  return `"~^(?<vm>[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)\\.${domain}$"`
}

interface Listeners {
  readonly http: readonly string[]
  readonly https: readonly string[]
}

function listenersOf(params: VhostParams, withTls: boolean): Listeners {
  const on = (port: number, suffix: string) => [
    `${port}${suffix}`,
    ...(params.listen_ipv6 ? [`[::]:${port}${suffix}`] : []),
  ]
  const reject = params.reject_unknown === true
  const ssl = params.http2 ? ' ssl http2' : ' ssl'
  return { http: on(params.http_port, ''), https: withTls || reject ? on(params.https_port, ssl) : [] }
}

function templateLocals(params: VhostParams, name: string, tls: Listeners | object | undefined) {
  const { server_names, http_port, https_port, listen_ipv6 } = params
  return { name, server_names, http_port, https_port, listen_ipv6, tls }
}

function indent(text: string): string {
  return text
    .trimEnd()
    .split('\n')
    .map((line) => (line === '' ? line : `    ${line}`))
    .join('\n')
}
