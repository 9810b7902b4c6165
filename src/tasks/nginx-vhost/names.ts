/** Words that may go into an nginx configuration. Inventory values are data: none may end a directive or name a variable. */
import { z } from 'zod'

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

/** An address for nginx to listen, resolve or filter with; CIDR where `prefix` is allowed. */
export const address = z
  .string()
  .regex(/^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[0-9a-f:.]+\])$/i, 'must be an IPv4 address or an IPv6 address in brackets')

/** A network or address in `allow`. */
export const cidr = z
  .string()
  .regex(
    /^(?:\d{1,3}(?:\.\d{1,3}){3}(?:\/\d{1,2})?|[0-9a-f:]*:[0-9a-f:.]*(?:\/\d{1,3})?)$/i,
    'must be an address or a network such as 192.0.2.0/24',
  )

/** Absolute path on a node without characters that nginx would read as syntax. */
export const nodePath = z.string().regex(/^\/[\w./@+:-]+$/, 'must be an absolute path without spaces')

/** Size as nginx writes it. */
export const size = z.string().regex(/^\d+[kmg]?$/i, "must be a size such as 100m; '0' means no limit")

/** TCP port. */
export const port = z.int().min(1).max(65535)
