/** One line per change of state, for logs and pipes: `host | task | status`. */
import type { Reporter, RunEvent, ShownResource } from '../engine/events.ts'
import { checkLines } from './checks.ts'
import { type DetailOptions, resourceLines } from './details.ts'
import { problemLines } from './problems.ts'
import { countsText, headline, recapLines, sumLines } from './recap.ts'
import { RunRecord } from './run-record.ts'
import { displayWidth, padEnd, sanitizeLine } from './text.ts'

/** Where the lines go, and what they hold. */
export interface PlainOptions extends Omit<DetailOptions, 'symbols'> {
  readonly write: (text: string) => void
}

/** Longest host name that the others are aligned to. */
const NAME_COLUMNS = 24

/** Reports as text that only ever grows. */
export function createPlainReporter(options: PlainOptions): Reporter {
  return new PlainReporter(options)
}

class PlainReporter implements Reporter {
  readonly #options: PlainOptions
  readonly #record = new RunRecord()
  #nameColumns = 0

  constructor(options: PlainOptions) {
    this.#options = options
  }

  handle(event: RunEvent): void {
    this.#record.add(event)
    const lines = this.#lines(event)
    if (lines.length > 0) this.#options.write(`${lines.join('\n')}\n`)
  }

  async close(): Promise<void> {
    if (this.#record.start === undefined || this.#record.end !== undefined) return
    this.#options.write(`\n${recapLines(this.#record, this.#options.palette).join('\n')}\n`)
  }

  #lines(event: RunEvent): string[] {
    const { palette, verbose } = this.#options
    const apply = this.#record.start?.mode === 'apply'
    switch (event.event) {
      case 'run:started':
        this.#nameColumns = Math.min(NAME_COLUMNS, Math.max(0, ...event.hosts.map(displayWidth)))
        return [headline(event, palette)]
      case 'stage:started':
        return [palette.bold(`stage ${event.stage + 1}: ${sanitizeLine(event.title)}`)]
      case 'host:started':
        return []
      case 'host:phase':
        return [this.#line(event.host, palette.dim(event.phase))]
      case 'host:notice':
        return [this.#line(event.host, palette.hint(`notice: ${sanitizeLine(event.message)}`))]
      case 'host:proven':
        return checkLines(event.checks, this.#options).map((text) => this.#line(event.host, text))
      case 'task:planned':
        // In apply mode, what is going to change gets its line when it has.
        return apply && ['would change', 'unknown'].includes(event.status) ? [] : this.#task(event)
      case 'task:started':
        return [this.#line(event.host, `${sanitizeLine(event.title)} | ${palette.dim('applying')}`)]
      case 'task:output':
        return verbose ? [this.#line(event.host, palette.dim(`  ${sanitizeLine(event.line)}`))] : []
      case 'task:finished':
        return this.#task(event)
      case 'host:finished':
        return this.#host(event)
      case 'run:finished':
        return ['', ...recapLines(this.#record, palette), ...sumLines(event, palette)]
    }
  }

  #task(event: Extract<RunEvent, { event: 'task:planned' | 'task:finished' }>): string[] {
    const { palette, verbose } = this.#options
    const { host, title, status } = event
    if (!verbose && (status === 'ok' || status === 'skipped')) return []
    const reason = this.#record.host(host).tasks.get(event.id)?.reason
    const why = reason === undefined ? '' : ` | ${sanitizeLine(reason)}`
    return [
      this.#line(host, `${sanitizeLine(title)} | ${palette.status(status)}${why}`),
      ...this.#changes(host, event.resources),
    ]
  }

  #changes(host: string, resources: readonly ShownResource[]): string[] {
    return resources
      .flatMap((resource) => resourceLines(resource, '', this.#options))
      .map((text) => this.#line(host, `  ${text}`))
  }

  #host(event: Extract<RunEvent, { event: 'host:finished' }>): string[] {
    const { palette } = this.#options
    const counts = countsText(event.tasks)
    const problems = (event.error?.problems ?? []).flatMap((problem) => problemLines(problem, palette))
    return [
      ...problems.map((text) => this.#line(event.host, text)),
      this.#line(event.host, `${palette.status(event.status)}${counts === '' ? '' : ` | ${counts}`}`),
    ]
  }

  #line(host: string, text: string): string {
    return `${padEnd(sanitizeLine(host), this.#nameColumns)} | ${text}`
  }
}
