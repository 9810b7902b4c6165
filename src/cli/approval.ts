/** Asks before changes that can cut the connection, where there is somebody to ask. */
import type { Approve } from '../engine/run.ts'

/** Changes that are listed in the question. */
const LISTED = 8

/** Asks on the terminal; undefined without one. `suspend` makes room on the screen. */
export function approvalPrompt(suspend: () => () => void, guarded: boolean): Approve | undefined {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return undefined
  return async (host, changes) => {
    const resume = suspend()
    try {
      process.stderr.write(`${question(host, changes, guarded)}\n`)
      const { confirm } = await import('@inquirer/prompts')
      return await confirm({ message: 'Go on?', default: false }, { output: process.stderr })
    } catch (error) {
      // Ctrl-C and end of input mean no.
      if (error instanceof Error && error.name === 'ExitPromptError') return false
      throw error
    } finally {
      resume()
    }
  }
}

function question(host: string, changes: readonly string[], guarded: boolean): string {
  const rest = changes.length > LISTED ? [`  … and ${changes.length - LISTED} more`] : []
  return [
    `This can cut the connection to the nodes. On ${host}:`,
    ...changes.slice(0, LISTED).map((change) => `  ${change}`),
    ...rest,
    guarded
      ? 'Each node puts it back by itself unless a new connection confirms it.'
      : 'There is no guard: what cuts the connection stays until somebody mends it at the console.',
  ].join('\n')
}
