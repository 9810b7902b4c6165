/** Turns what went wrong while connecting into words an administrator can act on. Pure. */
import { type ErrorCode, PvectlError } from '../errors.ts'
import type { Target } from './target.ts'

/** The shortest penalty that sshd enforces (PerSourcePenalties `min`). */
const PENALTY_MS = 15_000

/** How far an attempt got: TCP, the server's version line, key exchange, authentication. */
export type Phase = 'dial' | 'greeting' | 'handshake' | 'login'

/** A failed attempt as it was seen. */
export interface Attempt {
  readonly target: Target
  readonly phase: Phase
  readonly error: unknown
  /** What the server said in place of its version line. */
  readonly greeting: string
  /** Labels of the keys on offer. */
  readonly identities: readonly string[]
  /** A password was given, and no key. */
  readonly withPassword?: boolean
}

/** Thrown by an attempt instead of an `Error` of ssh2 when its deadline passed. */
export class DeadlinePassed extends Error {}

/** Whether to try again at once. `refused`: sshd may be reloading. `dropped`: too many handshakes at once. */
export type Retry = 'refused' | 'dropped' | 'never'

/** A failed attempt with the error to show, and whether another attempt may help. */
export class AttemptFailed extends Error {
  readonly shown: PvectlError
  readonly retry: Retry

  constructor(shown: PvectlError, retry: Retry) {
    super(shown.message)
    this.shown = shown
    this.retry = retry
  }
}

/** Explains an attempt that failed for a reason other than the host key or a local key. */
export function explain(attempt: Attempt): AttemptFailed {
  switch (attempt.phase) {
    case 'dial':
      return dialFailed(attempt)
    case 'greeting':
      return noGreeting(attempt)
    case 'handshake':
      return handshakeFailed(attempt)
    case 'login':
      return loginFailed(attempt)
  }
}

function dialFailed(attempt: Attempt): AttemptFailed {
  const { target, error } = attempt
  const { address, port } = target
  switch (dialCause(error)) {
    case 'refused': {
      const hint = `is sshd running, and is the port right? try: ${sshCommand(target)}`
      return failed(attempt, `nothing answers at ${place(target)} (connection refused)`, hint, 'refused')
    }
    case 'unresolved': {
      const hint = `correct the address in the inventory, or see whether DNS knows it: getent hosts ${address}`
      return failed(attempt, `the name ${address} cannot be resolved`, hint)
    }
    case 'no route':
      return failed(
        attempt,
        `there is no route to ${place(target)}`,
        `is the node on a network you reach? try: ping ${address}`,
      )
    case 'timeout': {
      const hint = `is the node up, and does no firewall drop packets to port ${port}? try: ${sshCommand(target)}`
      return failed(attempt, `no answer from ${place(target)} within ${seconds(target)}`, hint)
    }
    case 'forbidden': {
      const hint = `allow it in sshd_config there: AllowTcpForwarding yes, and PermitOpen for ${address}:${port}`
      return failed(attempt, `the jump host ${target.jump?.name} does not forward to ${address}:${port}`, hint)
    }
    case 'other':
      return failed(attempt, `cannot connect to ${place(target)}: ${text(error)}`, `try: ${sshCommand(target)}`)
  }
}

/** Socket errors carry a code; those of a jump host come as text from its sshd. */
function dialCause(error: unknown): 'refused' | 'unresolved' | 'no route' | 'timeout' | 'forbidden' | 'other' {
  if (error instanceof DeadlinePassed) return 'timeout'
  const { code, reason } = error as { code?: unknown; reason?: unknown }
  const said = `${String(code)} ${text(error)}`
  if (/ECONNREFUSED|connection refused/i.test(said)) return 'refused'
  if (/ENOTFOUND|EAI_|not known|resolution|no address/i.test(said)) return 'unresolved'
  if (/EHOSTUNREACH|ENETUNREACH|no route|unreachable/i.test(said)) return 'no route'
  if (/ETIMEDOUT|timed out/i.test(said)) return 'timeout'
  return reason === 1 ? 'forbidden' : 'other'
}

