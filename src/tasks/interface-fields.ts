/** Parameters of tasks that edit /etc/network/interfaces. */
import { z } from 'zod'
import { isReserved, parseCidr } from '../net/cidr.ts'
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
    const cidr = parseCidr(text)
    if (cidr === undefined || cidr.prefix === 0)
      context.addIssue({ code: 'custom', message: `${text} is no IPv4 address with prefix` })
    else if (isReserved(cidr))
      context.addIssue({ code: 'custom', message: `${text} is the network or broadcast address, not that of a host` })
  })

/** A bridge as PVE 8 and later accept it; `vmbr0` to `vmbr9999` on earlier ones. */
export const bridgeName = z
  .string()
  .regex(/^[a-zA-Z][a-zA-Z0-9_]{0,9}$/, 'must be the name of a bridge, e.g. vmbr1: letters, digits and _, at most 10')
