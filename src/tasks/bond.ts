import { z } from 'zod'
import { BOND_MODES, HASH_POLICIES, HASHING_MODES } from '../interfaces/bond.ts'
import type { BondDesired } from '../resources/bond-checks.ts'
import { bondLink, bondStanza } from '../resources/bond-link.ts'
import { linkGone } from '../resources/link-absent.ts'
import { interfaceName, stateField } from './fields.ts'
import {
  address6Field,
  addressField,
  autostartField,
  bridgeName,
  commentField,
  mtuField,
  readAddresses,
} from './interface-fields.ts'
import { defineTask } from './task-type.ts'

const params = z
  .strictObject({
    name: z
      .string()
      .regex(/^bond\d{1,4}$/, 'must be bond and a number: PVE takes nothing else for a bond')
      .describe('`bond0` to `bond9999`'),
    slaves: z
      .array(interfaceName)
      .min(1)
      .optional()
      .describe(
        'network cards that make it up; the first gives a new bond its MAC address. Left out: another keeps its own',
      ),
    mode: z
      .enum(BOND_MODES)
      .optional()
      .describe(
        '`active-backup`: one card works, needs nothing of the switch; `802.3ad`: LACP, all work, the switch must know, MLAG over two switches included; others as in the kernel. A new bond gets active-backup, another keeps its own',
      ),
    primary: interfaceName.optional().describe('slave that works whenever it can, of active-backup'),
    hash_policy: z
      .enum(HASH_POLICIES)
      .optional()
      .describe('what of a frame chooses its slave, of 802.3ad and balance-xor; the kernel starts with layer2'),
    lacp_rate: z
      .enum(['slow', 'fast'])
      .optional()
      .describe('the switch sends every 30 s or every second, of 802.3ad; the kernel starts with slow'),
    miimon: z
      .number()
      .int()
      .min(1)
      .max(255)
      .optional()
      .describe('milliseconds between looks at the cables; a new bond gets 100, another keeps its own'),
    bridge: bridgeName
      .optional()
      .describe(
        'bridge that it carries: the bond takes the place of slaves that are plugged in there, in one step, so that a node is moved from a card to a bond without being lost',
      ),
    address: addressField,
    address6: address6Field,
    mtu: mtuField.describe(
      'bytes of a packet, for its slaves too. A new bond gets 1500, or that of a card whose place it takes; another keeps its own',
    ),
    comment: commentField,
    autostart: autostartField,
    state: stateField,
  })
  .superRefine(({ name, slaves, mode, primary, hash_policy, lacp_rate, bridge, address, address6, state }, context) => {
    const wrong = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message })
    if (state === 'present' && slaves !== undefined && new Set(slaves).size < slaves.length)
      wrong('slaves', 'names a card twice')
    if (slaves?.includes(name) === true) wrong('slaves', `names ${name} itself`)
    const vlan = slaves?.find((slave) => slave.includes('.'))
    if (vlan !== undefined)
      wrong('slaves', `names the VLAN ${vlan}: a bond is made of cards; put the VLAN on the bond instead`)
    if (primary !== undefined && mode !== 'active-backup') wrong('primary', 'needs `mode: active-backup`')
    if (primary !== undefined && slaves?.includes(primary) === false)
      wrong('primary', `names ${primary}, which is not among the slaves`)
    if (hash_policy !== undefined && (mode === undefined || !HASHING_MODES.includes(mode)))
      wrong('hash_policy', 'needs `mode: 802.3ad` or `mode: balance-xor`')
    if (lacp_rate !== undefined && mode !== '802.3ad') wrong('lacp_rate', 'needs `mode: 802.3ad`')
    for (const [path, value] of Object.entries({ address, address6 }))
      if (bridge !== undefined && value !== undefined && value !== 'none')
        wrong(path, `would be lost as a port of ${bridge}: give it to the bridge`)
  })

/** `bond`: several cards as one link. */
export const bondTask = defineTask({
  name: 'bond',
  summary: 'several network cards as one link; also in the place of the card that a bridge has so far',
  params,
  example: `bond:
  name: bond0
  slaves: [eno1, eno2]
  mode: active-backup
  primary: eno1
  bridge: vmbr0
`,
  resources({ hash_policy, lacp_rate, address, address6, state, ...rest }) {
    if (state === 'absent') return linkGone({ name: rest.name, what: 'bond', kinds: ['bond'] })
    const desired: BondDesired = {
      ...rest,
      hashPolicy: hash_policy,
      lacpRate: lacp_rate,
      ...readAddresses({ address, address6 }),
    }
    return [bondStanza(desired), bondLink(desired)]
  },
})
