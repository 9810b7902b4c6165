/** Where the value of a parameter comes from, for hints. */
import type { Host } from '../inventory/host.ts'
import { wholeExpression } from '../templates/value.ts'
import type { DataPath, YamlDocument } from '../yaml/document.ts'
import { valueAt } from '../yaml/words.ts'

/** What may have set a variable, strongest first. */
export interface VariableLayers {
  readonly extra: Readonly<Record<string, unknown>>
  readonly host: Host
}

/** `vars.vlan is set at inventory/prod.yml:3`, when the value at `path` is written as a variable; else undefined. */
export function variableSource(
  document: YamlDocument,
  path: DataPath,
  { extra, host }: VariableLayers,
  play: Readonly<Record<string, unknown>>,
): string | undefined {
  const code = writtenExpression(document, path)
  const name = code === undefined ? undefined : /^vars\.([A-Za-z_$][\w$]*)/.exec(code)?.[1]
  if (name === undefined) return undefined
  if (Object.hasOwn(extra, name)) return `vars.${name} is set by --extra-vars`
  if (Object.hasOwn(play, name)) return `vars.${name} is set in the play`
  const origin = host.origins.get(name)
  return origin === undefined ? undefined : `vars.${name} is set at ${origin.from}`
}

/** The expression that stands at the path, or at the nearest place above that is a text. */
function writtenExpression(document: YamlDocument, path: DataPath): string | undefined {
  for (let length = path.length; length > 0; length--) {
    const value = valueAt(document.value, path.slice(0, length))
    if (value !== undefined) return typeof value === 'string' ? wholeExpression(value) : undefined
  }
  return undefined
}
