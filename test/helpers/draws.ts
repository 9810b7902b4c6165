/** What property tests draw: the same cases in every run, so that a run of the tests says something of the code alone. */

/** As fast-check takes them. */
export interface Draws {
  readonly numRuns: number
  readonly seed?: number
}

/** How many cases a property is tried on (default 100). `PVECTL_FUZZ=N`, as `npm run fuzz` sets it, draws new ones, N times as many. */
export function draws(cases = 100): Draws {
  const times = Number(process.env.PVECTL_FUZZ ?? 0)
  return times > 0 ? { numRuns: cases * times } : { numRuns: cases, seed: 1 }
}
