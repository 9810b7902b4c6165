/** zod issues in words for the author of a YAML file. */
import type { z } from 'zod'
import { suggestion } from '../suggest.ts'
import type { DataPath } from './document.ts'
import { allowedKeys, descriptionAt } from './schema-shape.ts'
import { pathText, valueAt, valueText } from './words.ts'

/** What is wrong with one value or key of some data. */
export interface Finding {
  /** Path of the value, or of the mapping that lacks a key. */
  readonly path: DataPath
  /** Point at the key and not at the value. */
  readonly atKey: boolean
  readonly message: string
  readonly hint?: string
}

/** What was checked, against what. */
export interface Checked {
  readonly schema: z.core.$ZodType
  readonly input: unknown
  /** What the data is for, leads every message: `bridge`. Default none. */
  readonly subject?: string
}

type Issue = z.core.$ZodIssue

/** Every issue of a failed parse, explained. */
export function explainIssues(issues: readonly Issue[], checked: Checked): readonly Finding[] {
  return issues.flatMap((issue) => explain(issue, checked))
}

function explain(issue: Issue, checked: Checked): readonly Finding[] {
  switch (issue.code) {
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(key, issue.path, checked))
    case 'invalid_union':
      return explainUnion(issue, checked)
    case 'invalid_key':
      return [badKey(issue, checked)]
    default:
      return [
        valueAt(checked.input, issue.path) === undefined && isMissing(issue)
          ? missing(issue, checked)
          : wrong(issue, checked),
      ]
  }
}

function unknownKey(key: string, path: DataPath, checked: Checked): Finding {
  const known = allowedKeys(checked.schema, path)
  const near = suggestion(key, known, 'it may have', 40)
  const all = near.startsWith('did') ? ` It may have: ${known.join(', ')}` : ''
  const where = pathText(path)
  const owner = where === '' ? (checked.subject ?? '') : `${where}`
  return {
    path: [...path, key],
    atKey: true,
    message: `${lead(checked, where !== '')}unknown key \`${key}\`${owner === '' ? '' : ` in \`${owner}\``}`,
    hint: near + all,
  }
}

/** The name of an entry does not fit, not its value. */
function badKey(issue: z.core.$ZodIssueInvalidKey, checked: Checked): Finding {
  const [inner] = issue.issues
  const reason = inner === undefined ? 'is no valid name' : demand(inner as Issue)
  return {
    path: issue.path,
    atKey: true,
    message: `${lead(checked)}the name \`${String(issue.path.at(-1))}\` in \`${pathText(issue.path.slice(0, -1))}\` ${reason}`,
  }
}

function isMissing(issue: Issue): boolean {
  return issue.code === 'invalid_type' || issue.code === 'invalid_value' || issue.code === 'invalid_union'
}

function missing(issue: Issue, { schema, subject }: Checked): Finding {
  const description = descriptionAt(schema, issue.path)
  return {
    path: issue.path.slice(0, -1),
    atKey: true,
    message: `${lead({ subject })}\`${pathText(issue.path)}\` is missing`,
    ...(description === undefined ? {} : { hint: `${String(issue.path.at(-1))}: ${description}` }),
  }
}

