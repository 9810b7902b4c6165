/** Parameters of Open vSwitch tasks. */
import { z } from 'zod'
import type { OvsOptions } from '../interfaces/ovs.ts'
import { formatVids } from '../net/vids.ts'
import { linkName, vidsField, vlanId } from './interface-fields.ts'

/** The bridge of a port. */
export const ovsBridgeField = linkName.describe('bridge of Open vSwitch that it is a port of')

/** VLANs of a port. */
export const ovsVlanFields = {
  tag: vlanId.optional().describe('VLAN that its untagged frames belong to; left out, a new port has none'),
  trunks: vidsField
    .optional()
    .describe('VLANs that may pass tagged: a list of numbers and ranges; left out, a new port lets all pass'),
  vlan_mode: z
    .enum(['access', 'trunk', 'native-tagged', 'native-untagged'])
    .optional()
    .describe(
      'how `tag` and `trunks` go together, by the words of Open vSwitch; default: access with a tag, else trunk',
    ),
}

/** What those fields mean as options of a port. */
export function ovsVlanOptions(given: {
  readonly tag?: number | undefined
  readonly trunks?: z.output<typeof vidsField> | undefined
  readonly vlan_mode?: string | undefined
}): OvsOptions {
  const { tag, trunks, vlan_mode: mode } = given
  const all = (trunks ?? []).flatMap(({ from, to }) => Array.from({ length: to - from + 1 }, (_, i) => from + i))
  return {
    ...(tag === undefined ? {} : { tag: String(tag) }),
    ...(trunks === undefined ? {} : { trunks: all.join(',') }),
    ...(mode === undefined ? {} : { vlan_mode: mode }),
  }
}

/** What is wrong with VLANs of a port, if anything: where and what. */
export function ovsVlanProblem(given: {
  readonly tag?: number | undefined
  readonly trunks?: z.output<typeof vidsField> | undefined
  readonly vlan_mode?: string | undefined
}): { readonly path: string; readonly message: string } | undefined {
  const { tag, trunks, vlan_mode: mode } = given
  const text = trunks === undefined ? '' : formatVids(trunks)
  if (mode === 'access' && trunks !== undefined)
    return { path: 'trunks', message: `${text} do not go with vlan_mode access, which lets one VLAN pass` }
  if (mode === 'trunk' && tag !== undefined)
    return { path: 'tag', message: 'does not go with vlan_mode trunk, which has no VLAN for untagged frames' }
  if (mode !== undefined && mode !== 'trunk' && tag === undefined)
    return { path: 'vlan_mode', message: `${mode} needs a \`tag\`` }
  return undefined
}
