/** The first exchange: all facts of all resources, by one framed, read-only script. */
import { randomBytes } from 'node:crypto'
import type { Connection } from '../connection/connection.ts'
import { joinScripts, rawScript, type Script, sh } from '../connection/script.ts'
import { PvectlError } from '../errors.ts'
import { type FactKind, type FactRef, factKey } from '../facts/fact.ts'
import { Model } from '../facts/model.ts'

/** What a node's shell starts with, whatever the login left in its environment. */
export const ENVIRONMENT = rawScript(
  'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C; export PATH LC_ALL; unset IFS CDPATH ENV\n',
)

/** Facts to read, by kind, each id once. */
export type FactsByKind = ReadonlyMap<FactKind<unknown>, readonly string[]>

/** Sorts references by kind and drops repetitions, keeping first-come order. */
export function groupFacts(refs: Iterable<FactRef<unknown>>): FactsByKind {
  const kinds = new Map<FactKind<unknown>, string[]>()
  const seen = new Set<string>()
  for (const ref of refs) {
    const key = factKey(ref)
    if (seen.has(key)) continue
    seen.add(key)
    const ids = kinds.get(ref.kind)
    if (ids === undefined) kinds.set(ref.kind, [ref.id])
    else ids.push(ref.id)
  }
  return kinds
}

/** A word that no file on a node contains, to frame output with. */
export function randomMark(): string {
  return `pvectl-${randomBytes(12).toString('hex')}`
}

/** The observation script. Frames survive what a .bashrc prints before and after. */
export function observeScript(facts: FactsByKind, mark: string): Script {
  const sections = [...facts].map(
    ([kind, ids]) => sh`printf '\n%s %s\n' ${mark} ${kind.name}
( ${kind.observe(ids, `${mark}-in`)}
) </dev/null`,
  )
  return sh`${ENVIRONMENT}printf '\n%s begin %s\n' ${mark} "$(date +%s%N)"
${joinScripts(sections)}
printf '\n%s end\n' ${mark}
exit 0
`
}

/** Cuts the output at the frames and lets each kind parse its part. Throws OBSERVE_FAILED on anything odd. */
export function parseObservation(output: Buffer, facts: FactsByKind, mark: string): Model {
  const sections = cutSections(output, mark)
  const begin = sections.get('begin')
  if (begin === undefined || !sections.has('end')) throw incomplete()
  const states = new Map<string, unknown>()
  for (const [kind, ids] of facts) {
    const section = sections.get(kind.name)
    if (section === undefined) throw incomplete()
    parseKind(kind, ids, section.body, `${mark}-in`).forEach((state, i) => {
      states.set(factKey({ kind, id: ids[i] ?? '' }), state)
    })
  }
  return new Model(states, Number(begin.argument) / 1e6)
}

/** Reads all facts from a node: one exchange. */
export async function observe(
  connection: Connection,
  facts: FactsByKind,
  options: { readonly signal?: AbortSignal } = {},
): Promise<Model> {
  const mark = randomMark()
  const result = await connection.run(observeScript(facts, mark), { timeoutMs: 120_000, ...options })
  try {
    return parseObservation(result.stdout, facts, mark)
  } catch (error) {
    if (!(error instanceof PvectlError)) throw error
    const said = result.stderr.toString('utf8').trim().split('\n').slice(-3).join('; ')
    throw said === ''
      ? error
      : new PvectlError(error.code, `${error.message}; the node said: ${said}`, error.problems[0])
  }
}

interface Section {
  readonly argument: string
  readonly body: Buffer
}

function cutSections(output: Buffer, mark: string): ReadonlyMap<string, Section> {
  const sections = new Map<string, Section>()
  const frame = Buffer.from(`\n${mark} `)
  let at = output.indexOf(frame)
  while (at !== -1) {
    const lineEnd = output.indexOf('\n', at + 1)
    if (lineEnd === -1) break
    const [name = '', argument = ''] = output
      .subarray(at + frame.length, lineEnd)
      .toString('utf8')
      .split(' ')
    const next = output.indexOf(frame, lineEnd)
    sections.set(name, { argument, body: output.subarray(lineEnd + 1, next === -1 ? output.length : next) })
    at = next
  }
  return sections
}

function parseKind(kind: FactKind<unknown>, ids: readonly string[], body: Buffer, mark: string): readonly unknown[] {
  try {
    return kind.parse(body, ids, mark)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new PvectlError('OBSERVE_FAILED', `what the node says of ${kind.name} can't be read: ${why}`, {
      cause,
      hint: 'run again; if it stays, the node lacks a tool that every PVE node has, or it differs from what pvectl knows',
    })
  }
}

function incomplete(): PvectlError {
  return new PvectlError('OBSERVE_FAILED', 'the observation of the node broke off before its end', {
    hint: 'check that the login shell of the user is a plain shell that runs commands, and that the node is not overloaded',
  })
}