function wrong(issue: Issue, checked: Checked): Finding {
  const value = valueAt(checked.input, issue.path)
  const label = pathText(issue.path)
  const reason = demand(issue)
  const got = isOwnWording(issue) || reason === EMPTY ? '' : `, not ${valueText(value)}`
  const hint = hintFor(issue, value)
  return {
    path: issue.path,
    atKey: false,
    message: `${lead(checked)}${label === '' ? '' : `\`${label}\` `}${reason}${got}`,
    ...(hint === undefined ? {} : { hint }),
  }
}

/** Of the alternatives, the one that the data comes closest to; when none stands out, what all of them ask for. */
function explainUnion(issue: z.core.$ZodIssueInvalidUnion, checked: Checked): readonly Finding[] {
  const base = issue.path
  if (valueAt(checked.input, base) === undefined && base.length > 0) return [missing(issue, checked)]
  const branches = issue.errors.map((errors) => errors.map((inner) => within(base, inner)))
  const plausible = branches.filter((inner) => !inner.some((one) => one.path.length === base.length && isShape(one)))
  const best = plausible.sort((a, b) => a.length - b.length)[0]
  if (best !== undefined) return explainIssues(best, checked)
  const wanted = unionDemand(issue)
  const label = pathText(base)
  const value = valueAt(checked.input, base)
  return [
    {
      path: base,
      atKey: false,
      message: `${lead(checked)}${label === '' ? '' : `\`${label}\` `}${wanted}, not ${valueText(value)}`,
    },
  ]
}

function within(base: DataPath, issue: Issue): Issue {
  return { ...issue, path: [...base, ...issue.path] } as Issue
}

/** The alternative is of another kind altogether: a mapping is wanted where a string stands. */
function isShape(issue: Issue): boolean {
  if (issue.code === 'invalid_type' || issue.code === 'invalid_value') return true
  return (
    issue.code === 'invalid_union' &&
    issue.errors.every((inner) => inner.some((one) => one.path.length === 0 && isShape(one)))
  )
}

const TYPES: Readonly<Record<string, string>> = {
  string: 'a string',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'a mapping',
  record: 'a mapping',
  array: 'a list',
  null: 'empty',
}

const FORMATS: Readonly<Record<string, string>> = {
  ipv4: 'an IPv4 address',
  ipv6: 'an IPv6 address',
  cidrv4: 'an IPv4 network such as 10.0.0.0/24',
  cidrv6: 'an IPv6 network such as 2001:db8::/64',
  email: 'an e-mail address',
  url: 'a URL',
}

/** What the schema asks for: `must be a number`. */
function demand(issue: Issue): string {
  if (isOwnWording(issue)) return issue.message
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${TYPES[issue.expected] ?? `a ${issue.expected}`}`
    case 'invalid_value':
      return `must be ${joinOr(issue.values.map((value) => String(value)))}`
    case 'invalid_format':
      return issue.format === 'regex'
        ? `must match ${issue.pattern}`
        : `must be ${FORMATS[issue.format] ?? `a valid ${issue.format}`}`
    case 'too_small':
      return atLeast(issue)
    case 'too_big':
      return `must ${bound(issue.origin, 'at most', issue.maximum)}`
    case 'not_multiple_of':
      return `must be a multiple of ${issue.divisor}`
    case 'invalid_union':
      return unionDemand(issue)
    default:
      return issue.message
  }
}

/** All that the alternatives ask for. A discriminated union names the words it knows; zod's types leave that out. */
function unionDemand(issue: z.core.$ZodIssueInvalidUnion & { readonly options?: readonly unknown[] }): string {
  const wanted = issue.options?.map(String) ?? alternatives(issue).map((text) => text.replace(/^must be /, ''))
  return wanted.length === 0 ? 'does not fit' : `must be ${joinOr(wanted)}`
}

function alternatives(issue: z.core.$ZodIssueInvalidUnion): readonly string[] {
  return issue.errors.flatMap(([first]) => {
    if (first === undefined) return []
    return first.code === 'invalid_union' ? alternatives(first) : [demand(first)]
  })
}

const EMPTY = 'must not be empty'

function atLeast(issue: z.core.$ZodIssueTooSmall): string {
  if (issue.minimum === 1 && issue.origin !== 'number') return EMPTY
  return `must ${bound(issue.origin, issue.inclusive === false ? 'more than' : 'at least', issue.minimum)}`
}

function bound(origin: string, how: string, limit: number | bigint): string {
  if (origin === 'string') return `have ${how} ${limit} characters`
  if (origin === 'array' || origin === 'record') return `have ${how} ${limit} entries`
  return `be ${how} ${limit}`
}

/** True when the schema brought its own message; zod's begin in one of a few ways. */
function isOwnWording(issue: Issue): boolean {
  return issue.code === 'custom' || !/^(Invalid|Too (big|small)|Unrecognized)/.test(issue.message)
}

function hintFor(issue: Issue, value: unknown): string | undefined {
  if (issue.code === 'invalid_value' && typeof value === 'string') {
    const known = issue.values.map(String)
    const near = suggestion(value, known, '')
    return near.startsWith('did') ? near : undefined
  }
  if (issue.code !== 'invalid_type') return undefined
  if (issue.expected === 'boolean' && typeof value === 'string' && /^(yes|no|on|off)$/i.test(value)) {
    return 'yes, no, on and off are plain words in YAML 1.2; write true or false'
  }
  if (issue.expected === 'string' && typeof value === 'number') return 'put it in quotes'
  if (
    ['number', 'int'].includes(issue.expected) &&
    typeof value === 'string' &&
    value !== '' &&
    Number.isFinite(Number(value))
  ) {
    return 'write it without quotes'
  }
  return undefined
}

function joinOr(words: readonly string[]): string {
  const unique = [...new Set(words)]
  if (unique.length < 2) return unique.join('')
  return `${unique.slice(0, -1).join(', ')} or ${unique.at(-1)}`
}

function lead({ subject }: { readonly subject?: string | undefined }, wanted = true): string {
  return subject === undefined || !wanted ? '' : `${subject}: `
}
