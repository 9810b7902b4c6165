/** An encrypted value of a YAML file, as it stands there. */
import { MASK } from '../connection/secret.ts'
import type { Location } from '../errors.ts'
import { isMapping } from '../yaml/words.ts'

/** What a value with the tag `!age` comes to until it is opened; prints as a mask. */
export class Sealed {
  /** Text below the tag: an ASCII-armored age file. */
  readonly armored: string
  readonly #location: Location

  constructor(armored: string, location: Location) {
    this.armored = armored
    this.#location = location
  }

  /** Where the value stands. No part of its identity: the same text at two places is the same value. */
  get location(): Location {
    return this.#location
  }

  toString(): string {
    return MASK
  }

  toJSON(): string {
    return MASK
  }
}

/** All encrypted values in data, at any depth. */
export function sealedIn(data: unknown): readonly Sealed[] {
  if (data instanceof Sealed) return [data]
  if (Array.isArray(data)) return data.flatMap(sealedIn)
  return isMapping(data) ? Object.values(data).flatMap(sealedIn) : []
}
