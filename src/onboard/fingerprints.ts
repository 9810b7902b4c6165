/** Fingerprints of host keys that the admin knows beforehand. */
import { PvectlError } from '../errors.ts'

/** Fingerprints by address. */
export type Fingerprints = ReadonlyMap<string, string>

/**
 * Reads values of `--fingerprint`: `ADDRESS=SHA256:…`, or for a single node `SHA256:…` alone. A fingerprint of one node
 * says nothing of another, so with several nodes each must name its own. Throws USAGE.
 */
export function parseFingerprints(values: readonly string[], addresses: readonly string[]): Fingerprints {
  const entries = values.map((value): [string, string] => {
    // Base64 may end with `=`; an address never holds one.
    const match = /^(?:([^=]+)=)?((?:SHA256:)?[A-Za-z0-9+/]{43}=?)$/.exec(value.trim())
    const print = match?.[2]
    if (print === undefined) throw noFingerprint(value)
    const address = match?.[1] ?? (addresses.length === 1 ? addresses[0] : undefined)
    if (address === undefined || !addresses.includes(address)) throw whose(value, addresses)
    return [address, `SHA256:${print.replace(/^SHA256:/, '').replace(/=$/, '')}`]
  })
  return new Map(entries)
}

function noFingerprint(value: string): PvectlError {
  return new PvectlError('USAGE', `\`${value}\` is no fingerprint of a host key`, {
    hint: 'write SHA256:… as the console of the node prints it: ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub',
  })
}

function whose(value: string, addresses: readonly string[]): PvectlError {
  const example = `--fingerprint ${addresses[0] ?? 'ADDRESS'}=SHA256:…`
  return new PvectlError('USAGE', `which node does the fingerprint \`${value}\` belong to?`, {
    hint: `name its address as it was given: ${example}`,
  })
}
