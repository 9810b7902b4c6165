/** How to get into a new node: with the admin's key where it is known already, else by root's password. */
import type { Connection } from '../connection/connection.ts'
import { sh } from '../connection/script.ts'
import type { Secret } from '../connection/secret.ts'
import type { Target } from '../connection/target.ts'
import { PvectlError } from '../errors.ts'

/** A way into the node that has been gone. */
export interface Access {
  readonly target: Target
  /** Password that opened it; undefined: a key did. */
  readonly password: Secret | undefined
}

/** What is needed to find a way. */
export interface AccessQuestion {
  /** As the inventory is going to say. */
  readonly target: Target
  /** Opens a connection, by password where one is given. */
  readonly connect: (target: Target, password?: Secret) => Promise<Connection>
  /** Asks for root's password; `attempt` counts from 1. Undefined: nobody knows it. */
  readonly password: (attempt: number) => Promise<Secret | undefined>
}

const TRIES = 3

/**
 * Tries the login of the inventory, then root's with the same keys, then root's with a password. Sshd of PVE 9 turns an
 * address away after some failed logins (PerSourcePenalties), so there are no more attempts than that. Rejects with
 * AUTH_FAILED, and with whatever else keeps the node from being reached.
 */
export async function findAccess({ target, connect, password }: AccessQuestion): Promise<Access> {
  const root: Target = { ...target, user: 'root', become: false }
  let refusal: PvectlError | undefined
  for (const candidate of target.user === 'root' ? [root] : [target, root]) {
    const failure = await knock(candidate, connect)
    if (failure === undefined) return { target: candidate, password: undefined }
    refusal = failure
  }
  for (let attempt = 1; attempt <= TRIES; attempt++) {
    const secret = await password(attempt)
    if (secret === undefined) break
    const failure = await knock(root, connect, secret)
    if (failure === undefined) return { target: root, password: secret }
    refusal = failure
  }
  throw refusal ?? new PvectlError('AUTH_FAILED', `${target.name}: nobody could log in`)
}

/** Why a login was refused; undefined when it works. Rejects when the node cannot be reached at all. */
async function knock(
  target: Target,
  connect: AccessQuestion['connect'],
  password?: Secret,
): Promise<PvectlError | undefined> {
  try {
    const connection = await connect(target, password)
    try {
      await connection.run(sh`:`, { timeoutMs: 30_000 })
    } finally {
      await connection.close()
    }
    return undefined
  } catch (error) {
    if (error instanceof PvectlError && (error.code === 'AUTH_FAILED' || error.code === 'BECOME_FAILED')) return error
    throw error
  }
}
