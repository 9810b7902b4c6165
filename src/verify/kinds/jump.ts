/** The account that leads through the node to guests. */
import type { Account, Passage } from '../../connection/account.ts'
import { PvectlError } from '../../errors.ts'
import type { JumpCheck } from '../check.ts'
import { type Evidence, failed, type HostView, type Prover, passed, skipped } from '../prover.ts'

/** What was tried, and what came of it. */
interface JumpSeen {
  /** Why nobody logged in. */
  readonly noKey?: string
  readonly login?: string
  readonly allowed?: readonly Tried[]
  readonly others?: readonly Tried[]
  readonly shell?: string | null
  readonly listens?: boolean
}

interface Tried {
  readonly end: string
  readonly passage: Passage
}

/** Destinations that are tried; with a hundred more, the answers would say nothing new. */
const MOST = 10

/** Proves {@link JumpCheck}. */
export const jump: Prover<JumpCheck> = {
  title: ({ user }) => `${user} leads to the permitted guests and nowhere else`,
  proves:
    'the account can be used as a jump host to the guests it is for; it leads nowhere else, has no shell and opens no port',
  async outside(check, host, ask) {
    const { jump_key: keyFile } = host.settings
    const keys = await ask.publicKeys(keyFile).catch(() => [])
    const known = check.keys.map((line) => line.split(/\s+/).find((word) => word.startsWith('AAAA')))
    if (!keys.some((key) => known.includes(key.toString('base64')))) return { noKey: 'yes' }
    try {
      const account = await ask.account(check.user, keyFile)
      try {
        return { ...(await tryAll(account, check, host)) }
      } finally {
        await account.close()
      }
    } catch (error) {
      if (!(error instanceof PvectlError) || error.code === 'INTERRUPTED') throw error
      return { login: error.message }
    }
  },
  facts: ({ user }) => [
    {
      id: `sshd ${user}`,
      kind: 'command',
      args: ['/usr/sbin/sshd', '-T', '-C', `user=${user},host=verify,addr=192.0.2.1`],
    },
    { id: `file ${dropIn(user)}`, kind: 'files', args: [dropIn(user), keyFilePath(user)] },
    { id: `user ${user}`, kind: 'command', args: ['getent', 'passwd', user] },
  ],
  judge(check, evidence) {
    const seen = evidence.outside as JumpSeen
    if (seen.noKey !== undefined)
      return skipped('no key here is one of those that may log in; name its private half in verify.jump_key')
    if (seen.login !== undefined) return failed(seen.login, loginCause(check, evidence))
    const freedoms = [...tooFree(seen), ...unasked(check, evidence)]
    if (freedoms.length > 0) return failed(freedoms.join('; '), freeCause(check, evidence))
    const allowed = seen.allowed ?? []
    const barred = allowed.filter(({ passage }) => passage.kind === 'prohibited').map(({ end }) => end)
    if (barred.length > 0) return failed(`refused: ${barred.join(', ')}`, barredCause(check, evidence))
    const open = allowed.filter(({ passage }) => passage.kind === 'open').map(({ end }) => end)
    if (open.length > 0) return passed(`reached ${open.join(', ')}; all else refused`)
    return skipped(`the way is permitted and all else refused, but no guest answers: ${allowed.map(shown).join(', ')}`)
  },
}

async function tryAll(account: Account, { permitted }: JumpCheck, { address }: HostView): Promise<JumpSeen> {
  const attempt = async (end: string): Promise<Tried> => ({ end, passage: await account.open(...hostAndPort(end)) })
  const allowed: Tried[] = []
  for (const end of permitted.slice(0, MOST)) allowed.push(await attempt(end))
  const others: Tried[] = []
  for (const end of forbidden(permitted, address)) others.push(await attempt(end))
  return { allowed, others, shell: (await account.shell()) ?? null, listens: await account.listens() }
}

/** The node itself, its web interface, and another port of a permitted guest. */
function forbidden(permitted: readonly string[], address: string): readonly string[] {
  const [first] = permitted
  const neighbour = first === undefined ? [] : [first.replace(/\d+$/, '9')]
  return ['127.0.0.1:22', '127.0.0.1:8006', `${address}:22`, ...neighbour].filter((end) => !permitted.includes(end))
}

