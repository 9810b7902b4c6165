/** Hides the texts of secrets wherever text is shown. */
import { MASK } from '../connection/secret.ts'

/** Replaces every secret in a text. */
export type Mask = (text: string) => string

/** Shorter secrets would be found in half of all words, and masking them would hide more than them. */
export const SHORTEST_SECRET = 4

/** What is wrong with a shorter one. */
export const TOO_SHORT = {
  message: `a secret of fewer than ${SHORTEST_SECRET} characters cannot be masked`,
  hint: 'make it longer; what is no secret belongs into plain variables',
} as const

/** True for a text that can be masked without hiding all sorts of other things. */
export function canMask(secret: string): boolean {
  return secret.trim().length >= SHORTEST_SECRET
}

/**
 * Makes a mask for these texts. It also finds them line by line, escaped for JSON, shell or a URL, in base64 (also as
 * part of a longer text, as in basic authentication), and cut short before `…`. What {@link canMask} says no to is
 * left alone.
 */
export function createMask(secrets: readonly string[]): Mask {
  const plain = distinct(secrets.filter(canMask).flatMap(plainForms))
  const all = distinct([...plain, ...secrets.filter(canMask).flatMap(base64Forms)])
  if (all.length === 0) return (text) => text
  // Longest first: a secret that contains another one goes as a whole.
  const pattern = new RegExp(
    all
      .sort((a, b) => b.length - a.length)
      .map(expression)
      .join('|'),
    'g',
  )
  return (text) => {
    const masked = text.replace(pattern, MASK)
    return masked.includes('…') ? maskCut(masked, plain) : masked
  }
}

/** Within a unified diff, a line break is followed by the sign of the next line. */
function expression(form: string): string {
  return form.replace(/[.*+?^${}()|[\]\\]/g, '\\$&').replaceAll('\n', '\\r?\\n[ +-]?')
}

function plainForms(secret: string): readonly string[] {
  const whole = secret.trim()
  const lines = whole.includes('\n') ? whole.split(/\r?\n/).map((line) => line.trim()) : []
  const parts = [whole, ...lines.filter((line) => canMask(line) && !isPemFrame(line))]
  return parts.flatMap((part) => [part, escaped(part), part.replaceAll("'", "'\\''"), inUrl(part)])
}

/** The first and last line of keys and certificates tell nothing. */
function isPemFrame(line: string): boolean {
  return /^-----(BEGIN|END) [A-Z0-9 ]+-----$/.test(line)
}

function escaped(text: string): string {
  return JSON.stringify(text).slice(1, -1)
}

function inUrl(text: string): string {
  try {
    return encodeURIComponent(text)
  } catch {
    // Half of a surrogate pair has no form in a URL.
    return text
  }
}

function base64Forms(secret: string): readonly string[] {
  const whole = Buffer.from(secret.trim())
  const inside = [0, 1, 2].map((offset) => innerBase64(whole, offset))
  // As `base64` prints it, wrapped to lines.
  const lines = [secret, secret.trim(), `${secret.trim()}\n`].flatMap((text) => {
    const encoded = Buffer.from(text).toString('base64')
    return [76, 64].flatMap((width) => chunks(encoded, width))
  })
  const forms = [...inside, ...lines.filter((line) => line.length >= 8)]
  return forms.flatMap((form) => [form, form.replaceAll('+', '-').replaceAll('/', '_')])
}

/** The part of the base64 text that is the same whatever stands round the bytes, when they begin at `offset` of three. */
function innerBase64(bytes: Buffer, offset: number): string {
  const encoded = Buffer.concat([Buffer.alloc(offset), bytes])
    .toString('base64')
    .replace(/=+$/, '')
  const mixedAtEnd = (offset + bytes.length) % 3 === 0 ? 0 : 1
  return encoded.slice([0, 2, 3][offset], encoded.length - mixedAtEnd)
}

function chunks(text: string, width: number): readonly string[] {
  return Array.from({ length: Math.ceil(text.length / width) }, (_, i) => text.slice(i * width, (i + 1) * width))
}

/** Titles and quoted values are cut to fit; a cut secret is its beginning before `…`. */
function maskCut(text: string, forms: readonly string[]): string {
  const [first = '', ...rest] = text.split('…')
  return rest.reduce((done, part) => `${withoutBeginning(done, forms)}…${part}`, first)
}

function withoutBeginning(text: string, forms: readonly string[]): string {
  const longest = Math.max(...forms.map((form) => endsWithBeginning(text, form)))
  return longest < SHORTEST_SECRET ? text : `${text.slice(0, -longest)}${MASK}`
}

/** How many characters at the end of the text are the beginning of the form. */
function endsWithBeginning(text: string, form: string): number {
  for (let length = Math.min(form.length - 1, text.length); length >= SHORTEST_SECRET; length--) {
    if (text.endsWith(form.slice(0, length))) return length
  }
  return 0
}

function distinct(texts: readonly string[]): string[] {
  return [...new Set(texts)].filter((text) => text.length >= SHORTEST_SECRET)
}
