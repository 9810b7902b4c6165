import { z } from 'zod'
import type { OvsPortSettings } from '../interfaces/ovs.ts'
import { PHYSICAL } from '../interfaces/place.ts'
import { linkGone } from '../resources/link-absent.ts'
import { ovsPortGone } from '../resources/ovs-absent.ts'
import { ovsPortLink, ovsPortStanza } from '../resources/ovs-link.ts'
import { openVswitch } from '../resources/ovs-package.ts'
import { stateField } from './fields.ts'
import { address6Field, addressField, commentField, linkName, mtuField, readAddresses } from './interface-fields.ts'
import { ovsBridgeField, ovsVlanFields, ovsVlanOptions, ovsVlanProblem } from './ovs-fields.ts'
import { defineTask } from './task-type.ts'

/** `ovs_int_port`: the node's own end in a bridge of Open vSwitch. */
export const ovsIntPortTask = defineTask({
  name: 'ovs_int_port',
  summary: "the node's own end in a VLAN of Open vSwitch, with an address",
  params: z
    .strictObject({
      name: linkName.describe(
        '`vlan50`, or a word such as `storage`; PVE takes names like eno1 or bond1 for other things',
      ),
      bridge: ovsBridgeField,
      ...ovsVlanFields,
      address: addressField,
      address6: address6Field,
      mtu: mtuField,
      comment: commentField,
      state: stateField,
    })
    .superRefine(({ name, ...rest }, context) => {
      const problem = ovsVlanProblem(rest)
      if (problem !== undefined) context.addIssue({ code: 'custom', path: [problem.path], message: problem.message })
      if (PHYSICAL.test(name) || /^bond\d+$/.test(name) || name.includes('.') || name === rest.bridge)
        context.addIssue({
          code: 'custom',
          path: ['name'],
          message: `${name} is what PVE takes for a card, bond, VLAN or the bridge itself; name it like vlan50`,
        })
    }),
  example: `ovs_int_port:
  name: vlan50
  bridge: vmbr2
  tag: 50
  address: 10.50.0.1/24
`,
  resources({ name, bridge, tag, trunks, vlan_mode, address, address6, mtu, comment, state }) {
    if (state === 'absent') return linkGone(ovsPortGone(name, 'OVS internal port'))
    const settings: OvsPortSettings = {
      name,
      type: 'OVSIntPort',
      bridge,
      options: ovsVlanOptions({ tag, trunks, vlan_mode }),
      ...readAddresses({ address, address6 }),
      mtu,
      comment,
    }
    return [...openVswitch(), ovsPortStanza(settings), ovsPortLink(settings)]
  },
})
