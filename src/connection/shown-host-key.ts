/** The host key that a server shows to whoever knocks. */
import { PvectlError } from '../errors.ts'
import type { HostKeyCheck } from './host-key.ts'
import { fingerprint, hostNames, keyType } from './known-hosts.ts'
import type { Target } from './target.ts'

/** A host key as seen, before anybody trusts it. */
export interface ShownHostKey {
  /** Such as `ssh-ed25519`. */
  readonly type: string
  /** `SHA256:…`. */
  readonly fingerprint: string
  /** The line that would pin it in a known_hosts file. */
  readonly line: string
  /** HOST_KEY_UNKNOWN or HOST_KEY_MISMATCH; undefined when known_hosts vouches for the key. */
  readonly refusal: PvectlError | undefined
}

/**
 * Knocks by `knock`, which must open a connection with the given check, and turns away as soon as the key is there. `known`
 * judges it. Rejects with whatever kept the server from showing one.
 */
export async function shownHostKey(
  target: Target,
  known: HostKeyCheck,
  wanted: string | undefined,
  knock: (looking: HostKeyCheck) => Promise<void>,
): Promise<ShownHostKey> {
  const seen = new PvectlError('HOST_KEY_UNKNOWN', `${target.name}: the host key was only looked at`)
  let key: Buffer | undefined
  const refusal = (shown: Buffer) => {
    key = shown
    return seen
  }
  try {
    await knock({ keyTypes: wanted === undefined ? known.keyTypes : new Set([wanted]), refusal })
  } catch (error) {
    if (key === undefined) throw error
  }
  if (key === undefined) throw seen
  const { name } = hostNames(target.address, target.port, target.hostKeyAlias)
  return {
    type: keyType(key),
    fingerprint: fingerprint(key),
    line: `${name} ${keyType(key)} ${key.toString('base64')}`,
    refusal: known.refusal(key),
  }
}
