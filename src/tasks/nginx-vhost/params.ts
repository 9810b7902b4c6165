/** Parameters of `nginx_vhost`. */
import { z } from 'zod'
import { address, cidr, domain, nodePath, port, serverName, size, upstreamServer } from './names.ts'

const upstream = z.strictObject({
  servers: z
    .array(upstreamServer)
    .min(1)
    .describe(
      'Servers to pass requests to, as `host:port`; several are used in turn. Prefer addresses: nginx looks a host ' +
        'name up only when it starts, and does not start when the name is unknown.',
    ),
  scheme: z
    .enum(['http', 'https'])
    .default('http')
    .describe('Protocol spoken with the servers. Certificates of https servers are not verified.'),
  websocket: z.boolean().default(true).describe('Pass WebSocket connections on.'),
})

const wildcard = z.strictObject({
  domain: domain.describe(
    'Public domain whose direct subdomains are passed on: with `apps.example.org`, a request for ' +
      '`web.apps.example.org` goes to the guest `web`. Names with a further dot are not matched.',
  ),
  internal_domain: domain.describe(
    'Internal domain in which the guest is looked up: `web` in `lab.internal` is `web.lab.internal`.',
  ),
  resolver: address.describe(
    'DNS server that knows the internal domain, usually the address of the dnsmasq on the internal bridge.',
  ),
  port: port.optional().describe('Port of the guests. Default: 80, or 443 where the scheme is https.'),
  scheme: z.enum(['http', 'https']).default('http').describe('Protocol spoken with the guests.'),
  websocket: z.boolean().default(true).describe('Pass WebSocket connections on.'),
})

const tls = z
  .strictObject({
    certificate: nodePath.optional().describe('Certificate (PEM, with its chain) that is on the node already.'),
    key: nodePath.optional().describe('Key of `certificate`, on the node already. It is not read by pvectl.'),
    copy: z
      .strictObject({
        certificate: z.string().min(1).describe('Certificate file (PEM) on the controller, relative to the playbook.'),
        key: z.string().min(1).describe('Key file (PEM) on the controller, relative to the playbook. Never shown.'),
      })
      .optional()
      .describe('Copies a certificate and its key from the controller to the node; the key gets mode 0600.'),
    self_signed: z
      .literal(true)
      .optional()
      .describe(
        'Makes a self-signed ECDSA certificate for the server names on the node. Its key never leaves the node. It is ' +
          'made anew when fewer than 30 days are left or the names change.',
      ),
    days: z
      .int()
      .min(31)
      .max(3650)
      .default(825)
      .describe('Validity of a self-signed certificate in days. 825 is the most that Apple clients accept.'),
  })
  .superRefine((value, context) => {
    const ways = [value.certificate ?? value.key, value.copy, value.self_signed].filter((way) => way !== undefined)
    if (ways.length !== 1) {
      const message = 'takes exactly one of `certificate` with `key`, `copy`, `self_signed`'
      context.addIssue({ code: 'custom', message })
    } else if ((value.certificate === undefined) !== (value.key === undefined)) {
      context.addIssue({ code: 'custom', message: 'takes `certificate` and `key` together' })
    }
  })

const KINDS = ['upstream', 'wildcard', 'pve', 'reject_unknown', 'template'] as const