function noGreeting(attempt: Attempt): AttemptFailed {
  const { target, error, greeting } = attempt
  if (/not allowed at this time/i.test(greeting)) {
    const hint =
      'it does so after failed logins (PerSourcePenalties in sshd_config): wait half a minute, and correct the login first'
    const message = `${place(target)} turns this machine away for a while`
    return failed(attempt, message, hint, 'never', 'HOST_UNREACHABLE', PENALTY_MS)
  }
  if (error instanceof DeadlinePassed) {
    const hint = `is that an SSH server? try: ${sshCommand(target)}`
    return failed(attempt, `${place(target)} accepts connections but says nothing within ${seconds(target)}`, hint)
  }
  if (greeting !== '' && !/MaxStartups/i.test(greeting)) {
    const said = JSON.stringify(greeting.slice(0, 60))
    return failed(attempt, `what answers at ${place(target)} is no SSH server: ${said}`, 'is the port right?')
  }
  return dropped(attempt, 'before it said anything')
}

function handshakeFailed(attempt: Attempt): AttemptFailed {
  const { target, error } = attempt
  if (error instanceof DeadlinePassed) {
    const hint = `is the node overloaded, or the MTU on the way too small? try: ${sshCommand(target)}`
    return failed(attempt, `the SSH handshake with ${place(target)} takes more than ${seconds(target)}`, hint)
  }
  if (/no matching/i.test(text(error))) {
    const hint = 'allow curve25519-sha256, aes128-gcm@openssh.com and an ed25519 host key in its sshd_config'
    return failed(attempt, `${place(target)} and pvectl have no SSH algorithm in common: ${text(error)}`, hint)
  }
  return dropped(attempt, 'during the handshake')
}

function dropped(attempt: Attempt, when: string): AttemptFailed {
  const hint = 'perhaps it has too many logins at once (MaxStartups in sshd_config), or a firewall cuts them off'
  return failed(attempt, `${place(attempt.target)} closed the connection ${when}`, hint, 'dropped')
}

function loginFailed(attempt: Attempt): AttemptFailed {
  const { target, error, identities } = attempt
  const who = `${target.user}@${place(target)}`
  if (error instanceof DeadlinePassed) {
    const hint = `is the node overloaded, or its DNS slow (UseDNS in sshd_config)? try: ${sshCommand(target)}`
    return failed(attempt, `the login as ${who} takes more than ${seconds(target)}`, hint)
  }
  if (attempt.withPassword === true) {
    const hint = 'is it right, and does sshd there take passwords (PermitRootLogin yes, PasswordAuthentication yes)?'
    return failed(attempt, `${who} does not accept the password`, hint, 'never', 'AUTH_FAILED')
  }
  const tried = `tried ${identities.join(', ')}`
  if (/too many auth/i.test(text(error)) || identities.length > 5) {
    const hint = 'it stops after some wrong keys (MaxAuthTries): name the right key in the inventory'
    return failed(
      attempt,
      `${who} did not get to the right key among ${identities.length}: ${tried}`,
      hint,
      'never',
      'AUTH_FAILED',
    )
  }
  const hint = `put the public key into ~${target.user}/.ssh/authorized_keys there (ssh-copy-id), or name another key or user in the inventory`
  return failed(attempt, `${who} accepts no key: ${tried}`, hint, 'never', 'AUTH_FAILED')
}

function failed(
  { target, error }: Attempt,
  message: string,
  hint: string,
  retry: Retry = 'never',
  code: ErrorCode = 'HOST_UNREACHABLE',
  backOffMs?: number,
): AttemptFailed {
  const options = { hint, host: target.name, cause: error, ...(backOffMs === undefined ? {} : { backOffMs }) }
  return new AttemptFailed(new PvectlError(code, `${target.name}: ${message}`, options), retry)
}

/** `address:port`, with the way there. */
export function place({ address, port, jump }: Target): string {
  const host = address.includes(':') ? `[${address}]` : address
  return jump === undefined ? `${host}:${port}` : `${host}:${port} through ${jump.name}`
}

/** What a user would type to see the problem with plain ssh. */
export function sshCommand({ address, port, user, jump }: Target): string {
  const through = jump === undefined ? '' : `-J ${jump.user}@${jump.address}:${jump.port} `
  return `ssh ${through}-p ${port} ${user}@${address}`
}

function seconds(target: Target): string {
  return `${Number((target.connectTimeoutMs / 1000).toFixed(1))} s`
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
