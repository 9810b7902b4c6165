import { z } from 'zod'
import type { OvsOptions, OvsPortSettings } from '../interfaces/ovs.ts'
import { linkGone } from '../resources/link-absent.ts'
import { ovsPortGone } from '../resources/ovs-absent.ts'
import { ovsPortLink, ovsPortStanza } from '../resources/ovs-link.ts'
import { openVswitch } from '../resources/ovs-package.ts'
import { interfaceName, stateField } from './fields.ts'
import { commentField, mtuField } from './interface-fields.ts'
import { ovsBridgeField, ovsVlanFields, ovsVlanOptions, ovsVlanProblem } from './ovs-fields.ts'
import { defineTask } from './task-type.ts'

/** Modes by PVE's names (pve-common, `$ovs_bond_modes`), as options of Open vSwitch. */
const MODES = {
  'active-backup': { bond_mode: 'active-backup' },
  'balance-slb': { bond_mode: 'balance-slb' },
  'lacp-balance-slb': { bond_mode: 'balance-slb', lacp: 'active' },
  'lacp-balance-tcp': { bond_mode: 'balance-tcp', lacp: 'active' },
} as const satisfies Readonly<Record<string, OvsOptions>>

/** `ovs_bond`: several cards as one port of a bridge of Open vSwitch. */
export const ovsBondTask = defineTask({
  name: 'ovs_bond',
  summary: 'several network cards as one port of a bridge of Open vSwitch; also in the place of a card of that bridge',
  params: z
    .strictObject({
      name: z
        .string()
        .regex(/^bond\d{1,4}$/, 'must be bond and a number: PVE takes nothing else for a bond')
        .describe('`bond0` to `bond9999`'),
      bridge: ovsBridgeField,
      slaves: z
        .array(interfaceName)
        .min(2, 'Open vSwitch wants at least two cards in a bond')
        .optional()
        .describe('network cards that make it up; left out: an existing bond keeps its own'),
      mode: z
        .enum(['active-backup', 'balance-slb', 'lacp-balance-slb', 'lacp-balance-tcp'])
        .optional()
        .describe(
          'by the names of PVE; with `lacp-` the switch must know. A new bond gets active-backup, another keeps its own',
        ),
      lacp_rate: z.enum(['slow', 'fast']).optional().describe('LACP every 30 s or every second, with a `lacp-` mode'),
      ...ovsVlanFields,
      mtu: mtuField.describe('bytes of a packet, for its cards'),
      comment: commentField,
      state: stateField,
    })
    .superRefine(({ name, slaves, mode, lacp_rate, ...rest }, context) => {
      const wrong = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
      const problem = ovsVlanProblem(rest)
      if (problem !== undefined) wrong(problem.path, problem.message)
      if (slaves !== undefined && new Set(slaves).size < slaves.length) wrong('slaves', 'names a card twice')
      if (slaves?.includes(name) === true) wrong('slaves', `names ${name} itself`)
      const vlan = slaves?.find((slave) => slave.includes('.'))
      if (vlan !== undefined) wrong('slaves', `names the VLAN ${vlan}: a bond is made of cards`)
      if (lacp_rate !== undefined && mode?.startsWith('lacp-') !== true)
        wrong('lacp_rate', 'needs `mode: lacp-balance-slb` or `mode: lacp-balance-tcp`')
    }),
  example: `ovs_bond:
  name: bond1
  bridge: vmbr2
  slaves: [eno2, eno3]
  mode: lacp-balance-tcp
`,
  resources({ name, bridge, slaves, mode, lacp_rate, tag, trunks, vlan_mode, mtu, comment, state }) {
    if (state === 'absent') return linkGone(ovsPortGone(name, 'OVS bond'))
    const settings: OvsPortSettings = {
      name,
      type: 'OVSBond',
      bridge,
      slaves,
      options: {
        ...(mode === undefined ? {} : MODES[mode]),
        ...(lacp_rate === undefined ? {} : { 'other_config:lacp-time': lacp_rate }),
        ...ovsVlanOptions({ tag, trunks, vlan_mode }),
      },
      mtu,
      comment,
    }
    return [...openVswitch(), ovsPortStanza(settings), ovsPortLink(settings)]
  },
})
