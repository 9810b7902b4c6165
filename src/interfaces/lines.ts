/** A text file as lines with their own line ends. Bytes are latin1 characters throughout, so none is ever lost. */

import { onceEach } from './once.ts'

/** One line. Only the last may lack its end. */
export interface Line {
  /** Bytes as latin1, without the line end. */
  readonly text: string
  readonly end: '\n' | '\r\n' | ''
}

/** A whole file. */
export type Lines = readonly Line[]

/** Splits bytes into lines; nothing is decoded. */
export const parseLines: (bytes: Buffer) => Lines = onceEach((bytes) => {
  const parts = bytes.toString('latin1').split('\n')
  const last = parts.pop() ?? ''
  const lines = parts.map(
    (part): Line => (part.endsWith('\r') ? { text: part.slice(0, -1), end: '\r\n' } : { text: part, end: '\n' }),
  )
  return last === '' ? lines : [...lines, { text: last, end: '' }]
})

/** The inverse of {@link parseLines}. */
export function formatLines(lines: Lines): Buffer {
  return Buffer.from(lines.map(({ text, end }) => text + end).join(''), 'latin1')
}

/** Text that a user wrote, as the UTF-8 bytes that belong in a file. */
export function toBytes(text: string): string {
  return Buffer.from(text, 'utf8').toString('latin1')
}

/** Puts texts in place of `count` lines from `at`; new lines end as their neighbours do. */
export function splice(lines: Lines, at: number, count: number, texts: readonly string[]): Lines {
  const end = lineEnd(lines, at)
  const before = lines.slice(0, at)
  const last = before.at(-1)
  const closed = last?.end === '' && texts.length > 0 ? [...before.slice(0, -1), { text: last.text, end }] : before
  return [...closed, ...texts.map((text) => ({ text, end })), ...lines.slice(at + count)]
}

/** The line end in use at a place: that of the line there, else of the one before. */
function lineEnd(lines: Lines, at: number): '\n' | '\r\n' {
  return (lines[at - 1]?.end || lines[at]?.end || lines[0]?.end) === '\r\n' ? '\r\n' : '\n'
}

/** Blanks as interfaces(5) knows them. Not `\s`, which would take the latin1 half of a UTF-8 character for one. */
export const BLANK = ' \t\r\f\v'

/** Text without blanks at its ends. */
export function trim(text: string): string {
  return text.replace(/^[ \t\r\f\v]+|[ \t\r\f\v]+$/g, '')
}

/** Words of a line. */
export function words(text: string): readonly string[] {
  const trimmed = trim(text)
  return trimmed === '' ? [] : trimmed.split(/[ \t\r\f\v]+/)
}

/** True for a line that goes on in the next one: ifupdown2 strips the blanks behind a backslash, the line's end with them. */
export function continues(text: string | undefined): boolean {
  return text !== undefined && trim(text).endsWith('\\')
}
