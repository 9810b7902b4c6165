/** A terminal small enough for tests: understands what the live reporter writes, and shows what a person would see. */
import type { Terminal } from '../../src/reporters/live-screen.ts'

const PIECES = new RegExp(`${String.fromCharCode(27)}\\[[?\\d;]*[A-Za-z]|.`, 'gsu')

/** What is on the screen, with everything that scrolled off it. */
export class FakeTerminal implements Terminal {
  columns: number
  rows: number
  cursorShown = true
  /** All that was written, as it came. */
  raw = ''
  readonly #lines: string[] = ['']
  #row = 0
  #column = 0
  readonly #listeners = new Set<() => void>()

  constructor(columns: number, rows: number) {
    this.columns = columns
    this.rows = rows
  }

  write(text: string): boolean {
    this.raw += text
    for (const [piece] of text.matchAll(PIECES)) this.#take(piece)
    return true
  }

  on(_event: 'resize', listener: () => void): void {
    this.#listeners.add(listener)
  }

  off(_event: 'resize', listener: () => void): void {
    this.#listeners.delete(listener)
  }

  /** How many wait for a change of size. */
  get listeners(): number {
    return this.#listeners.size
  }

  /** Lines without trailing blanks. */
  get lines(): string[] {
    return this.text.split('\n')
  }

  get text(): string {
    return this.#lines
      .map((line) => line.trimEnd())
      .join('\n')
      .trimEnd()
  }

  #take(piece: string): void {
    if (piece === '\n') {
      this.#row += 1
      this.#column = 0
      this.#lines[this.#row] ??= ''
    } else if (piece === '\r') this.#column = 0
    else if (piece.startsWith('\x1b[')) this.#control(piece.slice(2, -1), piece.slice(-1))
    else {
      const line = (this.#lines[this.#row] ?? '').padEnd(this.#column)
      this.#lines[this.#row] = line.slice(0, this.#column) + piece + line.slice(this.#column + 1)
      this.#column += 1
    }
  }

  #control(argument: string, name: string): void {
    if (name === 'A') this.#row = Math.max(0, this.#row - Number(argument || 1))
    else if (name === 'K') this.#lines[this.#row] = (this.#lines[this.#row] ?? '').slice(0, this.#column)
    else if (name === 'J') {
      this.#lines.length = this.#row + 1
      this.#lines[this.#row] = (this.#lines[this.#row] ?? '').slice(0, this.#column)
    } else if (argument === '?25') this.cursorShown = name === 'h'
    else if (name !== 'm') throw new Error(`the live reporter wrote an unexpected sequence: ${argument}${name}`)
  }
}
