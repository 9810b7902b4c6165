/** Reads playbook files into plays. Problems are collected; what has them is left out. */
import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import type { z } from 'zod'
import { PvectlError, systemReason } from '../errors.ts'
import type { TaskType } from '../tasks/task-type.ts'
import { displayPath } from '../yaml/display-path.ts'
import { type DataPath, parseYaml, type YamlDocument } from '../yaml/document.ts'
import { explainIssues } from '../yaml/explain.ts'
import { utf8Text } from '../yaml/utf8.ts'
import { isMapping, valueText } from '../yaml/words.ts'
import { playKeyHint } from './ansible.ts'
import type { Serial } from './job.ts'
import { parseTask } from './parse-task.ts'
import type { Play, PlayTask } from './play.ts'
import type { ProblemList } from './problems.ts'
import { importSchema, playSchema, tagList } from './schema.ts'

/** What reading needs to know. */
export interface ParseContext {
  readonly cwd: string
  readonly registry: readonly TaskType[]
  readonly problems: ProblemList
}

/** Reads a playbook and those that it imports, as one list of plays. */
export function parsePlaybook(file: string, context: ParseContext): readonly Play[] {
  return new PlaybookReader(context).read(file, [])
}

class PlaybookReader {
  readonly #context: ParseContext
  #plays = 0

  constructor(context: ParseContext) {
    this.#context = context
  }

  read(file: string, importedBy: readonly string[]): readonly Play[] {
    const { cwd, problems } = this.#context
    const document = readDocument(file, displayPath(file, cwd), problems)
    if (document === undefined) return []
    const { value } = document
    if (!Array.isArray(value)) {
      problems.add(notAList(document))
      return []
    }
    if (value.length === 0) problems.add({ message: 'the playbook has no plays', location: { file: document.file } })
    return value.flatMap((entry: unknown, index): readonly Play[] => {
      if (isMapping(entry) && 'import_playbook' in entry)
        return this.#import(entry, [index], document, [...importedBy, file])
      this.#plays++
      return this.#play(entry, [index], document, path.dirname(file))
    })
  }

  #import(entry: unknown, at: DataPath, document: YamlDocument, chain: readonly string[]): readonly Play[] {
    const { problems, cwd } = this.#context
    const parsed = check(importSchema, entry, { at, document, problems, subject: 'import_playbook' })
    if (parsed === undefined) return []
    const name = parsed.import_playbook
    const base = path.resolve(path.dirname(chain.at(-1) ?? cwd), name)
    const file = [base, `${base}.yml`, `${base}.yaml`].find((each) =>
      statSync(each, { throwIfNoEntry: false })?.isFile(),
    )
    const location = document.locate([...at, 'import_playbook'])
    if (file === undefined) {
      problems.add({ message: `there is no playbook ${displayPath(base, cwd)}`, location })
      return []
    }
    if (chain.includes(file)) {
      const circle = [...chain.slice(chain.indexOf(file)), file].map((each) => displayPath(each, cwd)).join(' → ')
      problems.add({ message: `playbooks import each other in a circle: ${circle}`, location })
      return []
    }
    return this.read(file, chain)
  }

  #play(entry: unknown, at: DataPath, document: YamlDocument, dir: string): readonly Play[] {
    const { problems, registry } = this.#context
    const number = this.#plays
    const parsed = check(playSchema, entry, { at, document, problems, subject: 'play' })
    const playTags = parsed === undefined ? [] : tagList(parsed.tags)
    const raw = isMapping(entry) && Array.isArray(entry.tasks) ? (entry.tasks as unknown[]) : []
    const tasks = raw.flatMap((task, index): readonly PlayTask[] => {
      const place = { id: `${number}.${index + 1}`, path: [...at, 'tasks', index], playTags }
      const made = parseTask(task, place, { document, registry, problems })
      return made === undefined ? [] : [made]
    })
    if (parsed === undefined) return []
    const hosts = typeof parsed.hosts === 'string' ? parsed.hosts : parsed.hosts.join(',')
    return [
      {
        title: parsed.name ?? hosts,
        document,
        path: at,
        dir,
        hosts,
        serial: serialOf(parsed.serial),
        maxFailShare: maxFailShareOf(parsed),
        vars: parsed.vars ?? {},
        tasks,
      },
    ]
  }
}

/** Where to report what does not fit a schema. */
interface CheckPlace {
  readonly at: DataPath
  readonly document: YamlDocument
  readonly problems: ProblemList
  readonly subject: string
}

/** Parses by a schema; problems go to the list, and the result is undefined then. */
function check<Schema extends z.ZodType>(
  schema: Schema,
  input: unknown,
  { at, document, problems, subject }: CheckPlace,
): z.output<Schema> | undefined {
  const result = schema.safeParse(input)
  if (result.success) return result.data
  for (const { path: inner, atKey, message, hint } of explainIssues(result.error.issues, { schema, input, subject })) {
    const full = [...at, ...inner]
    const better = message.includes('unknown key') ? (playKeyHint(String(inner.at(-1))) ?? hint) : hint
    const location = atKey ? document.locateKey(full) : document.locate(full)
    problems.add({ message, location, ...(better === undefined ? {} : { hint: better }) })
  }
  return undefined
}

function readDocument(file: string, shown: string, problems: ProblemList): YamlDocument | undefined {
  try {
    return parseYaml(utf8Text(readFileSync(file), shown, 'PLAYBOOK_INVALID'), shown, 'PLAYBOOK_INVALID')
  } catch (error) {
    if (error instanceof PvectlError) problems.addError(error)
    else problems.add({ message: `cannot be read: ${systemReason(error)}`, location: { file: shown } })
    return undefined
  }
}

function notAList(document: YamlDocument) {
  const { value } = document
  if (value === null) return { message: 'the playbook is empty', hint: EXAMPLE, location: { file: document.file } }
  const location = document.locate([])
  if (isMapping(value) && 'tasks' in value) {
    return { message: 'a playbook is a list of plays, not a mapping', hint: 'begin the play with `- `', location }
  }
  return { message: `a playbook is a list of plays, not ${valueText(value)}`, hint: EXAMPLE, location }
}

const EXAMPLE = 'write plays as `- hosts: all`, with `tasks:` below'

function maxFailShareOf(play: z.output<typeof playSchema>): number | undefined {
  if (play.any_errors_fatal === true) return 0
  return play.max_fail_percentage === undefined ? undefined : play.max_fail_percentage / 100
}

function serialOf(value: z.output<typeof playSchema>['serial']): Serial {
  const list = value === undefined ? [] : Array.isArray(value) ? value : [value]
  return list.map((size) => (typeof size === 'number' ? size : { share: Number.parseFloat(size) / 100 }))
}
