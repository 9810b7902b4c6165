/** Facts about the keys that may log in as a user. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** The file ~/.ssh/authorized_keys of a user. */
export interface AuthorizedKeysState {
  /** Home directory it was looked for in; empty when there is no such user. */
  readonly home: string
  /** What the path leads to, links followed: on Proxmox VE, root's is in /etc/pve. Empty without a user. */
  readonly real: string
  /** Undefined when there is no file. */
  readonly content: Buffer | undefined
  /** Permission bits in octal, four digits; empty when there is no file. */
  readonly mode: string
  /** What stands where the file or its folder should be, and is none: a path, if there is such a thing. */
  readonly obstacle?: string
}

/** A few processes for each user. */
export const authorizedKeysFact: FactKind<AuthorizedKeysState> = {
  name: 'authorized-keys',
  observe: (ids): Script => joinScripts(ids.map(observeUser)),
  parse(output, ids) {
    let offset = 0
    return ids.map((id) => {
      const line = () => {
        const end = output.indexOf('\n', offset)
        if (end < 0) throw new Error(`the keys of ${id} end early`)
        const text = output.subarray(offset, end).toString('utf8')
        offset = end + 1
        return text
      }
      const [home, real, attributes] = [line(), line(), line()]
      if (attributes === '-') return { home, real, content: undefined, mode: '' }
      if (attributes.startsWith('!')) return { home, real, content: undefined, mode: '', obstacle: attributes.slice(1) }
      const [mode = '', size = '0'] = attributes.split(' ')
      const content = output.subarray(offset, offset + Number(size))
      offset += content.length
      return { home, real, content, mode: mode.padStart(4, '0') }
    })
  },
}

/** Reference to the keys of a user. */
export function authorizedKeysOf(user: string): FactRef<AuthorizedKeysState> {
  return { kind: authorizedKeysFact, id: user }
}

function observeUser(user: string): Script {
  return sh`h=$(getent passwd -- ${user} | cut -d: -f6)
f=$h/.ssh/authorized_keys
echo "$h"
if [ -n "$h" ]; then readlink -m -- "$f"; else echo; fi
if [ -n "$h" ] && [ -f "$f" ] && [ -r "$f" ]; then stat -L --printf '%a %s\n' -- "$f"; cat -- "$f"
elif [ -n "$h" ] && [ -e "$h/.ssh" ] && [ ! -d "$h/.ssh" ]; then echo "!$h/.ssh"
elif [ -n "$h" ] && [ -e "$f" ] && [ ! -f "$f" ]; then echo "!$f"
else echo -; fi`
}
