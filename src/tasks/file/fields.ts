/** Parameters that `file` and `template` have in common. */
import { z } from 'zod'
import { sh } from '../../connection/script.ts'
import type { FileDesired } from '../../resources/file.ts'
import { absolutePath } from '../fields.ts'

/** A path on a node; `/x/` and `/x` would be two facts about one file. */
export const filePath = absolutePath.regex(/[^/]$/, 'must not end in a slash')

/** Permission bits. YAML reads a bare `0644` as the number 644, so only text is taken. */
export const fileMode = z
  .string({ error: "must be text, since YAML reads a bare 0644 as the number 644: write '0644'" })
  .regex(/^[0-7]{3,4}$/, "must be an octal mode such as '0644'")
  .optional()
  .describe("Octal mode in quotes, such as '0644'. Default: '0644' ('0755' for a directory) when made, else as it is.")

/** Owner and group. */
export const fileOwner = z
  .string()
  .regex(/^[a-z_][a-z0-9_-]*:[a-z_][a-z0-9_-]*$/i, 'must be user:group, such as root:root')
  .optional()
  .describe('Owner as `user:group`. Default: `root:root` when made, else as it is.')

/** A check of the user's own. */
export const validateCommand = z
  .string()
  .min(1)
  .optional()
  .describe(
    'Shell command that must accept the new file, else the previous one is put back and the task fails. `%s` stands for ' +
      'the path, already quoted: `visudo -cf %s`.',
  )

/** Four digits, as files report their mode. */
export function fourDigits(mode: string | undefined): string | undefined {
  return mode?.padStart(4, '0')
}

/** What a `validate` parameter means to a file resource. */
export function checkWith(validate: string | undefined, path: string): FileDesired['validate'] {
  if (validate === undefined) return undefined
  return { what: validate.replaceAll('%s', path), command: sh`sh -c ${validate.replaceAll('%s', '"$1"')} sh ${path}` }
}
