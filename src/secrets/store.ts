/** Opens encrypted values and knows the texts of all that were opened, so that they can be masked. */
import { readFileSync } from 'node:fs'
import { Secret } from '../connection/secret.ts'
import { type Location, type Problem, PvectlError } from '../errors.ts'
import { isMapping } from '../yaml/words.ts'
import { decrypt } from './age.ts'
import { type IdentityOptions, identityPath, readIdentities } from './identity.ts'
import { canMask, createMask, type Mask, TOO_SHORT } from './mask.ts'
import { Sealed, sealedIn } from './sealed.ts'

/** The secrets of one run. The private key is read when the first encrypted value is met. */
export class SecretStore {
  readonly #options: IdentityOptions
  #identities: readonly string[] | undefined
  readonly #opened = new Map<string, Secret>()
  readonly #texts = new Set<string>()
  #mask: Mask | undefined

  constructor(options: IdentityOptions = {}) {
    this.#options = options
  }

  /** Hides all secrets opened so far. */
  get mask(): Mask {
    this.#mask ??= createMask([...this.#texts])
    return this.#mask
  }

  /**
   * The data with each encrypted value replaced by a {@link Secret}, at any depth; data without any is returned as it
   * is. Throws SECRET_FAILED with all that cannot be opened, each at its place.
   */
  async open<Data>(data: Data): Promise<Data> {
    const sealed = [...new Set(sealedIn(data))]
    if (sealed.length === 0) return data
    const problems: Problem[] = []
    for (const value of sealed) {
      await this.#attempt(value.location, problems, () => this.#openValue(value))
      if (this.#identities === undefined) break
    }
    if (problems.length > 0) throw PvectlError.of('SECRET_FAILED', problems)
    return replace(data, new Map(sealed.map((value) => [value, this.#opened.get(value.armored)])), new Map()) as Data
  }

  /** Texts of encrypted files by path, to be read as YAML. Throws SECRET_FAILED with all that cannot be opened. */
  async openFiles(files: readonly string[], show: (file: string) => string): Promise<ReadonlyMap<string, string>> {
    const texts = new Map<string, string>()
    const problems: Problem[] = []
    for (const file of files) {
      await this.#attempt({ file: show(file) }, problems, async () => {
        texts.set(file, textOf(await decrypt(readFileSync(file), this.#keys())))
      })
      if (this.#identities === undefined) break
    }
    if (problems.length > 0) throw PvectlError.of('SECRET_FAILED', problems)
    return texts
  }

  /** Plain text of an age file in text form. Throws SECRET_FAILED at `location`. */
  async openText(armored: string, location: Location): Promise<string> {
    const problems: Problem[] = []
    let text = ''
    await this.#attempt(location, problems, async () => {
      text = textOf(await decrypt(Buffer.from(armored), this.#keys()))
    })
    if (problems.length > 0) throw PvectlError.of('SECRET_FAILED', problems)
    return text
  }

  /** Makes a value out of an encrypted file secret: all texts in it. `where` tells the place of what cannot be. */
  protect(value: unknown, where: () => Location): unknown {
    if (typeof value === 'string') return this.#keep(value, where)
    if (Array.isArray(value)) return value.map((item) => this.protect(item, where))
    if (isMapping(value)) {
      return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, this.protect(item, where)]))
    }
    if (typeof value === 'number' || typeof value === 'bigint') {
      throw new PvectlError('SECRET_FAILED', 'a number in an encrypted file: only text can be masked', {
        hint: 'put it in quotes, or move it to a plain file beside this one',
        location: where(),
      })
    }
    return value
  }

  async #openValue(value: Sealed): Promise<void> {
    if (this.#opened.has(value.armored)) return
    const text = textOf(await decrypt(Buffer.from(value.armored), this.#keys()))
    this.#opened.set(
      value.armored,
      this.#keep(text, () => value.location),
    )
  }

  #keep(text: string, where: () => Location): Secret {
    if (!canMask(text)) throw PvectlError.of('SECRET_FAILED', [{ ...TOO_SHORT, location: where() }])
    this.#texts.add(text)
    this.#mask = undefined
    return new Secret(text)
  }

  #keys(): readonly string[] {
    this.#identities ??= readIdentities(identityPath(this.#options))
    return this.#identities
  }

  async #attempt(location: Location, problems: Problem[], work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!(error instanceof PvectlError)) throw error
      problems.push(...error.problems.map((problem) => ({ location, ...problem })))
    }
  }
}

function textOf(plain: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(plain)
  } catch (cause) {
    throw new PvectlError('SECRET_FAILED', 'what is encrypted here is no text (UTF-8)', { cause })
  }
}

/** Replaces values at any depth; what several places share stays shared. */
function replace(data: unknown, values: ReadonlyMap<Sealed, unknown>, done: Map<object, unknown>): unknown {
  if (data instanceof Sealed) return values.get(data)
  if (!Array.isArray(data) && !isMapping(data)) return data
  const known = done.get(data)
  if (known !== undefined) return known
  const replaced = Array.isArray(data)
    ? data.map((item) => replace(item, values, done))
    : Object.fromEntries(Object.entries(data).map(([key, value]) => [key, replace(value, values, done)]))
  done.set(data, replaced)
  return replaced
}
