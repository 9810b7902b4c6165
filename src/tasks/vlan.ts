import { z } from 'zod'
import { type VlanSettings, vlanOfName } from '../interfaces/vlan.ts'
import { linkGone } from '../resources/link-absent.ts'
import { vlanLink, vlanStanza } from '../resources/vlan-link.ts'
import { interfaceName, stateField } from './fields.ts'
import {
  address6Field,
  addressField,
  autostartField,
  commentField,
  linkName,
  mtuField,
  readAddresses,
  vlanId,
} from './interface-fields.ts'
import { defineTask, ParamProblem } from './task-type.ts'

const params = z.strictObject({
  name: linkName.describe(
    '`eno1.50` says all; `vlan50` needs `raw_device`, any other name, such as `storage`, that and `id`',
  ),
  raw_device: interfaceName
    .optional()
    .describe('link whose frames carry the tag: a card, bond, bridge or VLAN; default: what is before the dot'),
  id: vlanId.optional().describe('number of the VLAN, 1 to 4094; default: what the name says'),
  protocol: z
    .enum(['802.1q', '802.1ad'])
    .optional()
    .describe('tag: `802.1ad` for the outer one of two; a new VLAN gets `802.1q`, another keeps its own'),
  address: addressField,
  address6: address6Field,
  mtu: mtuField,
  comment: commentField,
  autostart: autostartField,
  state: stateField,
})

/** `vlan`: a tagged network on a card, bond or bridge. */
export const vlanTask = defineTask({
  name: 'vlan',
  summary: 'a VLAN on a card, bond or bridge, with an address or under a bridge of its own',
  params,
  example: `vlan:
  name: eno1.50
  comment: storage
`,
  resources({ name, raw_device, id, protocol, address, address6, mtu, comment, autostart, state }) {
    if (state === 'absent') return linkGone({ name, what: 'VLAN', kinds: ['vlan'] })
    const settings: VlanSettings = {
      name,
      ...vlanOf(name, raw_device, id),
      protocol,
      ...readAddresses({ address, address6 }),
      mtu,
      comment,
      autostart,
    }
    return [vlanStanza(settings), vlanLink(settings)]
  },
})

/** What the name says must not be said otherwise: PVE believes the name, ifupdown2 the options. */
function vlanOf(name: string, raw: string | undefined, id: number | undefined): Pick<VlanSettings, 'rawDevice' | 'id'> {
  if (/^bond\d+$/.test(name))
    throw new ParamProblem(['name'], `${name} is what PVE takes for a bond`, 'name it like storage or vlan50')
  const named = vlanOfName(name)
  if (named.id !== undefined && (named.id < 1 || named.id > 4094))
    throw new ParamProblem(['name'], `${name} has the number ${named.id}, and VLANs are numbered 1 to 4094`)
  if (named.id !== undefined && /\b0\d*$/.test(name.replace(/^vlan/, '')))
    throw new ParamProblem(['name'], `${name} has a number that begins with 0`)
  if (named.id !== undefined && id !== undefined && named.id !== id)
    throw new ParamProblem(['id'], `is ${id}, and PVE reads ${named.id} from the name ${name}`, 'make them agree')
  if (named.rawDevice !== undefined && raw !== undefined && named.rawDevice !== raw)
    throw new ParamProblem(
      ['raw_device'],
      `is ${raw}, and PVE reads ${named.rawDevice} from the name ${name}`,
      'make them agree',
    )
  const rawDevice = named.rawDevice ?? raw
  const number = named.id ?? id
  if (rawDevice === undefined)
    throw new ParamProblem(
      [],
      `${name} does not say which link carries it`,
      'add `raw_device`, or name it like eno1.50',
    )
  if (number === undefined)
    throw new ParamProblem([], `${name} does not say which VLAN it is`, 'add `id`, or name it like eno1.50')
  if (rawDevice === name) throw new ParamProblem(['raw_device'], `names ${name} itself`)
  return { rawDevice, id: number }
}
