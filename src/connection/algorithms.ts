/**
 * SSH algorithms in the order in which pvectl offers them: the cheapest safe one first, the weak ones of ssh2
 * (SHA-1, CBC, DSA) not at all.
 */
import type { Algorithms, ServerHostKeyAlgorithm } from 'ssh2'

const HOST_KEY_ALGORITHMS: readonly ServerHostKeyAlgorithm[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'rsa-sha2-512',
  'rsa-sha2-256',
]

/**
 * The offer to one server. Host key types that known_hosts holds for it come first, since a server shows only one of
 * its keys and another type could not be compared.
 */
export function algorithmsFor(knownKeyTypes: ReadonlySet<string>): Algorithms {
  const known = HOST_KEY_ALGORITHMS.filter((algorithm) => knownKeyTypes.has(keyTypeOf(algorithm)))
  return {
    // Group exchange comes last: Node checks the server's prime, which takes 1.5 s of CPU.
    kex: [
      'curve25519-sha256',
      'curve25519-sha256@libssh.org',
      'ecdh-sha2-nistp256',
      'diffie-hellman-group14-sha256',
      'ecdh-sha2-nistp384',
      'ecdh-sha2-nistp521',
      'diffie-hellman-group16-sha512',
      'diffie-hellman-group18-sha512',
      'diffie-hellman-group-exchange-sha256',
    ],
    serverHostKey: [...new Set([...known, ...HOST_KEY_ALGORITHMS])],
    // GCM before CTR: one pass of AES instructions for secrecy and integrity. ChaCha20 is JavaScript or WASM in ssh2.
    cipher: [
      'aes128-gcm@openssh.com',
      'aes256-gcm@openssh.com',
      'aes128-ctr',
      'aes192-ctr',
      'aes256-ctr',
      'chacha20-poly1305@openssh.com',
    ],
    hmac: ['hmac-sha2-256-etm@openssh.com', 'hmac-sha2-512-etm@openssh.com', 'hmac-sha2-256', 'hmac-sha2-512'],
    compress: ['none'],
  }
}

/** The key type an algorithm signs with: RSA keys serve two signature algorithms. */
function keyTypeOf(algorithm: ServerHostKeyAlgorithm): string {
  return algorithm.startsWith('rsa-') ? 'ssh-rsa' : algorithm
}
