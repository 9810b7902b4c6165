/**
 * Read-only views of variables that complain of what is not there. Plain JavaScript would turn a misspelt name into
 * `undefined`, and EJS that into an empty string.
 */
import { Secret } from '../connection/secret.ts'
import { suggestion } from '../suggest.ts'
import { TemplateProblem } from './problem.ts'

/** What a guard says about a missing name; default {@link undefinedVariable}. Returns what to use instead, or throws. */
export type OnMissing = (path: string, name: string, known: readonly string[]) => unknown

/** Guard to the data behind it. */
const behind = new WeakMap<object, object>()

/** Names that JavaScript itself asks any object for. */
const ASKED_BY_LANGUAGE = new Set(['toJSON', 'then'])

/**
 * Puts a guard round mappings and lists; other values pass as they are, secrets as their text: what is made of them is
 * masked where it is shown. `path` is the name used in messages.
 */
export function guard(value: unknown, path: string, onMissing: OnMissing = undefinedVariable): unknown {
  if (value instanceof Secret) return value.reveal()
  if (!isContainer(value)) return value
  const proxy = new Proxy(value, {
    get(target, key) {
      if (typeof key === 'symbol') return Reflect.get(target, key)
      const inner = member(path, key, Array.isArray(target))
      if (key in target) return guard(Reflect.get(target, key), inner)
      if (ASKED_BY_LANGUAGE.has(key)) return undefined
      return onMissing(inner, key, Object.keys(target))
    },
    set: (_, key) => refuse(path, key),
    deleteProperty: (_, key) => refuse(path, key),
    defineProperty: (_, key) => refuse(path, key),
  })
  behind.set(proxy, value)
  return proxy
}

/** Throws for a name that is not defined, with the nearest of those that are. */
export function undefinedVariable(path: string, name: string, known: readonly string[]): never {
  const parent = path.slice(0, path.length - name.length)
  const isIndex = /\]$/.test(path)
  const hint = isIndex
    ? `it has ${known.length} entries, counted from 0`
    : suggestion(name, known, `${parent.replace(/\.$/, '')} has`)
  const near = /^did you mean `(.*)`\?$/.exec(hint)?.[1]
  throw new TemplateProblem(
    `undefined variable: ${path}`,
    near === undefined ? hint : `did you mean \`${parent}${near}\`?`,
  )
}

/**
 * The plain data in a value that an expression came to: guards taken off, at any depth.
 * Throws a TemplateProblem for what is not data, such as a function.
 */
export function plain(value: unknown): unknown {
  if (typeof value === 'function')
    throw new TemplateProblem('the expression comes to a function; is a call `()` missing?')
  if (value instanceof Secret) return value.reveal()
  if (typeof value !== 'object' || value === null) return value
  const data = behind.get(value) ?? value
  if (Array.isArray(data)) return data.map(plain)
  // A promise is refused below; that it fails as well, later and elsewhere, must not end the process.
  if (data instanceof Promise) data.catch(() => undefined)
  if (!isContainer(data))
    throw new TemplateProblem(
      `the expression comes to a ${(data as object).constructor.name}, which is no plain data`,
      'make a text or a list of it',
    )
  return Object.fromEntries(Object.entries(data).map(([key, entry]) => [key, plain(entry)]))
}

function member(path: string, key: string, inList: boolean): string {
  if (inList && /^\d+$/.test(key)) return `${path}[${key}]`
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `${path}.${key}` : `${path}['${key}']`
}

/** Mappings and lists; objects of classes keep their own behaviour. */
function isContainer(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false
  if (Array.isArray(value)) return true
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

function refuse(path: string, key: string | symbol): never {
  throw new TemplateProblem(
    `${member(path, String(key), false)}: a template cannot change variables`,
    'work on a copy: [...list] or {...mapping}',
  )
}