const fields = z.strictObject({
  state: z
    .enum(['present', 'absent'])
    .default('present')
    .describe('`absent` removes the site; certificates, the package and other sites stay.'),
  name: z
    .string()
    .regex(/^[a-z0-9][a-z0-9._-]{0,100}$/i, 'must consist of letters, digits, dots, dashes and underscores')
    .optional()
    .describe(
      'Names the site: /etc/nginx/sites-available/pvectl-NAME.conf. Default: the first server name, ' +
        '`wildcard-DOMAIN`, or `unknown-names`.',
    ),
  server_names: z
    .array(serverName)
    .default([])
    .describe('Host names of the site. Not for `wildcard` and `reject_unknown`, which have their own.'),
  upstream: upstream.optional().describe('Passes all requests to these servers.'),
  wildcard: wildcard
    .optional()
    .describe('Passes each direct subdomain of a public domain to the guest of that name in an internal domain.'),
  pve: z
    .literal(true)
    .optional()
    .describe(
      'Serves the web interface of this node (https://127.0.0.1:8006), with consoles and uploads of any size. Needs `tls`.',
    ),
  reject_unknown: z
    .literal(true)
    .optional()
    .describe(
      'Answers requests for names that no site has: closes the connection, and with TLS refuses the handshake. Without ' +
        'such a site nginx serves them by the first site it has. Covers `http_port` and `https_port`.',
    ),
  template: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Template (EJS) of a site of your own, beside the playbook. It renders the whole file and gets the variables of ' +
        'the host as `vars`, and `name`, `server_names`, `http_port`, `https_port`, `listen_ipv6` and `tls`.',
    ),
  tls: tls.optional().describe('Serves the site over TLS with this certificate. Default: plain http only.'),
  redirect: z.boolean().default(true).describe('With `tls`: redirect http to https. `false` serves the same on both.'),
  http_port: port.default(80).describe('Port for http.'),
  https_port: port.default(443).describe('Port for https.'),
  listen_ipv6: z.boolean().default(true).describe('Listen on IPv6 as well. Set to false where the kernel has no IPv6.'),
  http2: z
    .boolean()
    .default(true)
    .describe('Offer HTTP/2 over TLS. Written as `listen … http2`, which every nginx of PVE 7 to 9 understands.'),
  client_max_body_size: size
    .default('0')
    .describe("Largest request that is accepted, such as `100m`. `'0'` leaves the limit to the server behind."),
  allow: z
    .array(cidr)
    .default([])
    .describe('Addresses and networks that may use the site; everybody else gets 403. Default: everybody may.'),
  extra: z.string().optional().describe('Further nginx directives, put as they are into the server block of the site.'),
  default_site: z
    .enum(['keep', 'remove'])
    .default('remove')
    .describe(
      "Whether the default site of Debian's package stays enabled. Only the package's own link is removed, never a " +
        'site that somebody put in its place.',
    ),
  package: z
    .string()
    .regex(/^[a-z0-9][a-z0-9+.-]+$/, 'must be a Debian package name')
    .default('nginx')
    .describe('Debian package that brings nginx, such as `nginx-light` or `nginx-extras`.'),
})

/** Schema of the parameters. */
export const params = fields.superRefine((value, context) => {
  const issue = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })
  const kinds = KINDS.filter((kind) => value[kind] !== undefined)
  if (value.state === 'absent' && siteName(value) === undefined) issue(['name'], 'is needed to know which site goes')
  if (kinds.length > 1 || (kinds.length === 0 && value.state === 'present'))
    issue([], `takes exactly one of ${KINDS.map((kind) => `\`${kind}\``).join(', ')}`)
  const own = value.wildcard !== undefined || value.reject_unknown === true
  if (own && value.server_names.length > 0)
    issue(['server_names'], 'do not go with `wildcard` and `reject_unknown`, which have their own names')
  if (!own && kinds.length === 1 && value.state === 'present' && value.server_names.length === 0)
    issue(['server_names'], 'are missing: which host names is the site for?')
  value.server_names.forEach((name, i) => {
    const first = value.server_names.findIndex((other) => other.toLowerCase() === name.toLowerCase())
    if (first < i) issue(['server_names', i], `names ${name} twice`)
  })
  if (value.pve && value.tls === undefined && value.state === 'present')
    issue(['tls'], 'is needed for `pve`: the login of the web interface does not work over plain http')
  if (value.reject_unknown && value.tls !== undefined) issue(['tls'], 'does not go with `reject_unknown`')
  if (value.reject_unknown && value.default_site === 'keep')
    issue(['default_site'], 'cannot be kept with `reject_unknown`: nginx has one default site a port')
  if (value.http_port === value.https_port) issue(['https_port'], 'must differ from `http_port`')
})

/** Parameters as the schema leaves them. */
export type VhostParams = z.output<typeof params>

/** Name of the site without prefix and suffix; undefined when nothing gives one. */
export function siteName(value: Pick<VhostParams, 'name' | 'wildcard' | 'reject_unknown' | 'server_names'>) {
  if (value.name !== undefined) return value.name
  if (value.wildcard !== undefined) return `wildcard-${value.wildcard.domain.toLowerCase()}`
  if (value.reject_unknown === true) return 'unknown-names'
  return value.server_names[0]?.toLowerCase().replace(/^\*\./, 'wildcard-')
}
