/** `nginx_vhost`: a site of nginx. */
import { file } from '../resources/file.ts'
import { listener } from '../resources/listener.ts'
import { nginxConflicts } from '../resources/nginx-conflicts.ts'
import {
  NGINX_TEST,
  nginxDefaultSiteDisabled,
  nginxPackageBrings,
  nginxSite,
  nginxSiteAbsent,
  SITES_ENABLED,
  siteFile,
} from '../resources/nginx-site.ts'
import { debianPackage } from '../resources/package.ts'
import type { Resource } from '../resources/resource.ts'
import { unit } from '../resources/unit.ts'
import { params, siteName, type VhostParams } from './nginx-vhost/params.ts'
import { siteProofs } from './nginx-vhost/proofs.ts'
import { certificateNames, renderSite } from './nginx-vhost/render.ts'
import { certificatePath, siteTls } from './nginx-vhost/tls.ts'
import { defineTask, type HostContext } from './task-type.ts'

const UNIT = 'nginx.service'
const WEBSOCKET_MAP = '/etc/nginx/conf.d/pvectl-websocket.conf'

/** A site of nginx: proxy to servers, generic wildcard proxy, the node's web interface, or a template of one's own. */
export const nginxVhostTask = defineTask({
  name: 'nginx_vhost',
  summary: 'a site of nginx: reverse proxy, wildcard proxy to guests, or the Proxmox VE web interface',
  params,
  example: `nginx_vhost:
  server_names: [git.example.org]
  upstream:
    servers: ['10.10.10.20:3000']
  tls: { self_signed: true }
`,
  resources(site, host) {
    const name = siteName(site) ?? ''
    return site.state === 'absent' ? absent(name) : present(site, name, host)
  },
  checks(site) {
    if (site.state === 'absent') return []
    const name = siteName(site) ?? ''
    return siteProofs(site, siteFile(siteConf(name)), site.tls && certificatePath(site.tls, name))
  },
})

function present(site: VhostParams, name: string, host: HostContext): readonly Resource[] {
  const tls = siteTls(site.tls, name, certificateNames(site), host)
  const vhost = nginxSite(siteConf(name), Buffer.from(renderSite(site, name, tls, host)))
  const map = Buffer.from(host.template('nginx/websocket.conf.ejs', {}))
  return [
    debianPackage({ name: site.package, state: 'present', units: [UNIT], brings: nginxPackageBrings() }),
    ...(site.default_site === 'remove' ? [nginxDefaultSiteDisabled()] : []),
    ...(tls?.resources ?? []),
    { ...file({ path: WEBSOCKET_MAP, content: map, mode: '0644', owner: 'root:root' }), shared: true },
    ...(site.template === undefined ? [conflicts(site, name)] : []),
    { ...vhost, claims: [...(vhost.claims ?? []), ...nameClaims(site)] },
    unit({
      unit: UNIT,
      enabled: true,
      running: true,
      watch: { paths: watched(name, tls === undefined ? [] : [tls.certificate]), verb: 'reload' },
      validate: NGINX_TEST,
    }),
    // A template of the user may listen wherever it likes.
    ...(site.template === undefined ? ports(site).map((port) => listener(port, 'nginx')) : []),
  ]
}

function conflicts(site: VhostParams, name: string): Resource {
  const isDefault = site.reject_unknown === true
  return nginxConflicts({ site: siteConf(name), names: certificateNames(site), ports: ports(site), isDefault })
}

function absent(name: string): readonly Resource[] {
  return [
    nginxSiteAbsent(siteConf(name)),
    unit({ unit: UNIT, watch: { paths: watched(name), verb: 'reload' }, validate: NGINX_TEST }),
  ]
}

function siteConf(name: string): string {
  return `pvectl-${name}.conf`
}

function watched(name: string, certificates: readonly string[] = []): readonly string[] {
  return [siteFile(siteConf(name)), ...certificates, WEBSOCKET_MAP, SITES_ENABLED]
}

/** Two sites of one name and port: nginx would warn and ignore the second. */
function nameClaims(site: VhostParams): readonly string[] {
  const names = site.reject_unknown === true ? ['unknown names'] : certificateNames(site)
  return names.flatMap((name) => ports(site).map((port) => `nginx:${name}:${port}`))
}

function ports(site: VhostParams): readonly number[] {
  const https = site.reject_unknown === true || site.tls !== undefined
  return https ? [site.http_port, site.https_port] : [site.http_port]
}
