import { z } from 'zod'
import type { OvsPortSettings } from '../interfaces/ovs.ts'
import { ovsPortAbsent } from '../resources/ovs-absent.ts'
import { ovsPortLink, ovsPortStanza } from '../resources/ovs-link.ts'
import { openVswitch } from '../resources/ovs-package.ts'
import { interfaceName, stateField } from './fields.ts'
import { commentField, mtuField } from './interface-fields.ts'
import { ovsBridgeField, ovsVlanFields, ovsVlanOptions, ovsVlanProblem } from './ovs-fields.ts'
import { defineTask } from './task-type.ts'

/** `ovs_port`: a network card as port of a bridge of Open vSwitch. */
export const ovsPortTask = defineTask({
  name: 'ovs_port',
  summary: 'a network card as port of a bridge of Open vSwitch, with the VLANs that may pass it',
  params: z
    .strictObject({
      name: interfaceName.describe('the network card'),
      bridge: ovsBridgeField,
      ...ovsVlanFields,
      mtu: mtuField,
      comment: commentField,
      state: stateField.describe('`absent` takes the card out of the bridge'),
    })
    .superRefine((params, context) => {
      const problem = ovsVlanProblem(params)
      if (problem !== undefined) context.addIssue({ code: 'custom', path: [problem.path], message: problem.message })
      if (params.name.includes('.'))
        context.addIssue({
          code: 'custom',
          path: ['name'],
          message: 'is a VLAN: PVE plugs only cards into Open vSwitch',
        })
    }),
  example: `ovs_port:
  name: eno2
  bridge: vmbr2
  trunks: [100, 200-210]
`,
  resources({ name, bridge, tag, trunks, vlan_mode, mtu, comment, state }) {
    if (state === 'absent') return ovsPortAbsent(name, bridge)
    const options = ovsVlanOptions({ tag, trunks, vlan_mode })
    const settings: OvsPortSettings = { name, type: 'OVSPort', bridge, options, mtu, comment }
    return [...openVswitch(), ovsPortStanza(settings), ovsPortLink(settings)]
  },
})
