/** Bytes of a file the user wrote, as text. */
import { isUtf8 } from 'node:buffer'
import { type ErrorCode, PvectlError } from '../errors.ts'

/**
 * Decodes UTF-8; a byte order mark stays. Throws a PvectlError of `code` with the place of the first byte that is none:
 * decoding it regardless would put a replacement character into whatever the file describes. `file` is as shown.
 */
export function utf8Text(bytes: Buffer, file: string, code: ErrorCode): string {
  const text = bytes.toString('utf8')
  if (isUtf8(bytes)) return text
  const before = text.slice(0, firstDifference(bytes, text)).split('\n')
  throw new PvectlError(code, 'this is not UTF-8 text', {
    hint: 'save it as UTF-8; `iconv -f latin1 -t utf-8` converts what an older editor wrote',
    location: { file, line: before.length, column: (before.at(-1)?.length ?? 0) + 1 },
  })
}

/** Index of the first character in `text` that stands for bytes which could not be decoded. */
function firstDifference(bytes: Buffer, text: string): number {
  for (let at = text.indexOf('\uFFFD'); at >= 0; at = text.indexOf('\uFFFD', at + 1)) {
    const start = Buffer.byteLength(text.slice(0, at))
    if (!isUtf8(bytes.subarray(start, start + 3))) return at
  }
  return 0
}
