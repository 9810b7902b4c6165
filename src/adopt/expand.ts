/** Drafts of tasks turned into resources, as the loader of playbooks would do it. */
import type { Resource } from '../resources/resource.ts'
import { type HostContext, ParamProblem, type TaskType } from '../tasks/task-type.ts'
import { type ParamValue, type TaskDraft, Variable } from './adopter.ts'
import { looksSecret } from './sensitive.ts'

/** Where drafts get their templates from, and which types there are. */
export interface ExpandOptions {
  readonly host: string
  readonly registry: readonly TaskType[]
  /** Renders a shipped template. */
  readonly template: HostContext['template']
}

/** Resources of a draft, or why the type does not take it. */
export type ExpandedDraft = { readonly resources: readonly Resource[] } | { readonly problem: string }

/** Why a draft is not even shown. */
export const SECRET = 'it looks as if it held a secret'

/** Expands one draft. Pure but for reading templates. */
export function expandDraft(draft: TaskDraft, { host, registry, template }: ExpandOptions): ExpandedDraft {
  const type = registry.find(({ name }) => name === draft.type)
  if (type === undefined) return { problem: `there is no task type \`${draft.type}\`` }
  const params = plainParams(draft)
  if (looksSecret(params)) return { problem: SECRET }
  const parsed = type.params.safeParse(params)
  if (!parsed.success)
    return { problem: parsed.error.issues.map(({ message, path }) => `${path.join('.')} ${message}`.trim()).join('; ') }
  const context: HostContext = {
    name: host,
    vars: {},
    template,
    readFile: (path) => {
      const content = draft.files?.get(path)
      if (content === undefined) throw new ParamProblem([], `the draft has no file ${path}`)
      return content
    },
  }
  try {
    return { resources: type.resources(parsed.data, context) }
  } catch (error) {
    if (error instanceof ParamProblem) return { problem: error.message }
    throw error
  }
}

/** Parameters with the values of variables in their places. */
export function plainParams({ params }: TaskDraft): Readonly<Record<string, unknown>> {
  return plainValue(params) as Readonly<Record<string, unknown>>
}

/** Plain data of a parameter; what is undefined is left out. */
export function plainValue(value: ParamValue | undefined): unknown {
  if (value instanceof Variable) return plainValue(value.value)
  if (Array.isArray(value)) return (value as readonly ParamValue[]).map(plainValue)
  if (typeof value !== 'object') return value
  const entries = Object.entries(value as Readonly<Record<string, ParamValue | undefined>>)
  return Object.fromEntries(
    entries.filter(([, each]) => each !== undefined).map(([key, each]) => [key, plainValue(each)]),
  )
}
