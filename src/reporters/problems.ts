/** Errors as people read them: what happened, where, what to do. */
import { formatLocation, type Problem } from '../errors.ts'
import type { Palette } from './palette.ts'
import { sanitizeText } from './text.ts'

/** Lines for one problem: `error: message`, `  --> file:line:column`, `  hint: …`. */
export function problemLines({ message, location, hint }: Problem, palette: Palette): string[] {
  return [
    ...hanging(palette.error('error:'), 7, message),
    ...(location === undefined ? [] : [palette.dim(`  --> ${sanitizeText(formatLocation(location))}`)]),
    ...(hint === undefined ? [] : hanging(`  ${palette.hint('hint:')}`, 8, hint)),
  ]
}

/** Text after a label, further lines indented as the first. */
function hanging(label: string, indent: number, text: string): string[] {
  return sanitizeText(text)
    .trimEnd()
    .split('\n')
    .map((line, index) => (index === 0 ? `${label} ${line}` : `${' '.repeat(indent)}${line}`))
}
