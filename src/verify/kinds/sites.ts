/** Sites of a reverse proxy, as their visitors see them. */
import { X509Certificate } from 'node:crypto'
import { type Cause, unitFact } from '../causes.ts'
import type { CertificateCheck, ProxyCheck, RedirectCheck, Site, UnknownNameCheck, WebSocketCheck } from '../check.ts'
import { requestText, type Visit, visit } from '../outside/http.ts'
import type { Seen } from '../probe/plan.ts'
import { failed, type HostView, type Outside, type Prover, passed, skipped } from '../prover.ts'
import {
  isAllowed,
  isOwnPage,
  noServer,
  otherSite,
  portCause,
  refusalCause,
  refusedByNginx,
  sentInCircles,
  unreachable,
  wrongServers,
} from './site-cause.ts'
import {
  behindText,
  directFacts,
  NGINX,
  serverEnds,
  serverFacts,
  siteFacts,
  socketPath,
  url,
  visitedName,
} from './site-view.ts'

const DAY_MS = 86_400_000
/** Days left at which a certificate is worth a word. */
const SOON_DAYS = 14

/** Proves {@link CertificateCheck}. */
export const certificate: Prover<CertificateCheck> = {
  title: ({ site }) => `the certificate of ${site.name} is valid`,
  proves: 'visitors get a certificate that names the site and is valid now',
  outside: ({ site }, host, ask) => visitSite(site, host, ask),
  facts: ({ site, file }) => [...siteFacts(site), { id: `file ${file}`, kind: 'files', args: [file] }],
  judge({ site, file }, { outside, node }) {
    const seen = outside as Partial<Visit>
    const shown = seen.certificate
    if (shown === undefined) return unreachable(site, seen, node)
    const days = Math.floor((shown.validTo - Date.now()) / DAY_MS)
    const stored = readCertificate(node.file(`file ${file}`, file))
    const stale = stored !== undefined && stored.fingerprint !== shown.fingerprint
    const reload = { cause: `nginx has not read ${file} since it was changed`, hint: 'systemctl reload nginx' }
    const because = (cause: string, hint: string): Cause => (stale ? reload : { cause, hint })
    if (!shown.matches)
      return failed(
        `it is for ${shown.names}`,
        because(
          otherSite(site, node) ?? `${file} is for other names, or for none`,
          `give the site a certificate for ${site.name}`,
        ),
      )
    const renew = 'renew it; pvectl apply makes a self-signed one anew'
    if (days < 0) return failed(`expired ${date(shown.validTo)}`, because(`${file} expired ${-days} days ago`, renew))
    if (shown.validFrom > Date.now())
      return failed(
        `valid from ${date(shown.validFrom)} on`,
        because(`${file} is not valid yet, or a clock is wrong`, 'compare `date` here and on the node'),
      )
    if (stale) return failed(`not the one in ${file}`, reload)
    return passed(`until ${date(shown.validTo)}${days <= SOON_DAYS ? ` (${days} days left)` : ''}`)
  },
}

/** Proves {@link ProxyCheck}. */
export const proxy: Prover<ProxyCheck> = {
  title: ({ site }) => `${url(site)} is answered by ${behindText(site)}`,
  proves: 'a request from outside comes to the server behind the site, and its answer back',
  outside: ({ site }, host, ask) => visitSite(site, host, ask),
  facts: ({ site }, host) => [...siteFacts(site), ...serverFacts(site, host), ...directFacts(site, host)],
  judge({ site }, evidence) {
    const { outside, node, host } = evidence
    const seen = outside as Partial<Visit>
    const answer = seen.answer
    const name = visitedName(site, host)
    const elsewhere = wrongServers(site, node)
    // After the handshake, silence is that of the server behind.
    if (answer === undefined && seen.stage === 'request')
      return elsewhere === undefined
        ? noServer(site, seen.error ?? 'no answer', evidence)
        : failed(seen.error ?? 'no answer', elsewhere)
    if (answer === undefined) return unreachable(site, seen, node)
    const saw = `${answer.status}${elsewhere === undefined ? '' : ' from elsewhere'}`
    if (answer.status === 403 && site.allow.length > 0 && !isAllowed(site, node))
      return skipped('403: this machine is not among those that may use the site (`allow`)')
    if (elsewhere !== undefined) return failed(saw, elsewhere)
    const refusal = refusedByNginx(site, answer, evidence)
    if (refusal !== undefined) return refusal
    const circle = sentInCircles(site, answer, evidence)
    if (circle !== undefined) return circle
    if (![502, 503, 504].includes(answer.status))
      return passed(`${answer.status}${site.name === name ? '' : ` for ${name}`}`)
    return noServer(site, `${answer.status} from nginx`, evidence)
  },
}

