/** What other sites of a node's nginx lay claim to. */
import { filesIn } from '../facts/directory-files.ts'
import type { FactRef } from '../facts/fact.ts'
import { fileAt } from '../facts/file.ts'
import type { Model } from '../facts/model.ts'
import { type NginxServer, nginxServers } from './nginx-servers.ts'
import { NGINX_CONF, SITES_ENABLED } from './nginx-site.ts'
import { OK, type Plan, type Resource } from './resource.ts'

const CONF_D = '/etc/nginx/conf.d'
const READS: readonly FactRef<unknown>[] = [filesIn(SITES_ENABLED), filesIn(CONF_D), fileAt(NGINX_CONF)]

/** What a site answers to. */
export interface NginxClaim {
  /** File name in sites-enabled. */
  readonly site: string
  /** In lower case; `*.example.org` for all names below. */
  readonly names: readonly string[]
  readonly ports: readonly number[]
  /** It answers for all names that no site has. */
  readonly isDefault: boolean
}

/**
 * Ensures, by blocking, that no other enabled site has the same names or is the default on the same ports. Of two with
 * one name nginx ignores the one that it reads later, and only warns; of two defaults it rejects the second.
 */
export function nginxConflicts(claim: NginxClaim): Resource {
  return {
    kind: 'nginx_conflicts',
    key: `nginx-conflicts:${claim.site}`,
    title: `no other nginx site ${claim.isDefault ? 'for unknown names' : `for ${claim.names.join(', ')}`}`,
    reads: READS,
    plan(model) {
      const others = servers(model).filter(({ path }) => path !== `${SITES_ENABLED}/${claim.site}`)
      return claim.isDefault ? planDefault(claim, others) : planNames(claim, others)
    },
  }
}

function planNames({ names, ports }: NginxClaim, others: readonly NginxServer[]): Plan {
  for (const server of others) {
    const name = server.names.find((other) => names.includes(other.startsWith('.') ? `*${other}` : other))
    const port = server.listens.find((listen) => listen.port !== undefined && ports.includes(listen.port))?.port
    if (name === undefined || port === undefined) continue
    const place = `${server.path}:${server.line}`
    return {
      kind: 'blocked',
      reason: `${place} has a site for ${name} on port ${port} already; nginx serves one of the two and ignores the other`,
      hint: `take that name or that site out (${place}), then run again`,
    }
  }
  return OK
}

function planDefault({ ports }: NginxClaim, others: readonly NginxServer[]): Plan {
  for (const server of others) {
    const listen = server.listens.find(
      ({ address, port, isDefault }) =>
        isDefault && port !== undefined && ports.includes(port) && ['*', '[::]'].includes(address),
    )
    if (listen === undefined) continue
    const place = `${server.path}:${server.line}`
    return {
      kind: 'blocked',
      reason: `${place} is the default site of port ${listen.port} already, and nginx has one a port`,
      hint: `take \`default_server\` out of its \`listen\` (${place}), or leave this task out`,
    }
  }
  return OK
}

function servers(model: Model): readonly NginxServer[] {
  const main = model.get(fileAt(NGINX_CONF))
  const files = [
    ...(main.type === 'file' ? [{ path: NGINX_CONF, content: main.content }] : []),
    ...model.get(filesIn(CONF_D)).filter(({ path }) => path.endsWith('.conf')),
    ...model.get(filesIn(SITES_ENABLED)),
  ]
  return files.flatMap(({ path, content }) => nginxServers(path, content.toString('utf8')))
}
