/** How onboarding reads on screen, or as one line of JSON an event. */
import type { EmitOnboard, OnboardEvent, StepStatus } from '../onboard/events.ts'
import type { Row, Verdict } from '../onboard/row.ts'
import { createPalette, type Palette, wantsColor } from '../reporters/palette.ts'
import { problemLines } from '../reporters/problems.ts'
import { type Symbols, symbolsFor } from '../reporters/symbols.ts'
import { padEnd, plural, sanitizeLine, wrapLine } from '../reporters/text.ts'

/** Where to write; replaceable in tests. */
export interface OnboardReporterOptions {
  readonly json: boolean
  readonly write?: (text: string) => void
  readonly palette?: Palette
  readonly symbols?: Symbols
  /** Width to wrap remedies to; default: that of the terminal, at most 110. */
  readonly columns?: number
}

/** Shows every event. Runs of playbooks in between have a reporter of their own. */
export function onboardReporter(options: OnboardReporterOptions): EmitOnboard {
  const { json, write = (text) => void process.stdout.write(text) } = options
  if (json) return (event) => write(`${JSON.stringify(event)}\n`)
  const view: View = {
    palette: options.palette ?? createPalette(wantsColor(process.stdout)),
    symbols: options.symbols ?? symbolsFor(),
    columns: options.columns ?? Math.min(110, process.stdout.columns || 110),
  }
  let node: string | undefined
  return (event) => {
    const heading = 'node' in event && event.node !== node ? ['', view.palette.bold(sanitizeLine(event.node))] : []
    if ('node' in event) node = event.node
    // After the output of a playbook it has to be said again whose step it is.
    if (event.event === 'onboard:step' && event.step === 'inventory') node = undefined
    const lines = [...heading, ...textOf(event, view)]
    if (lines.length > 0) write(`${lines.join('\n')}\n`)
  }
}

interface View {
  readonly palette: Palette
  readonly symbols: Symbols
  readonly columns: number
}

function textOf(event: OnboardEvent, view: View): string[] {
  const { palette, symbols, columns } = view
  switch (event.event) {
    case 'onboard:started': {
      const what = event.mode === 'check' ? 'onboard --check' : 'onboard'
      return [`${palette.bold(`pvectl ${what}`)}  ${plural(event.addresses.length, 'node')} → ${event.inventory}`]
    }
    case 'onboard:begin':
      return wrapLine(`  ${symbols.pending} ${event.step}: ${sanitizeLine(event.text)}`, columns, 6).map((part) =>
        palette.dim(part),
      )
    case 'onboard:step': {
      const title = palette.bold(padEnd(event.step, 9))
      const line = `  ${sign(event.status, view)} ${title}  ${sanitizeLine(event.text)}`
      const rows = (event.rows ?? []).flatMap((row) => rowLines(row, event.rows ?? [], view))
      const details = (event.details ?? []).flatMap((detail) => wrapLine(`      ${sanitizeLine(detail)}`, columns, 8))
      return [...wrapLine(line, columns, 15), ...details, ...rows]
    }
    case 'onboard:verified':
      return []
    case 'onboard:failed':
      return event.problems.flatMap((problem) => problemLines(problem, palette, columns).map((line) => `  ${line}`))
    case 'onboard:finished':
      return event.summary.length === 0
        ? []
        : ['', ...event.summary.flatMap((line) => wrapLine(sanitizeLine(line), columns, 4))]
  }
}

function sign(status: StepStatus, { palette, symbols }: View): string {
  switch (status) {
    case 'ok':
      return palette.status('ok', symbols.status.ok)
    case 'warning':
      return palette.status('would change', '!')
    default:
      return palette.status(status, symbols.status[status])
  }
}

const WORDS: Record<Verdict, string> = { pass: 'pass', warn: 'warn', fail: 'FAIL', skipped: 'skip' }

function rowLines(row: Row, all: readonly Row[], { palette, columns }: View): string[] {
  const width = Math.max(...all.map(({ title }) => title.length))
  const status = ({ pass: 'ok', warn: 'would change', fail: 'failed', skipped: 'skipped' } as const)[row.verdict]
  const head = `      ${palette.status(status, WORDS[row.verdict])}  ${padEnd(row.title, width)}  ${sanitizeLine(row.saw)}`
  const id = row.verdict === 'fail' ? palette.dim(` (${row.id})`) : ''
  const remedy =
    row.remedy === undefined
      ? []
      : wrapLine(`            ${palette.hint('→')} ${sanitizeLine(row.remedy)}`, columns, 14)
  return [...wrapLine(head + id, columns, 14 + width), ...remedy]
}