/** Proves {@link WebSocketCheck}. */
export const websocket: Prover<WebSocketCheck> = {
  title: ({ site }, { settings }) => `WebSockets pass ${url(site)}${socketPath(site, settings).slice(1)}`,
  proves: 'an upgrade to a WebSocket gets through to the server behind the site',
  outside: ({ site }, host, ask) => visitSite(site, host, ask, socketPath(site, host.settings)),
  facts({ site }, host) {
    const request = requestText({ name: visitedName(site, host), path: socketPath(site, host.settings), upgrade: true })
    return serverEnds(site, host).map(([server, port]) => ({
      id: `socket ${site.name} ${server}:${port}`,
      kind: 'http' as const,
      args: [server, port, request],
    }))
  },
  judge({ site }, { outside, node, host }) {
    const { answer, error } = outside as Partial<Visit>
    if (answer?.status === 101) return passed('switched to a WebSocket')
    if (answer === undefined) return skipped(`the site does not answer: ${error}`)
    if ([502, 503, 504].includes(answer.status)) return skipped(`no server behind it answers (${answer.status})`)
    const direct = serverEnds(site, host).map(
      ([server, port]) => node.fact(`socket ${site.name} ${server}:${port}`).status,
    )
    if (direct.includes(101)) {
      if (isOwnPage(answer)) return failed(`${answer.status} from nginx itself`, refusalCause(site))
      return failed(`${answer.status}, and 101 from the server itself`, {
        cause: `the site does not pass the upgrade on (${site.file})`,
        hint: 'pvectl check shows a difference; nginx needs proxy_http_version 1.1 and the Upgrade and Connection headers',
      })
    }
    return skipped(
      `no WebSocket at ${socketPath(site, host.settings)} behind it (${answer.status}); name its path in verify.websocket_paths`,
    )
  },
}

/** Proves {@link RedirectCheck}. */
export const redirect: Prover<RedirectCheck> = {
  title: ({ site }) => `http://${site.name} leads to https`,
  proves: 'visitors who come by plain http are sent to https',
  outside: ({ site, httpPort }, host, ask) => visitPort(site, httpPort, host, ask),
  facts: ({ site }) => siteFacts(site),
  judge({ site, httpPort }, { outside, node, host }) {
    const seen = outside as Partial<Visit>
    if (seen.answer === undefined) return unreachable({ ...site, port: httpPort }, seen, node)
    const { status, headers } = seen.answer
    const wanted = `https://${visitedName(site, host)}${site.port === 443 ? '' : `:${site.port}`}/`
    if ([301, 302, 307, 308].includes(status) && headers.location === wanted) return passed(`${status} to ${wanted}`)
    const saw = headers.location === undefined ? `${status}` : `${status} to ${headers.location}`
    return failed(saw, {
      cause: otherSite(site, node) ?? `another site answers on port ${httpPort}, or the file was changed`,
      hint: 'pvectl check shows a difference',
    })
  },
}

/** How nginx turns away a name at the handshake, and a request. */
const REFUSAL = /refused the name|alert|closed the connection/i
const CLOSED = /closed the connection/

/** Proves {@link UnknownNameCheck}. */
export const unknownName: Prover<UnknownNameCheck> = {
  title: ({ port, tls }) => `unknown names get no answer on port ${port}${tls ? ' (TLS)' : ''}`,
  proves: 'a request for a name that no site has is not answered by some other site',
  outside: async ({ port, tls }, _host, ask) => ({
    ...(await visit({ dial: () => ask.dial(port), name: 'pvectl-verify.invalid', tls })),
  }),
  facts: () => [unitFact(NGINX)],
  judge({ port }, { outside, node }) {
    const { stage, answer, certificate: shown, error } = outside as Partial<Visit>
    if (stage === 'connect') return failed(`port ${port}: ${error}`, portCause(node, port))
    if (answer === undefined && shown === undefined) {
      if (stage === 'handshake' && REFUSAL.test(error ?? '')) return passed('the handshake is refused')
      if (stage === 'request' && CLOSED.test(error ?? '')) return passed('the connection is closed')
      return failed(
        error ?? 'nothing seen',
        portCause(node, port) ?? {
          cause: 'what answers there is not nginx as the playbook sets it up',
          hint: 'pvectl check; nginx -T',
        },
      )
    }
    const who = shown === undefined ? `${answer?.status}` : `a certificate for ${shown.names}`
    return failed(who, {
      cause: 'another site is the default of this port',
      hint: 'pvectl check; nginx -T shows which site says default_server',
    })
  },
}

async function visitSite(site: Site, host: HostView, ask: Outside, socket?: string): Promise<Seen> {
  const name = visitedName(site, host)
  const upgrade = socket === undefined ? {} : { path: socket, upgrade: true }
  return { ...(await visit({ dial: () => ask.dial(site.port), name, tls: site.tls, ...upgrade })) }
}

async function visitPort(site: Site, port: number, host: HostView, ask: Outside): Promise<Seen> {
  return { ...(await visit({ dial: () => ask.dial(port), name: visitedName(site, host), tls: false })) }
}

function readCertificate(text: string | undefined): { fingerprint: string } | undefined {
  if (text === undefined) return undefined
  try {
    return { fingerprint: new X509Certificate(text).fingerprint256.replaceAll(':', '').toLowerCase() }
  } catch {
    return undefined
  }
}

function date(time: number): string {
  return new Date(time).toISOString().slice(0, 10)
}
