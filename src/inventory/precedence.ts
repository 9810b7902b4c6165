/**
 * The one place that says which value wins. From weakest to strongest:
 *
 * 1. variables of the group `all`
 * 2. variables of the other groups: a group outranks those that contain it; of groups at the same depth the one
 *    further down in the file wins
 * 3. variables of the host
 * 4. `vars:` of the play
 * 5. `--extra-vars`
 *
 * Within 1, 2 and 3, a file in `group_vars` or `host_vars` outranks `vars:` of the inventory file. A stronger value
 * replaces a weaker one as a whole: lists and mappings are not merged. Connection settings follow 1 to 3 as well.
 */
import { formatLocation, type Location } from '../errors.ts'
import type { VariableOrigin } from './host.ts'
import type { Setting, Settings } from './sources.ts'

/** Variables of a host, merged. */
export interface MergedVars {
  readonly vars: Readonly<Record<string, unknown>>
  readonly origins: ReadonlyMap<string, VariableOrigin>
}

/** Layers from weakest to strongest, put on top of each other. */
export function overlay(layers: readonly (Settings | undefined)[]): ReadonlyMap<string, Setting> {
  return new Map(layers.flatMap((layer) => [...(layer ?? [])]))
}

/** Variables of a host from the layers of 1 to 3. */
export function mergeVars(layers: readonly (Settings | undefined)[]): MergedVars {
  const merged = [...overlay(layers)]
  return {
    vars: Object.fromEntries(merged.map(([name, { value }]) => [name, value])),
    origins: new Map(merged.map(([name, { value, location }]) => [name, { value, from: origin(location) }])),
  }
}

/** Variables of a host in a play: 1 to 3, then 4, then 5. */
export function effectiveVars(
  host: Readonly<Record<string, unknown>>,
  play: Readonly<Record<string, unknown>>,
  extra: Readonly<Record<string, unknown>>,
): Readonly<Record<string, unknown>> {
  return { ...host, ...play, ...extra }
}

function origin({ file, line }: Location): string {
  return formatLocation(line === undefined ? { file } : { file, line })
}
