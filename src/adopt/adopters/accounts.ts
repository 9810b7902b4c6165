/** Adopts accounts that people log in with, and their keys. Passwords are neither read nor written. */
import { type Account, accountsRef } from '../../facts/accounts.ts'
import { parseKeyLine } from '../../resources/key-line.ts'
import type { Adopter, Finding, LeftOver, TaskDraft } from '../adopter.ts'
import { secretLine } from '../sensitive.ts'

/** `user`, `authorized_key`. */
export const accountsAdopter: Adopter = {
  title: 'Accounts',
  reads: [accountsRef],
  adopt({ model }) {
    const accounts = model.get(accountsRef)
    return { findings: accounts.flatMap(findingsOf), leftOvers: accounts.flatMap(remarks) }
  },
}

function findingsOf(account: Account): readonly Finding[] {
  const { name, authorizedKeys } = account
  const keys = keyLines(authorizedKeys)
  const keyTask: TaskDraft = {
    name: `Keys of ${name}`,
    type: 'authorized_key',
    params: { ...(name === 'root' ? {} : { user: name }), key: keys },
  }
  return [
    ...(name === 'root' ? [] : [{ what: `account ${name}`, ways: [{ tasks: [userTask(account)] }] as const }]),
    ...(keys.length === 0 ? [] : [{ what: `keys of ${name}`, ways: [{ tasks: [keyTask] }] as const }]),
  ]
}

function userTask({ name, gecos, home, shell, groups }: Account): TaskDraft {
  const comment = gecos.replace(/,+$/, '')
  return {
    name: `Account ${name}`,
    type: 'user',
    params: {
      name,
      shell,
      ...(home === `/home/${name}` ? {} : { home }),
      ...(comment === '' || comment !== gecos ? {} : { comment }),
      ...(groups.length === 0 ? {} : { groups }),
    },
  }
}

function remarks({ name, authorizedKeys, shell }: Account): readonly LeftOver[] {
  const lines = authorizedKeys.split('\n').filter((line) => line.trim() !== '' && !/^\s*#/.test(line))
  const unread = lines.filter((line) => parseKeyLine(line) === undefined || secretLine(line) !== undefined).length
  const canLogIn = name !== 'root' && !/(nologin|false)$/.test(shell)
  return [
    ...(unread === 0
      ? []
      : [
          {
            what: `${unread} of ${lines.length} lines of authorized_keys of ${name}`,
            why: 'no public key that pvectl can read, or options that look as if they held a secret',
          },
        ]),
    ...(canLogIn ? [{ what: `password of ${name}`, why: 'passwords are neither read nor written' }] : []),
  ]
}

function keyLines(text: string): readonly string[] {
  const keys = text.split('\n').map((line) => line.trim())
  const valid = keys.filter(
    (line) =>
      line !== '' && !line.startsWith('#') && parseKeyLine(line) !== undefined && secretLine(line) === undefined,
  )
  return valid.filter(
    (line, i) => valid.findIndex((other) => parseKeyLine(other)?.blob === parseKeyLine(line)?.blob) === i,
  )
}
