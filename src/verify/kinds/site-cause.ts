/** Why a site does not answer as it should. */
import { hostOf, ipContains, parseIp, parseIpCidr } from '../../net/ip-cidr.ts'
import { type Cause, exchangeCause, unitCause } from '../causes.ts'
import type { Site } from '../check.ts'
import type { Packet } from '../firewall/packet.ts'
import type { NodeView } from '../node.ts'
import type { SeenAnswer, Visit } from '../outside/http.ts'
import { type Evidence, failed, skipped, type Verdict } from '../prover.ts'
import { directId, enabledFile, NGINX, PVEPROXY, serverEnds, url, visitedName } from './site-view.ts'

/** Why nginx does not answer at a port; undefined when it should. */
export function portCause(node: NodeView, port: number): Cause | undefined {
  const listener = node.listeners('tcp', port)[0]
  const stopped = unitCause(node, NGINX)
  if (stopped !== undefined) return stopped
  if (listener === undefined)
    return { cause: `nginx runs and does not listen on port ${port}`, hint: 'pvectl check; nginx -T | grep listen' }
  if (!listener.includes('nginx'))
    return { cause: `port ${port} is taken by another program: ${/"([^"]+)"/.exec(listener)?.[1] ?? 'unknown'}` }
  const from = node.defaultRoute.dev ?? ''
  const packet: Packet = {
    family: 4,
    hook: 'input',
    protocol: 'tcp',
    from,
    source: '192.0.2.1',
    destination: ownAddress(node),
    port,
    sourcePort: 40_000,
  }
  const translation = node.destinationTranslation(packet)
  if (translation === undefined) return exchangeCause(node, packet)
  return {
    cause: `a forward takes port ${port} from nginx: ${translation.how}`,
    hint: 'iptables -t nat -S PREROUTING; a port of the node is for a site or for a forward',
  }
}

function ownAddress(node: NodeView): string {
  const link = node.links.find(({ ifname }) => ifname === node.defaultRoute.dev)
  return link?.addr_info.find(({ family }) => family === 'inet')?.local ?? '127.0.0.1'
}

/** Why another site answers for a name; undefined when this one is in place. */
export function otherSite(site: Site, node: NodeView): string | undefined {
  if (node.file(`file ${site.file}`, site.file) === undefined) return `${site.file} is missing`
  const enabled = enabledFile(site)
  return node.file(`file ${enabled}`, enabled) === undefined
    ? `the site is not enabled (${enabled} is missing)`
    : undefined
}

