/** What a task type says of parameters. */
import { ParamProblem, type TaskType } from '../../src/tasks/task-type.ts'
import { hostContext } from './host-context.ts'

/** Problems of the schema, else of the expansion: `path: message`. */
export function paramProblems(type: TaskType, params: unknown): readonly string[] {
  const { data, error } = type.params.safeParse(params)
  if (error !== undefined) return error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
  try {
    type.resources(data, hostContext())
    return []
  } catch (problem) {
    if (!(problem instanceof ParamProblem)) throw problem
    return [`${problem.path.join('.')}: ${problem.message}`]
  }
}

/** What tasks of this kind keep to themselves on a node: keys and claims. */
export function claimsOf(type: TaskType, params: unknown): readonly string[] {
  return type.resources(type.params.parse(params), hostContext()).flatMap(({ key, claims = [] }) => [key, ...claims])
}
