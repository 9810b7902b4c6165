/** Parameters that several task types have in common. */
import { z } from 'zod'

/** `state: present | absent`. */
export const stateField = z
  .enum(['present', 'absent'])
  .default('present')
  .describe('`present` brings it about, `absent` takes it away')

/** A path from the root, without `..` and line breaks. */
export const absolutePath = z
  .string()
  .regex(/^\/(?!.*(^|\/)\.\.(\/|$))[^\n\0]*$/, 'must be an absolute path without ".."')

/** An account or group, as useradd(8) of Debian accepts it. */
export const accountName = z
  .string()
  .regex(/^[a-z_][a-z0-9_-]{0,31}$/, 'must be a name of at most 32 of a-z, 0-9, _ and -, not beginning with a digit')

/** A network interface; the kernel allows 15 characters. */
export const interfaceName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_.-]{0,14}$/, 'must be the name of an interface, at most 15 characters')

/** A port of TCP or UDP. */
export const portNumber = z.number().int().min(1).max(65535)

/** Text that fits on one line. */
export const oneLine = z.string().regex(/^[^\n\r\0]*$/, 'must not contain a line break')

/** One value or a list of them; `what` names what each must be. */
export function oneOrMany<Item extends z.ZodType>(item: Item, what: string) {
  return z.union([item, z.array(item).min(1)], { error: `must be ${what}, or a list of such` })
}

/** What {@link oneOrMany} read, always as a list. */
export function asList<Item>(value: Item | readonly Item[]): readonly Item[] {
  return Array.isArray(value) ? value : [value as Item]
}
