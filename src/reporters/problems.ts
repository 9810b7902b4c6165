/** Errors as people read them: what happened, where, what to do. */
import { formatLocation, type Problem } from '../errors.ts'
import type { Palette } from './palette.ts'
import { sanitizeText, wrapLine } from './text.ts'

/**
 * Lines for one problem: `error: message`, `  --> file:line:column`, `  hint: …`. Wrapped to `columns`; by default they
 * are as long as they are.
 */
export function problemLines({ message, location, hint }: Problem, palette: Palette, columns?: number): string[] {
  return [
    ...hanging(palette.error('error:'), 7, message, columns),
    ...(location === undefined ? [] : [palette.dim(`  --> ${sanitizeText(formatLocation(location))}`)]),
    ...(hint === undefined ? [] : hanging(`  ${palette.hint('hint:')}`, 8, hint, columns)),
  ]
}

/** Text after a label, further lines indented as the first. */
function hanging(label: string, indent: number, text: string, columns = Number.POSITIVE_INFINITY): string[] {
  return sanitizeText(text)
    .trimEnd()
    .split('\n')
    .flatMap((line, index) => wrapLine(`${index === 0 ? label : ' '.repeat(indent - 1)} ${line}`, columns, indent))
}
