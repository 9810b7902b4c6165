/** A region at the bottom of the terminal that is painted over and over, and lines above it that stay. */
import { writeSync } from 'node:fs'
import { displayWidth, truncate } from './text.ts'

const HIDE_CURSOR = '\x1b[?25l'
const SHOW_CURSOR = '\x1b[?25h'
const CLEAR_LINE_END = '\x1b[K'
const CLEAR_BELOW = '\x1b[J'

/** What the screen needs of a terminal; `process.stdout` is one. */
export interface Terminal {
  readonly columns?: number
  readonly rows?: number
  readonly fd?: number
  write(text: string): unknown
  on(event: 'resize', listener: () => void): unknown
  off(event: 'resize', listener: () => void): unknown
}

/** Room to paint in. */
export interface Size {
  readonly columns: number
  readonly rows: number
}

/** Gives the lines to show now. */
export type Painter = (size: Size) => readonly string[]

/** Paints at a steady pace, whatever the pace of events. */
export class LiveScreen {
  readonly #terminal: Terminal
  readonly #intervalMs: number
  readonly #onResize = () => this.#paint()
  readonly #onExit = () => this.#restore()
  #painter: Painter | undefined
  #suspended: Painter | undefined
  #timer: NodeJS.Timeout | undefined
  /** Lines on the screen now, as they were written. */
  #shown: readonly string[] = []
  /** Lines to stay, written with the next frame. */
  #above: string[] = []

  /** Paints every `intervalMs`, 100 by default. */
  constructor(terminal: Terminal, intervalMs = 100) {
    this.#terminal = terminal
    this.#intervalMs = intervalMs
  }

  /** Starts to show what `painter` gives, in place of any other. */
  attach(painter: Painter): void {
    this.#painter = painter
    if (this.#timer !== undefined) return
    this.#terminal.write(HIDE_CURSOR)
    this.#terminal.on('resize', this.#onResize)
    // Whatever ends the process must not leave the terminal without a cursor.
    process.on('exit', this.#onExit)
    this.#timer = setInterval(() => this.#paint(), this.#intervalMs)
    this.#timer.unref()
    this.#paint()
  }

  /** Takes a painter off; nothing happens when another one took its place. */
  detach(painter: Painter): void {
    if (this.#suspended === painter) this.#suspended = undefined
    if (this.#painter !== painter) return
    this.#painter = undefined
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#terminal.off('resize', this.#onResize)
    process.off('exit', this.#onExit)
    this.#terminal.write(this.#home() + CLEAR_BELOW + this.#takeAbove() + SHOW_CURSOR)
    this.#shown = []
  }

  /** Clears the region for a question; painting goes on when the function it returns is called. */
  suspend(): () => void {
    const painter = this.#painter
    if (painter === undefined) return () => undefined
    this.detach(painter)
    this.#suspended = painter
    return () => {
      if (this.#suspended === painter) this.attach(painter)
      this.#suspended = undefined
    }
  }

  /** Writes lines that stay, above the region; within one frame's time while it is painted. */
  print(text: string): void {
    if (this.#painter === undefined) this.#terminal.write(`${text}\n`)
    else this.#above.push(text)
  }

  #paint(): void {
    if (this.#painter === undefined) return
    const size = this.#size()
    const lines = this.#painter(size)
      .slice(0, size.rows)
      .map((line) => truncate(line, size.columns))
    if (this.#above.length === 0 && lines.join('\n') === this.#shown.join('\n')) return
    const region = lines.map((line) => `${line}${CLEAR_LINE_END}\n`).join('')
    const above = this.#above.length === 0 ? '' : CLEAR_BELOW + this.#takeAbove()
    this.#terminal.write(this.#home() + above + region + CLEAR_BELOW)
    this.#shown = lines
  }

  #takeAbove(): string {
    return this.#above
      .splice(0)
      .map((text) => `${text}\n`)
      .join('')
  }

  /** One column and one row stay free, so that the terminal neither wraps nor scrolls by itself. */
  #size(): Size {
    return {
      columns: Math.max(10, (this.#terminal.columns || 80) - 1),
      rows: Math.max(1, (this.#terminal.rows || 24) - 1),
    }
  }

  /** Moves to the first line of the region. After a resize its lines may have been wrapped into more rows. */
  #home(): string {
    const columns = this.#terminal.columns || 80
    const rows = this.#shown.reduce((sum, line) => sum + Math.max(1, Math.ceil(displayWidth(line) / columns)), 0)
    return rows === 0 ? '\r' : `\r\x1b[${rows}A`
  }

  /** The last words of a dying process, written at once: buffers are not flushed any more. */
  #restore(): void {
    const { fd } = this.#terminal
    if (fd === undefined) return
    try {
      writeSync(fd, this.#takeAbove() + SHOW_CURSOR)
    } catch {
      // The terminal is gone.
    }
  }
}
