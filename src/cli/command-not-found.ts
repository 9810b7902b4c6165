/** What to say to a command that does not exist. Loaded by oclif as a hook. */
import type { Hook } from '@oclif/core'
import { EXIT } from '../errors.ts'

/** Prints the mistake and the nearest command; exit code 2. */
export const commandNotFound: Hook.CommandNotFound = async ({ id, config }) => {
  const typed = id.replaceAll(':', ' ')
  const near = await nearest(
    typed,
    config.commandIDs.map((known) => known.replaceAll(':', ' ')),
  )
  const hint =
    near === undefined ? `\`${config.bin} help\` lists the commands` : `did you mean \`${config.bin} ${near}\`?`
  process.stderr.write(`error: ${config.bin} has no command \`${typed}\`\n  hint: ${hint}\n`)
  process.exitCode = EXIT.usage
}

/** The known command closest to the first words typed; undefined when none is close. */
export async function nearest(typed: string, known: readonly string[]): Promise<string | undefined> {
  const { distance } = await import('fastest-levenshtein')
  const words = typed.split(' ')
  const ranked = known
    .map((name) => ({ name, cost: distance(words.slice(0, name.split(' ').length).join(' '), name) }))
    .sort((a, b) => a.cost - b.cost)
  const [best] = ranked
  return best !== undefined && best.cost <= Math.max(2, best.name.length / 3) ? best.name : undefined
}
