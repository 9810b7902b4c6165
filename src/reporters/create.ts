/** Chooses how a run is shown. */
import type { Reporter } from '../engine/events.ts'
import { createJsonReporter } from './json.ts'
import { createPalette, wantsColor } from './palette.ts'
import { createPlainReporter } from './plain.ts'
import { symbolsFor } from './symbols.ts'

/** What the user asked for, and where it goes. */
export interface ReporterChoice {
  readonly json: boolean
  readonly diff: boolean
  readonly verbose: boolean
  /** Default `process.stdout`. */
  readonly stdout?: NodeJS.WriteStream
  /** Default `process.env`. */
  readonly env?: NodeJS.ProcessEnv
}

/** A reporter and the way for other messages past it. */
export interface ChosenReporter {
  readonly reporter: Reporter
  /** Says something that is not an event, without damage to what is on the screen. */
  readonly notice: (message: string) => void
  /** Makes room for a question; call what it returns to go on. */
  readonly suspend: () => () => void
}

/** JSON where asked for, a live view on a terminal, plain lines elsewhere (and where CI is set). */
export async function chooseReporter(choice: ReporterChoice): Promise<ChosenReporter> {
  const { json, diff, verbose, stdout = process.stdout, env = process.env } = choice
  const write = (text: string) => void stdout.write(text)
  const toStderr = (message: string) => void process.stderr.write(`${message}\n`)
  const suspend = () => () => undefined
  if (json) return { reporter: createJsonReporter(write), notice: toStderr, suspend }
  const palette = createPalette(wantsColor(stdout, env))
  const isLive = stdout.isTTY === true && env.TERM !== 'dumb' && !env.CI
  if (!isLive) return { reporter: createPlainReporter({ write, palette, diff, verbose }), notice: toStderr, suspend }
  const { createListrReporter } = await import('./listr.ts')
  const reporter = createListrReporter({ terminal: stdout, palette, symbols: symbolsFor(env), diff, verbose })
  return { reporter, notice: (message) => reporter.notice(message), suspend: () => reporter.suspend() }
}
