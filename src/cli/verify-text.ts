/** The outcome of a verification as text. */
import { createPalette, type Palette, wantsColor } from '../reporters/palette.ts'
import { displayWidth, formatSeconds, padEnd, plural, sanitizeLine, wrapLine } from '../reporters/text.ts'
import type { CheckReport, HostReport } from '../verify/report.ts'

/** How wide, and with which colours. */
export interface VerifyTextOptions {
  readonly columns: number
  readonly palette: Palette
}

/** As the terminal is, or 120 columns without colour. */
export function verifyTextOptions(stream: NodeJS.WriteStream = process.stdout): VerifyTextOptions {
  return { columns: stream.isTTY ? stream.columns || 80 : 120, palette: createPalette(wantsColor(stream)) }
}

/** One host: a headline, and a row for each check with what was seen; failures with their cause and remedy. */
export function hostText(report: HostReport, options: VerifyTextOptions): string {
  const { palette } = options
  const counts = countsText(report.checks, palette)
  const words = [statusText(report.status, palette), ...(counts === '' ? [] : [counts])]
  const line = [palette.bold(sanitizeLine(report.host)), ...words, palette.dim(formatSeconds(report.seconds))].join(
    '  ',
  )
  const head = wrapLine(line, options.columns)
  const problems = (report.error?.problems ?? []).flatMap(({ message, hint }) => [
    ...details(palette.error('error'), message, options),
    ...(hint === undefined ? [] : details(palette.hint('hint'), hint, options)),
  ])
  const nothing =
    report.error === undefined && report.checks.length === 0 ? ['  nothing to prove: no task has checks'] : []
  return [...head, ...problems, ...nothing, ...rows(report.checks, options)].join('\n')
}

/** `3 hosts: 2 passed, 1 failed`; nothing for a single host. */
export function sumText(reports: readonly HostReport[], { palette }: VerifyTextOptions): string | undefined {
  if (reports.length < 2) return undefined
  const parts = (['passed', 'failed', 'unreachable', 'skipped'] as const).flatMap((status) => {
    const count = reports.filter((report) => report.status === status).length
    return count === 0 ? [] : [statusText(status, palette, `${count} ${status}`)]
  })
  return `${plural(reports.length, 'host')}: ${parts.join(', ')}`
}

function rows(checks: readonly CheckReport[], options: VerifyTextOptions): readonly string[] {
  const widest = Math.max(0, ...checks.map(({ title }) => displayWidth(title)))
  const width = Math.min(widest, Math.max(24, Math.floor((options.columns - 12) * 0.55)))
  return checks.flatMap((check) => row(check, width, options))
}

function row(check: CheckReport, width: number, options: VerifyTextOptions): readonly string[] {
  const { palette, columns } = options
  const status = padEnd(statusText(check.status, palette), 7)
  const saw = sanitizeLine(check.saw)
  const title = sanitizeLine(check.title)
  const line = `  ${status}  ${padEnd(title, width)}  ${saw}`
  const fits = displayWidth(title) <= width && displayWidth(line) <= columns
  const head = fits ? [line] : [...wrapLine(`  ${status}  ${title}`, columns, 11), ...details('', saw, options)]
  return [
    ...head,
    ...(check.cause === undefined ? [] : details(palette.error('cause'), check.cause, options)),
    ...(check.hint === undefined ? [] : details(palette.hint('hint'), check.hint, options)),
  ]
}

/** An indented line under a check, broken between words. */
function details(label: string, text: string, { columns }: VerifyTextOptions): readonly string[] {
  const lead = label === '' ? '' : `${label}: `
  const width = Math.max(30, columns - 11)
  return wrapLine(`${lead}${sanitizeLine(text)}`, width).map((part) => `${' '.repeat(11)}${part}`)
}

function countsText(checks: readonly CheckReport[], palette: Palette): string {
  return (['passed', 'failed', 'skipped'] as const)
    .map((status) => [status, checks.filter((check) => check.status === status).length] as const)
    .filter(([, count]) => count > 0)
    .map(([status, count]) => statusText(status, palette, `${count} ${status}`))
    .join(', ')
}

function statusText(status: HostReport['status'], palette: Palette, text: string = status): string {
  return palette.status(status === 'passed' ? 'ok' : status, text)
}
