/** Text on a terminal: how wide it is, how to cut and pad it, and how to keep foreign text from driving the terminal. */
import { stripVTControlCharacters } from 'node:util'

/** Characters that take two columns: East Asian wide and full-width forms, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\u33ff\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\ua960-\ua97f\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff01-\uff60\uffe0-\uffe6\u{16fe0}-\u{18aff}\u{1b000}-\u{1b2ff}\u{1f300}-\u{1f64f}\u{1f680}-\u{1f6ff}\u{1f900}-\u{1f9ff}\u{1fa70}-\u{1faff}\u{20000}-\u{3fffd}]/u
/** Characters that take none: combining marks, joiners, variation selectors. */
const ZERO = /[\p{Mn}\p{Me}\p{Cf}]/u
/** Control characters, and those that reorder text so that it reads as something else. */
const UNSAFE = /[\p{Cc}\u061c\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/gu
const ESCAPE = String.fromCharCode(27)
const ANSI_OR_CHARACTER = new RegExp(`${ESCAPE}\\[[0-9;]*m|.`, 'gsu')

/** Columns that a line takes; colours count nothing. */
export function displayWidth(line: string): number {
  let width = 0
  for (const character of stripVTControlCharacters(line)) width += characterWidth(character)
  return width
}

/** Cuts a line to `columns`, the last of them `…` when anything was cut. Colours stay whole and are switched off. */
export function truncate(line: string, columns: number): string {
  if (displayWidth(line) <= columns) return line
  let width = 0
  let cut = ''
  let coloured = false
  for (const [piece] of line.matchAll(ANSI_OR_CHARACTER)) {
    if (piece.startsWith(ESCAPE)) {
      coloured = true
      cut += piece
      continue
    }
    width += characterWidth(piece)
    if (width > columns - 1) break
    cut += piece
  }
  return `${cut}${columns > 0 ? '…' : ''}${coloured ? `${ESCAPE}[0m` : ''}`
}

/**
 * Breaks a line between words so that each part fits into `columns`; parts after the first are indented by `hang`.
 * A word that is too long by itself stays whole.
 */
export function wrapLine(line: string, columns: number, hang = 2): string[] {
  if (displayWidth(line) <= columns) return [line]
  const indent = ' '.repeat(hang)
  const lines: string[] = []
  let current = ''
  for (const word of line.split(/(?<=\S)(?= )/)) {
    const fits = displayWidth(current) + displayWidth(word) <= columns
    if (fits || current === '') current += word
    else {
      lines.push(current)
      current = indent + word.trimStart()
    }
  }
  return [...lines, current]
}

/** Fills a line with blanks up to `columns`. */
export function padEnd(line: string, columns: number): string {
  return line + ' '.repeat(Math.max(0, columns - displayWidth(line)))
}

/** Puts `right` at the right edge of `columns`, cutting `left` where both do not fit. */
export function spread(left: string, right: string, columns: number): string {
  const room = columns - displayWidth(right) - 1
  return room < 8 ? truncate(left, columns) : `${padEnd(truncate(left, room), room)} ${right}`
}

/**
 * One line of foreign text (command output, file content) made harmless: no escape sequences, no other control
 * characters. Of text that overwrote itself with carriage returns, the last state is kept.
 */
export function sanitizeLine(line: string): string {
  const shown = stripVTControlCharacters(line).replace(/\r+$/, '').split('\r').at(-1) ?? ''
  return escapeControls(shown.replaceAll('\t', '    '))
}

/** Foreign text of several lines made harmless, with every control character made visible; for diffs and messages. */
export function sanitizeText(text: string): string {
  return text
    .split('\n')
    .map((line) => escapeControls(line.replaceAll('\t', '    ')))
    .join('\n')
}

function escapeControls(line: string): string {
  return line.replace(UNSAFE, (character) => {
    const code = character.codePointAt(0) ?? 0
    return code < 0x100 ? `\\x${code.toString(16).padStart(2, '0')}` : `\\u${code.toString(16).padStart(4, '0')}`
  })
}

function characterWidth(character: string): number {
  if (character >= ' ' && character <= '~') return 1
  if (ZERO.test(character)) return 0
  return WIDE.test(character) ? 2 : 1
}

/** `3 hosts`, `1 host`. */
export function plural(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** Seconds as people read them: `4.1s`, `1m 05s`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 59.95) return `${seconds.toFixed(1)}s`
  const whole = Math.round(seconds)
  return `${Math.floor(whole / 60)}m ${String(whole % 60).padStart(2, '0')}s`
}
