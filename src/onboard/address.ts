/** Addresses of new nodes, as given on the command line. */
import { isIPv6 } from 'node:net'
import { PvectlError } from '../errors.ts'
import { isAddress } from '../inventory/schema.ts'

/** Where a new node answers. */
export interface NodeAddress {
  /** IP address or DNS name. */
  readonly address: string
  /** Port of sshd; undefined: what the inventory says, else 22. */
  readonly port: number | undefined
}

/** Reads `ADDRESS`, `ADDRESS:PORT` or `[IPV6]:PORT`. Throws USAGE. */
export function parseAddress(text: string): NodeAddress {
  const match =
    /^\[([^\]]+)\](?::(\d+))?$/.exec(text) ?? (isIPv6(text) ? [text, text] : /^([^:]+)(?::(\d+))?$/.exec(text))
  const address = match?.[1] ?? ''
  const port = match?.[2] === undefined ? undefined : Number(match[2])
  if (!isAddress(address) || (port !== undefined && (port < 1 || port > 65535))) {
    throw new PvectlError('USAGE', `\`${text}\` is no address of a node`, {
      hint: 'give an IP address or a DNS name, with :PORT where sshd listens on another port than 22',
    })
  }
  return { address, port }
}

/** As it was given: `192.0.2.7`, `[2001:db8::1]:2222`. */
export function addressText({ address, port }: NodeAddress): string {
  if (port === undefined) return address
  return isIPv6(address) ? `[${address}]:${port}` : `${address}:${port}`
}
