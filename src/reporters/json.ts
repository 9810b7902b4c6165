/** Every event as one line of JSON. */
import type { Reporter } from '../engine/events.ts'

/** Writes events as NDJSON, each as it comes. */
export function createJsonReporter(write: (text: string) => void): Reporter {
  return {
    handle: (event) => write(`${JSON.stringify(event)}\n`),
    close: async () => {},
  }
}