function hostAndPort(end: string): [string, number] {
  const [, v6, plain = '', port] = /^(?:\[([^\]]+)\]|(.*)):(\d+)$/.exec(end) ?? []
  return [v6 ?? plain, Number(port)]
}

function shown({ end, passage }: Tried): string {
  return passage.kind === 'unreachable' ? `${end} (${passage.why})` : end
}

function tooFree({ others = [], shell, listens }: JumpSeen): readonly string[] {
  const ways = others.filter(({ passage }) => passage.kind !== 'prohibited').map(({ end }) => end)
  return [
    ...(ways.length === 0 ? [] : [`it also leads to ${ways.join(', ')}`]),
    ...(shell === undefined || shell === null ? [] : [`it runs commands (${shell})`]),
    ...(listens === true ? ['it can open ports on the node'] : []),
  ]
}

/** Destinations beyond those of the playbook that sshd says it permits: more than can be tried. */
function unasked(check: JumpCheck, { node }: Evidence): readonly string[] {
  const strangers = strangeEnds(check, String(node.fact(`sshd ${check.user}`).text ?? ''))
  return strangers.length === 0 ? [] : [`it may also lead to ${strangers.join(', ')}`]
}

function strangeEnds({ permitted }: Pick<JumpCheck, 'permitted'>, text: string): readonly string[] {
  const [, line] = /^permitopen (.*)$/m.exec(text) ?? []
  const ends = (line ?? 'none').split(' ').map((end) => end.toLowerCase())
  const wanted = permitted.map((end) => end.toLowerCase())
  return ends.filter((end) => end !== 'none' && end !== '' && !wanted.includes(end))
}

function dropIn(user: string): string {
  return `/etc/ssh/sshd_config.d/60-pvectl-${user}.conf`
}

function keyFilePath(user: string): string {
  return `/etc/ssh/pvectl-authorized-keys/${user}`
}

function freeCause({ user, permitted }: JumpCheck, { node }: Evidence) {
  if (node.file(`file ${dropIn(user)}`, dropIn(user)) === undefined)
    return { cause: `${dropIn(user)} is missing, so the account has no limits`, hint: 'pvectl apply' }
  const text = String(node.fact(`sshd ${user}`).text ?? '')
  const strangers = strangeEnds({ permitted }, text)
  if (strangers.length > 0)
    return {
      cause: `sshd permits ${strangers.join(', ')} as well (PermitOpen)`,
      hint: 'pvectl check shows a difference; pvectl apply puts it right',
    }
  if (!text.includes('permittty no'))
    return {
      cause: 'another setting of sshd comes before those of the account',
      hint: `sshd -T -C user=${user},host=x,addr=192.0.2.1`,
    }
  return { cause: 'sshd has not read its configuration since it was changed', hint: 'systemctl reload ssh' }
}

function barredCause({ user }: JumpCheck, { node }: Evidence) {
  const line = String(node.fact(`sshd ${user}`).text ?? '')
    .split('\n')
    .find((text) => text.startsWith('permitopen'))
  return {
    cause: `sshd permits ${line?.replace(/^permitopen /, '') ?? 'nothing'}, or has not read its configuration since it was changed`,
    hint: 'pvectl check shows a difference; systemctl reload ssh',
  }
}

function loginCause({ user }: JumpCheck, { node }: Evidence) {
  if (String(node.fact(`user ${user}`).text ?? '') === '')
    return { cause: `there is no account ${user}`, hint: 'pvectl apply' }
  if (node.file(`file ${dropIn(user)}`, keyFilePath(user)) === undefined)
    return { cause: `${keyFilePath(user)} is missing`, hint: 'pvectl apply' }
  if (node.file(`file ${dropIn(user)}`, dropIn(user)) === undefined)
    return { cause: `${dropIn(user)} is missing, so sshd does not look for its keys`, hint: 'pvectl apply' }
  const [, allowed] = /^allowusers (.*)$/m.exec(String(node.fact(`sshd ${user}`).text ?? '')) ?? []
  if (allowed !== undefined && !allowed.split(' ').includes(user))
    return { cause: `AllowUsers of sshd names ${allowed}, not ${user}`, hint: `add ${user} to it` }
  return {
    cause: 'sshd does not take the key, or has not read its configuration since it was changed',
    hint: 'journalctl -u ssh on the node tells why',
  }
}
