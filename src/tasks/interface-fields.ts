/** Parameters of tasks that edit /etc/network/interfaces. */
import { z } from 'zod'
import type { LinkSettings } from '../interfaces/link-stanza.ts'
import { isReserved, parseIpv4Cidr, parseIpv6Cidr } from '../net/ip-cidr.ts'
import { isIpv6Host } from '../net/ipv6.ts'
import { parseVids } from '../net/vids.ts'
import { oneLine } from './fields.ts'

/**
 * A comment in interfaces(5). ifupdown2 reads the file through a template engine and goes on after any backslash, in
 * comments too.
 */
export const commentText = oneLine
  .regex(/^(?!#)[^\\]*$/, 'must not begin with # nor contain a backslash: ifupdown2 would not take it for a comment')
  .regex(/^((?!\$\{|<%).)*$/s, 'must not contain ${ or <%: ifupdown2 would take it for a template')
  .transform((text) => text.trim())

/** The address of a host with its prefix: `10.0.0.1/24`. */
export const hostCidr = z
  .string()
  .regex(/^\d+\.\d+\.\d+\.\d+\/\d+$/, {
    error: 'must be an IPv4 address with prefix, e.g. 10.0.0.1/24',
    abort: true,
  })
  .superRefine((text, context) => {
    const cidr = parseIpv4Cidr(text)
    if (cidr === undefined || cidr.prefix === 0)
      context.addIssue({ code: 'custom', message: `${text} is no IPv4 address with prefix` })
    else if (isReserved(cidr))
      context.addIssue({ code: 'custom', message: `${text} is the network or broadcast address, not that of a host` })
  })

/** The IPv6 address of a host with its prefix: `fd00:10::1/64`. */
export const hostCidr6 = z.string().superRefine((text, context) => {
  const cidr = parseIpv6Cidr(text)
  if (cidr === undefined || !text.includes('/') || cidr.prefix === 0)
    context.addIssue({ code: 'custom', message: 'must be an IPv6 address with prefix, e.g. fd00:10::1/64' })
  else if (!isIpv6Host(cidr))
    context.addIssue({ code: 'custom', message: `${text} is not an address that a host can have` })
})

/** `address`: IPv4 with prefix, or `none`. */
export const addressField = z
  .union([hostCidr, z.literal('none')])
  .optional()
  .describe('IPv4 address with prefix; `none` takes it away. Left out: a new link gets none, another keeps its own')

/** `address6`: IPv6 with prefix, or `none`. */
export const address6Field = z
  .union([hostCidr6, z.literal('none')])
  .optional()
  .describe(
    'IPv6 address with prefix, written as a stanza of its own; `none` takes it away. Left out: a new link gets none, another keeps its own',
  )

/** What {@link addressField} and {@link address6Field} were given, read. */
export function readAddresses(given: {
  readonly address: string | undefined
  readonly address6: string | undefined
}): Pick<LinkSettings, 'address' | 'address6'> {
  const read = <Cidr>(text: string | undefined, parse: (text: string) => Cidr | undefined) =>
    text === 'none' ? text : text === undefined ? undefined : parse(text)
  return { address: read(given.address, parseIpv4Cidr), address6: read(given.address6, parseIpv6Cidr) }
}

/** `mtu`, within what PVE accepts (pve-manager, PVE::API2::Network). */
export const mtuField = z
  .number()
  .int()
  .min(1280)
  .max(65520)
  .optional()
  .describe('bytes of a packet; left out, that of what carries it')

/** `comment`, shown in the web interface. */
export const commentField = commentText
  .optional()
  .describe('shown in the web interface, one line; empty removes it, left out keeps what is there')

/** `autostart`. */
export const autostartField = z
  .boolean()
  .optional()
  .describe('up at boot; a new link gets `true`, another keeps its own')

/** A VLAN: 1 to 4094 (IEEE 802.1Q). */
export const vlanId = z.number().int().min(1).max(4094)

/** A list of VLANs and ranges, 2 to 4094 as in PVE: `[10, 20, 100-200]`, or the same as one text. */
export const vidsField = z
  .union([z.string(), z.number(), z.array(z.union([z.string(), z.number()])).min(1)], {
    error: 'must be VLANs and ranges of them, e.g. [10, 20, 100-200]',
  })
  .transform((value, context) => {
    const text = Array.isArray(value) ? value.join(' ') : String(value)
    const vids = parseVids(text)
    if (vids?.every(({ from }) => from >= 2) === true) return vids
    context.addIssue({
      code: 'custom',
      message: `${JSON.stringify(value)} has something that is no VLAN from 2 to 4094, nor a range of them`,
    })
    return z.NEVER
  })

/**
 * The name of a link that PVE accepts (pve-common, `pve_verify_iface`) and the kernel (15 characters), with the number
 * of a VLAN behind a dot or without.
 */
export const linkName = z
  .string()
  .regex(
    /^[a-zA-Z][a-zA-Z0-9_]+(\.\d+){0,2}$/,
    'must be a name of letters, digits and _, at least two: PVE accepts no other',
  )
  .max(15, 'must have at most 15 characters: the kernel allows no more')
  .refine((name) => !isTaken(name), 'is a name that the system or PVE gives to links of its own')

/** `lo`, what PVE names for guests and its firewall, and Open vSwitch's own. */
function isTaken(name: string): boolean {
  return /^(lo|ovs_system|(tap|veth)\d+i\d+|fw(br|pr|ln)\d+[ip]\d+)$/.test(name)
}

/** A bridge as PVE 8 and later accept it; `vmbr0` to `vmbr9999` on earlier ones. */
export const bridgeName = z
  .string()
  .regex(
    /^[a-zA-Z][a-zA-Z0-9_]{1,9}$/,
    'must be the name of a bridge, e.g. vmbr1: letters, digits and _, 2 to 10 of them',
  )
  .refine((name) => !isTaken(name), 'is a name that the system or PVE gives to links of its own')
