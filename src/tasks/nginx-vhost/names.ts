/** Words that may go into an nginx configuration. Inventory values are data: none may end a directive or name a variable. */
import { z } from 'zod'
import { formatIpCidr, ipNetworkOf, parseIp, parseIpCidr } from '../../net/ip-cidr.ts'

const LABEL = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?'
const HOST = `${LABEL}(?:\\.${LABEL})*`

/** A host name, an IPv4 address, or either below a leading `*.`. */
export const serverName = z
  .string()
  .max(253)
  .regex(new RegExp(`^(?:\\*\\.)?${HOST}$`, 'i'), 'must be a host name such as web.example.org or *.example.org')

/** A plain DNS domain. */
export const domain = z
  .string()
  .max(253)
  .regex(new RegExp(`^${HOST}$`, 'i'), 'must be a domain such as apps.example.org')

/** `host:port`, `[v6]:port` or `unix:/path`, with nginx's `weight`/`backup` left to templates. */
export const upstreamServer = z
  .string()
  .regex(
    new RegExp(`^(?:(?:${HOST}|\\[[0-9a-f:.]+\\])(?::\\d{1,5})?|unix:/[\\w./-]+)$`, 'i'),
    'must be host:port, [IPv6]:port or unix:/path',
  )
  .refine(
    (text) => text.startsWith('unix:') || isAddressOrName(text.replace(/:\d+$/, '')),
    'has an address that is none',
  )
  .refine((text) => {
    const [, port] = /^(?:[^:[]+|\[[^\]]+\]):(\d+)$/.exec(text) ?? []
    return port === undefined || (Number(port) >= 1 && Number(port) <= 65535)
  }, 'must have a port of 1 to 65535')

/** An address for nginx to listen, resolve or filter with; CIDR where `prefix` is allowed. */
export const address = z
  .string()
  .regex(/^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/i, 'must be an IPv4 address or an IPv6 address in brackets')
  .refine(isAddressOrName, 'is no address')

/** A network or address in `allow`. */
export const cidr = z
  .string()
  .regex(
    /^(?:\d{1,3}(?:\.\d{1,3}){3}(?:\/\d{1,2})?|[0-9a-f:]*:[0-9a-f:.]*(?:\/\d{1,3})?)$/i,
    'must be an address or a network such as 192.0.2.0/24',
  )
  .superRefine((text, context) => {
    const network = parseIpCidr(text)
    if (network === undefined) return context.addIssue({ code: 'custom', message: `${text} is no address or network` })
    const right = ipNetworkOf(network)
    if (right.address !== network.address)
      context.addIssue({ code: 'custom', message: `has bits below its prefix: the network is ${formatIpCidr(right)}` })
  })

/** Absolute path on a node without characters that nginx would read as syntax. */
export const nodePath = z.string().regex(/^\/[\w./@+:-]+$/, 'must be an absolute path without spaces')

/** Size as nginx writes it. */
export const size = z.string().regex(/^\d+[kmg]?$/i, "must be a size such as 100m; '0' means no limit")

/** TCP port. */
export const port = z.int().min(1).max(65535)

/** nginx looks up what is no address, and does not start when it finds nothing: `999.1.1.1` would be such a name. */
function isAddressOrName(text: string): boolean {
  const bare = /^\[(.*)\]$/.exec(text)?.[1]
  if (bare !== undefined) return parseIp(bare)?.family === 6
  return !/^[\d.]+$/.test(text) || parseIp(text)?.family === 4
}