/** A site that passes requests to other servers than the playbook says; undefined when it does not. */
export function wrongServers({ behind, file }: Site, node: NodeView): Cause | undefined {
  const text = node.file(`file ${file}`, file)
  if (text === undefined || behind.kind === 'anything') return undefined
  const found = (pattern: RegExp) => [...text.matchAll(pattern)].map(([, value = '']) => value)
  const passes = found(/^\s*proxy_pass\s+(\S+?);/gm).map((pass) => pass.replace(/^\w+:\/\//, '').replace(/\/.*$/, ''))
  const servers = behind.kind === 'servers' ? found(/^\s*server\s+([^\s;{]+)[^;{]*;/gm) : []
  const wanted = wantedServers(behind)
  const strangers = [...servers, ...passes.filter((pass) => !pass.startsWith('pvectl_'))].filter(
    (server) => !wanted.includes(server),
  )
  if (strangers.length === 0) return undefined
  return {
    cause: `wrong upstream: ${file} passes requests to ${strangers.join(', ')} in place of ${wanted.join(', ')}`,
    hint: 'pvectl apply puts it right',
  }
}

function wantedServers(behind: Exclude<Site['behind'], { kind: 'anything' }>): readonly string[] {
  if (behind.kind === 'pve') return ['127.0.0.1:8006']
  if (behind.kind === 'guests') return [`$pvectl_guest:${behind.port}`]
  return behind.servers.flatMap((server) => (behind.scheme === 'https' ? [server, `${server}:443`] : [server]))
}

/** The verdict where there is no answer at all: the way to nginx, or nginx. */
export function unreachable(site: Site, { stage, error }: Partial<Visit>, node: NodeView): Verdict {
  const saw = `port ${site.port}: ${error ?? 'no answer'}`
  const cause =
    portCause(node, site.port) ??
    (stage === 'connect' ? undefined : siteCause(site, node)) ??
    (stage === 'handshake' ? brokenHandshake(site) : undefined)
  return failed(
    saw,
    cause ?? {
      cause: 'something between this machine and the node stops it',
      hint: `on the node: ss -ltn 'sport = :${site.port}'`,
    },
  )
}

/** The connection came about: what comes after is between the visitor and nginx. */
function brokenHandshake({ file }: Site): Cause {
  return {
    cause: `nginx breaks the handshake off: certificate and key of ${file} do not belong together, or it offers no TLS version that is known here`,
    hint: 'nginx -t; tail /var/log/nginx/error.log',
  }
}

function siteCause(site: Site, node: NodeView): Cause | undefined {
  const missing = otherSite(site, node)
  return missing === undefined ? undefined : { cause: missing, hint: 'pvectl apply' }
}

/** The verdict where nginx has no answer of a server to pass on. */
export function noServer(site: Site, saw: string, { node, host }: Evidence): Verdict {
  const ends = serverEnds(site, host).map(([server, port]) => ({
    end: `${server}:${port}`,
    seen: node.fact(`tcp ${server}:${port}`),
  }))
  const dead = ends.filter(({ seen }) => seen.open === undefined)
  const reasons = dead.map(({ end, seen }) => `${end}: ${String(seen.error ?? 'no answer').toLowerCase()}`).join(', ')
  if (site.behind.kind === 'guests') {
    if (ends.length === 0) return skipped(`${saw}: no guest is known that could answer`)
    if (dead.length > 0) return skipped(`${saw}: the guest does not answer the node either (${reasons})`)
  }
  if (site.behind.kind === 'pve' && dead.length > 0) {
    const stopped = unitCause(node, PVEPROXY)
    if (node.unit(PVEPROXY)?.load === 'not-found') return skipped(`${saw}: this node has no web interface (pveproxy)`)
    if (stopped !== undefined) return failed(saw, stopped)
  }
  if (dead.length > 0)
    return failed(saw, {
      cause: `the server behind does not answer the node (${reasons})`,
      hint: 'start it, or correct `upstream`',
    })
  return failed(saw, {
    cause: 'nginx does not get an answer, though the server lets the node connect',
    hint: 'tail /var/log/nginx/error.log',
  })
}

/** True of a page that nginx makes when it refuses a request, or has nothing to show. */
export function isOwnPage({ status, body }: SeenAnswer): boolean {
  return (status === 403 || status === 404) && /<center>nginx/.test(body)
}

/** The verdict where nginx refuses what the server behind would answer; undefined when it does not. */
export function refusedByNginx(site: Site, answer: SeenAnswer, { node, host }: Evidence): Verdict | undefined {
  if (!isOwnPage(answer)) return undefined
  const direct = serverEnds(site, host).map(([server, port]) =>
    Number(node.fact(directId(site, server, port)).status ?? 0),
  )
  const better = direct.find((status) => status >= 200 && status < 400)
  if (better === undefined || direct.includes(answer.status)) return undefined
  return failed(`${answer.status} from nginx itself, and ${better} from the server`, refusalCause(site))
}

/**
 * The verdict where visitors are sent to the very address that they come from; undefined when they are not. With a
 * cookie the second visit may end otherwise.
 */
export function sentInCircles(
  site: Site,
  { status, headers }: SeenAnswer,
  { node, host }: Evidence,
): Verdict | undefined {
  const here = url({ ...site, name: visitedName(site, host) })
  const { location, 'set-cookie': cookie } = headers
  if (![301, 302, 307, 308].includes(status) || location === undefined || cookie !== undefined) return undefined
  if (!URL.canParse(location, here) || new URL(location, here).href !== here) return undefined
  const direct = serverEnds(site, host).map(([server, port]) => Number(node.fact(directId(site, server, port)).status))
  const isNginx = direct.some((code) => code >= 200 && code < 300)
  return failed(`${status} to the same address, for ever`, {
    cause: isNginx
      ? `nginx sends visitors in a circle (${site.file}, or what it includes)`
      : 'the server behind sends visitors in a circle: it may not know that they come by https (X-Forwarded-Proto)',
    hint: isNginx ? 'pvectl check shows a difference' : 'look at what the server is told about the proxy before it',
  })
}

/** nginx answers in place of the server. */
export function refusalCause({ file }: Site): Cause {
  return {
    cause: `nginx refuses the request before it gets to the server (${file}, or what it includes)`,
    hint: 'pvectl check shows a difference; tail /var/log/nginx/error.log',
  }
}

/** True when this machine is among those that may use a site. */
export function isAllowed({ allow }: Site, node: NodeView): boolean {
  const own = parseIp(node.controller)
  if (own === undefined) return false
  return allow.some((network) => {
    const outer = parseIpCidr(network)
    return outer !== undefined && outer.family === own.family && ipContains(outer, hostOf(own))
  })
}
