/** The parts of a file out of the parameters that the tasks share. */
import { type HostContext, ParamProblem } from '../task-type.ts'
import { asGroup, asSet, desiredAlias, desiredRules, desiredSet } from './desired.ts'
import type { WantedFile } from './edit.ts'
import type { GroupParams, RuleParams, SetParams } from './params.ts'

type Mapping<Value> = Readonly<Record<string, Value>> | undefined

/** Aliases of a task. */
export function aliasParts(
  given: Mapping<string | { address: string; comment?: string | undefined } | null>,
): WantedFile['aliases'] {
  if (given === undefined) return undefined
  const entries = Object.entries(given)
  const lower = entries.map(([name]) => name.toLowerCase())
  const twice = entries.find(([name], index) => lower.indexOf(name.toLowerCase()) !== index)
  if (twice !== undefined)
    throw new ParamProblem(['aliases', twice[0]], `PVE does not tell case in names: ${twice[0]} is there twice`)
  return {
    present: entries.flatMap(([name, value]) => (value === null ? [] : [desiredAlias(name, value, ['aliases', name])])),
    absent: entries.filter(([, value]) => value === null).map(([name]) => name),
  }
}

/** Sets of a task. */
export function ipsetParts(given: Mapping<SetParams>, host: HostContext): WantedFile['ipsets'] {
  if (given === undefined) return undefined
  const entries = Object.entries(given)
  return {
    present: entries
      .filter(([, set]) => asSet(set).state === 'present')
      .map(([name, set]) => desiredSet(name, set, ['ipsets', name], host)),
    absent: entries.filter(([, set]) => asSet(set).state === 'absent').map(([name]) => name),
  }
}

/** Security groups of a task. */
export function groupParts(given: Mapping<GroupParams>): WantedFile['groups'] {
  if (given === undefined) return undefined
  const entries = Object.entries(given).map(([name, value]) => ({ name, value, group: asGroup(value) }))
  return {
    present: entries
      .filter(({ group }) => group.state === 'present')
      .map(({ name, value, group }) => {
        const path = ['groups', name, ...(Array.isArray(value) ? [] : ['rules'])]
        const { comment, exclusive } = group
        return {
          name,
          exclusive,
          ...desiredRules(group.rules, 'group', path),
          ...(comment === undefined ? {} : { comment }),
        }
      }),
    absent: entries.filter(({ group }) => group.state === 'absent').map(({ name }) => name),
  }
}

/** Rules of a task. */
export function ruleParts(given: readonly RuleParams[] | undefined, file: WantedFile['file']): WantedFile['rules'] {
  return given === undefined ? undefined : desiredRules(given, file, ['rules'])
}

/** Options that are given. */
export function optionParts(given: Readonly<Record<string, string | undefined>> | undefined): WantedFile['options'] {
  if (given === undefined) return undefined
  return Object.fromEntries(Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

/** Names of the parts that a task describes. */
export function describedParts(wanted: WantedFile): readonly string[] {
  const parts = (['options', 'aliases', 'ipsets', 'groups', 'rules'] as const).filter(
    (part) => wanted[part] !== undefined,
  )
  return wanted.exclusive ? parts : []
}
