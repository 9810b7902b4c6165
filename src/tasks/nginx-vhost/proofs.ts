/** What shows that a site works. */
import type { Check, Site, SiteBehind } from '../../verify/check.ts'
import type { VhostParams } from './params.ts'
import { certificateNames } from './render.ts'

/** The checks of a site. `file` is the site's own, `certificate` that of its certificate; none: plain http. */
export function siteProofs(params: VhostParams, file: string, certificate: string | undefined): readonly Check[] {
  const { http_port: httpPort, https_port: httpsPort, redirect } = params
  if (params.reject_unknown === true) {
    return [
      { kind: 'unknown_name', port: httpPort, tls: false },
      { kind: 'unknown_name', port: httpsPort, tls: true },
    ]
  }
  const tls = certificate !== undefined
  const behind = siteBehind(params)
  return certificateNames(params).flatMap((name): Check[] => {
    const site: Site = { file, name, port: tls ? httpsPort : httpPort, tls, behind, allow: params.allow }
    return [
      ...(tls ? [{ kind: 'certificate' as const, site, file: certificate }] : []),
      { kind: 'proxy', site },
      ...(passesWebSockets(params) ? [{ kind: 'websocket' as const, site }] : []),
      ...(tls && redirect && params.template === undefined ? [{ kind: 'redirect' as const, site, httpPort }] : []),
    ]
  })
}

function siteBehind({ upstream, wildcard, pve }: VhostParams): SiteBehind {
  if (upstream !== undefined) return { kind: 'servers', servers: upstream.servers, scheme: upstream.scheme }
  if (pve === true) return { kind: 'pve' }
  if (wildcard === undefined) return { kind: 'anything' }
  const { domain, internal_domain: internalDomain, scheme, port = scheme === 'https' ? 443 : 80 } = wildcard
  return { kind: 'guests', domain, internalDomain, port, scheme }
}

function passesWebSockets({ upstream, wildcard, pve }: VhostParams): boolean {
  return upstream?.websocket ?? wildcard?.websocket ?? pve === true
}
