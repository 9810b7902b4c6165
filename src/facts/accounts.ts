/** Facts about the accounts that people log in with. */
import { rawScript, type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** An account. Whether it has a password is not read. */
export interface Account {
  readonly name: string
  readonly uid: number
  readonly gecos: string
  readonly home: string
  readonly shell: string
  /** Supplementary groups. */
  readonly groups: readonly string[]
  /** Text of ~/.ssh/authorized_keys; empty without one. */
  readonly authorizedKeys: string
}

/** Accounts that are no package's: numbers 1000 to 59999, and any other with a file of authorized keys, root included. */
export type Accounts = readonly Account[]

/** One instance: the id is always empty. */
export const accountsFact: FactKind<Accounts> = {
  name: 'accounts',
  observe: (_ids, mark): Script => sh`${LIST} | while IFS=: read -r pv_name pv_uid pv_home pv_row; do
	pv_keys=$pv_home/.ssh/authorized_keys
	if [ -f "$pv_keys" ] && [ -r "$pv_keys" ]; then pv_size=$(wc -c <"$pv_keys")
	elif [ "$pv_uid" -ge 1000 ] && [ "$pv_uid" -lt 60000 ]; then pv_size=0
	else continue; fi
	printf '%s %s %s\n' ${mark} "$pv_size" "$pv_row"
	[ "$pv_size" -eq 0 ] || cat -- "$pv_keys"
done
printf '%s groups\n' ${mark}
getent group || :`,
  parse(output, ids, mark) {
    const accounts = readAccounts(output, mark)
    return ids.map(() => accounts)
  },
}

/** The one reference to this fact. */
export const accountsRef: FactRef<Accounts> = { kind: accountsFact, id: '' }

/** `name:uid:home:whole row` of each account. */
const LIST = rawScript(`getent passwd | awk -F: '{ print $1 ":" $3 ":" $6 ":" $0 }'`)

function readAccounts(output: Buffer, mark: string): Accounts {
  const rows: { readonly row: readonly string[]; readonly keys: string }[] = []
  let at = 0
  for (;;) {
    const end = output.indexOf('\n', at)
    const line = output.subarray(at, end < 0 ? undefined : end).toString('utf8')
    if (end < 0 || !line.startsWith(mark)) throw new Error('the list of accounts ends early')
    if (line === `${mark} groups`) {
      const groups = output
        .subarray(end + 1)
        .toString('utf8')
        .split('\n')
        .map((each) => each.split(':'))
      return rows.map(({ row, keys }) => readAccount(row, keys, groups))
    }
    const [, size = '', text = ''] = /^\S+ (\d+) (.*)$/.exec(line) ?? []
    const keys = output.subarray(end + 1, end + 1 + Number(size))
    rows.push({ row: text.split(':'), keys: keys.toString('utf8') })
    at = end + 1 + keys.length
  }
}

function readAccount(row: readonly string[], keys: string, rows: readonly (readonly string[])[]): Account {
  const [name = '', , uid = '', , gecos = '', home = '', shell = ''] = row
  const groups = rows.filter(([, , , members = '']) => members.split(',').includes(name)).map(([group = '']) => group)
  return { name, uid: Number(uid), gecos, home, shell, groups, authorizedKeys: keys }
}
