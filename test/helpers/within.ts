/** Deadlines and expected failures for tests that wait. */
import { PvectlError } from '../../src/errors.ts'

/** Rejects when `promise` does not settle within `ms` milliseconds. */
export async function within<T>(ms: number, promise: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not settled within ${ms} ms`)), ms)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** The PvectlError that `promise` must reject with, within 10 s. */
export async function failureOf(promise: Promise<unknown>): Promise<PvectlError> {
  try {
    await within(10_000, promise)
  } catch (error) {
    if (error instanceof PvectlError) return error
    throw error
  }
  throw new Error('expected a failure, but it succeeded')
}
