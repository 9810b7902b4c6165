/** Asks before changes that can cut the connection, where there is somebody to ask. */

import type { RiskyStep } from '../engine/risky-step.ts'
import type { Approve } from '../engine/run.ts'
import { sanitizeLine } from '../reporters/text.ts'

/** Lines of changes and reasons that the question lists. */
const LISTED = 16

/** Asks on the terminal; undefined without one. `suspend` makes room on the screen. */
export function approvalPrompt(suspend: () => () => void, guarded: boolean): Approve | undefined {
  if (!process.stdin.isTTY || !process.stdout.isTTY) return undefined
  return async (host, steps) => {
    const resume = suspend()
    try {
      process.stderr.write(`${approvalQuestion(host, steps, guarded)}\n`)
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

/** The question: what is going to change, and what of it this connection uses, that first. */
export function approvalQuestion(host: string, steps: readonly RiskyStep[], guarded: boolean): string {
  const harmless = steps.every(({ wayIn }) => wayIn?.touches === false)
  const sorted = [...steps].sort((a, b) => Number(b.wayIn?.touches ?? false) - Number(a.wayIn?.touches ?? false))
  const lines = sorted.flatMap(({ changes, wayIn }) => [
    ...changes.map((change) => `  ${sanitizeLine(change)}`),
    ...(wayIn?.touches ? wayIn.reasons.map((reason) => `    → ${sanitizeLine(reason)}`) : []),
  ])
  const uses = harmless ? [...new Set(steps.flatMap(({ wayIn }) => wayIn?.reasons ?? []))] : []
  return [
    harmless
      ? `This changes links, but ${uses.join('; ')}. On ${host}:`
      : `This can cut the connection to the nodes. On ${host}:`,
    ...lines.slice(0, LISTED),
    ...(lines.length > LISTED ? [`  … and ${lines.length - LISTED} more lines`] : []),
    guarded
      ? 'Each node puts it back by itself unless a new connection confirms it.'
      : 'There is no guard: what cuts the connection stays until somebody mends it at the console.',
  ].join('\n')
}
