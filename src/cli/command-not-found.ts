/** What to say to a command that does not exist. Loaded by oclif as a hook. */
import type { Hook } from '@oclif/core'
import { EXIT } from '../errors.ts'
import { nearest } from '../suggest.ts'

/** Prints the mistake and the nearest command; exit code 2. */
export const commandNotFound: Hook.CommandNotFound = async ({ id, config }) => {
  const typed = id.replaceAll(':', ' ')
  const known = config.commands.filter(({ hidden }) => !hidden).map((command) => command.id.replaceAll(':', ' '))
  const near = nearestCommand(typed.split(' '), known)
  const hint =
    near === undefined ? `\`${config.bin} help\` lists the commands` : `did you mean \`${config.bin} ${near}\`?`
  process.stderr.write(`error: there is no command \`${typed}\`\n  hint: ${hint}\n`)
  process.exitCode = EXIT.usage
}

/** The known command most like the first words typed; what follows may be arguments. */
export function nearestCommand(typed: readonly string[], known: readonly string[]): string | undefined {
  for (let count = typed.length; count > 0; count--) {
    const near = nearest(typed.slice(0, count).join(' '), known)
    if (near !== undefined) return near
  }
  return undefined
}
