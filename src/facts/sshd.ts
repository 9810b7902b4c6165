/** Facts about what sshd's configuration on disk comes to for one user. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** Settings in sshd's own spelling (`permitopen`), each with all its values; empty when sshd rejects its configuration. */
export type SshdState = Readonly<Record<string, readonly string[]>>

/** One `sshd -T` a user, with an address from outside (RFC 5737) for `Match Address`. */
export const sshdFact: FactKind<SshdState> = {
  name: 'sshd',
  observe: (ids, mark): Script =>
    joinScripts(
      ids.map(
        (id) => sh`/usr/sbin/sshd -T -C ${`user=${id},host=client.invalid,addr=192.0.2.1`} 2>/dev/null || :
echo ${mark}`,
      ),
    ),
  parse(output, ids, mark) {
    const parts = output.toString('utf8').split(`${mark}\n`)
    return ids.map((_, i) => parseSettings(parts[i] ?? ''))
  },
}

/** Reference to sshd's settings for a user, who need not exist. */
export function sshdFor(user: string): FactRef<SshdState> {
  return { kind: sshdFact, id: user }
}

function parseSettings(text: string): SshdState {
  const settings: Record<string, string[]> = {}
  for (const line of text.split('\n')) {
    const split = line.indexOf(' ')
    if (split < 0) continue
    const key = line.slice(0, split)
    settings[key] = [...(settings[key] ?? []), line.slice(split + 1)]
  }
  return settings
}
