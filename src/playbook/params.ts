/** Parameters of a task: rendered, brought into shape, validated. */
import type { z } from 'zod'
import type { TaskType } from '../tasks/task-type.ts'
import type { DataPath } from '../yaml/document.ts'
import { explainIssues, type Finding } from '../yaml/explain.ts'
import { isMapping } from '../yaml/words.ts'

/** Parameters in the form that the schema of the type expects. */
export interface ShapedParams {
  readonly input: unknown
  /** Parameter that the written value stands for as a whole; paths in the playbook lack it. */
  readonly shorthand?: string
}

/** Validated parameters, or what is wrong with them. */
export type CheckedParams =
  | { readonly ok: true; readonly params: unknown }
  | { readonly ok: false; readonly findings: readonly Finding[] }

/** Opens the shorthand of a type, and takes an empty value as no parameters. */
export function shapeParams(type: TaskType, value: unknown): ShapedParams {
  if (value === null || value === undefined) return { input: {} }
  if (type.shorthand === undefined || isMapping(value)) return { input: value }
  return { input: { [type.shorthand]: value }, shorthand: type.shorthand }
}

/** Validates by the schema of the type. */
export function checkParams(type: TaskType, { input }: ShapedParams): CheckedParams {
  const result = type.params.safeParse(input)
  if (result.success) return { ok: true, params: result.data }
  const issues: readonly z.core.$ZodIssue[] = result.error.issues
  return { ok: false, findings: explainIssues(issues, { schema: type.params, input, subject: type.name }) }
}

/** Path of a parameter as it stands in the playbook, below the key of the type. */
export function writtenPath(path: DataPath, { shorthand }: ShapedParams): DataPath {
  return shorthand !== undefined && path[0] === shorthand ? path.slice(1) : path
}
