/** Reads the log that the worker on a node streams back, line by line as it comes. */

/**
 * How a worker ended. `unrecorded`: no record could be kept; `guarded`: an earlier guard is still armed; `unguarded`:
 * the guard could not be armed. In these cases no step was started. `reverted`: the revert timer ended the run. `died`: the
 * worker was killed, and said nothing. `rebooted`: the node was restarted before the end. `absent`: the run never reached it.
 * `vanished`: its log was removed. `recovered`: an
 * earlier run whose revert timer was gone, or whose revert had broken off, was reverted first, and no step was started.
 * `guardless`: the guard was removed from the node between two steps.
 */
export type Outcome =
  | 'ok'
  | 'failed'
  | 'stopped'
  | 'locked'
  | 'unrecorded'
  | 'guarded'
  | 'unguarded'
  | 'reverted'
  | 'died'
  | 'rebooted'
  | 'vanished'
  | 'recovered'
  | 'guardless'
  | 'absent'

const OUTCOMES: readonly Outcome[] = [
  'ok',
  'failed',
  'stopped',
  'locked',
  'unrecorded',
  'guarded',
  'unguarded',
  'reverted',
  'rebooted',
  'vanished',
  'recovered',
  'guardless',
  'absent',
]

/** What the worker says. */
export type WorkerEvent =
  | { readonly kind: 'start'; readonly step: number }
  | { readonly kind: 'output'; readonly line: string }
  | { readonly kind: 'done'; readonly step: number; readonly code: number }
  | { readonly kind: 'locked'; readonly by: string }
  | { readonly kind: 'end'; readonly outcome: Outcome; readonly detail: string }

/** Feeds chunks to `listen` as events. Lines that arrive in parts are put together. */
export function createLogReader(mark: string, listen: (event: WorkerEvent) => void): (chunk: Buffer) => void {
  let rest = Buffer.alloc(0)
  return (chunk) => {
    rest = Buffer.concat([rest, chunk])
    let newline = rest.indexOf(10)
    while (newline !== -1) {
      const event = parseLine(rest.subarray(0, newline).toString('utf8'), mark)
      rest = rest.subarray(newline + 1)
      if (event !== undefined) listen(event)
      newline = rest.indexOf(10)
    }
  }
}

function parseLine(line: string, mark: string): WorkerEvent | undefined {
  // Each frame is preceded by a newline of its own, in case a step's output did not end in one.
  if (line === '') return undefined
  if (!line.startsWith(`${mark} `)) return { kind: 'output', line }
  const [, word, ...rest] = line.split(' ')
  switch (word) {
    case 'start':
      return { kind: 'start', step: Number(rest[0]) }
    case 'done':
      return { kind: 'done', step: Number(rest[0]), code: Number(rest[1]) }
    case 'locked':
      return { kind: 'locked', by: rest.join(' ') }
    case 'end':
      return { kind: 'end', outcome: outcomeOf(rest[0]), detail: rest.slice(1).join(' ') }
    default:
      return undefined
  }
}

function outcomeOf(word: string | undefined): Outcome {
  return OUTCOMES.find((outcome) => outcome === word) ?? 'failed'
}
