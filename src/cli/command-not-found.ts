/** What to say to a command that does not exist. Loaded by oclif as a hook. */
import type { Hook, Interfaces } from '@oclif/core'
import { EXIT } from '../errors.ts'
import { nearest } from '../suggest.ts'

/** The hook. */
export const commandNotFound: Hook.CommandNotFound = async ({ id, config }) => sayNotFound(id, config)

/** Prints the mistake and the nearest command; exit code 2. */
export function sayNotFound(id: string, config: Interfaces.Config): void {
  const typed = id.replaceAll(':', ' ')
  const known = config.commands.filter(({ hidden }) => !hidden).map((command) => command.id.replaceAll(':', ' '))
  process.stderr.write(
    `error: there is no command \`${typed}\`\n  hint: ${commandHint(typed.split(' '), known, config.bin)}\n`,
  )
  process.exitCode = EXIT.usage
}

/** The known command most like the first words typed, else what their topic has; what follows may be arguments. */
export function commandHint(typed: readonly string[], known: readonly string[], bin: string): string {
  if (typed[0]?.startsWith('-')) return `flags come after the command: \`${bin} COMMAND ${typed[0]}\``
  const topic = known.flatMap((id) => (id.startsWith(`${typed[0]} `) ? [id.slice(id.indexOf(' ') + 1)] : []))
  if (topic.length > 0) {
    const near = nearest(typed[1] ?? '', topic)
    return near === undefined
      ? `\`${bin} ${typed[0]}\` has: ${topic.sort().join(', ')}`
      : `did you mean \`${bin} ${typed[0]} ${near}\`?`
  }
  for (let count = typed.length; count > 0; count--) {
    const near = nearest(typed.slice(0, count).join(' '), known)
    if (near !== undefined) return `did you mean \`${bin} ${near}\`?`
  }
  return `\`${bin} help\` lists the commands`
}
