import { createHash } from 'node:crypto'

/** Hex SHA-256, as sha256sum prints it. */
export function sha256(bytes: Buffer): string {
  return createHash('sha256').update(bytes).digest('hex')
}
