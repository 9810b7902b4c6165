/** What stands in place of a secret wherever it would be shown. */
export const MASK = '********'

/** A value that must never be shown: it prints as a mask and has to be opened on purpose. */
export class Secret {
  readonly #value: string

  constructor(value: string) {
    this.#value = value
  }

  /** The secret itself, for the one place that sends it to the node. */
  reveal(): string {
    return this.#value
  }

  toString(): string {
    return MASK
  }

  toJSON(): string {
    return MASK
  }

  [Symbol.for('nodejs.util.inspect.custom')](): string {
    return MASK
  }
}

/** The data with each secret in it replaced by its text, at any depth; data without any is returned as it is. */
export function revealed(data: unknown): unknown {
  if (data instanceof Secret) return data.reveal()
  if (typeof data !== 'object' || data === null) return data
  if (Array.isArray(data)) {
    const items = data.map(revealed)
    return items.every((item, i) => item === data[i]) ? data : items
  }
  const prototype: unknown = Object.getPrototypeOf(data)
  if (prototype !== Object.prototype && prototype !== null) return data
  const entries = Object.entries(data).map(([key, value]) => ({ key, value, text: revealed(value) }))
  return entries.every(({ value, text }) => value === text)
    ? data
    : Object.fromEntries(entries.map(({ key, text }) => [key, text]))
}
