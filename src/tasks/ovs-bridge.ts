import { z } from 'zod'
import { linkGone } from '../resources/link-absent.ts'
import { ovsBridgeGone } from '../resources/ovs-absent.ts'
import { ovsBridgeLink, ovsBridgeStanza } from '../resources/ovs-link.ts'
import { openVswitch } from '../resources/ovs-package.ts'
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

/** `ovs_bridge`: a bridge of Open vSwitch. */
export const ovsBridgeTask = defineTask({
  name: 'ovs_bridge',
  summary: 'a bridge of Open vSwitch with its cards; its package is installed where it is missing',
  params: z
    .strictObject({
      name: bridgeName.describe('`vmbr2`; PVE before 8 accepts only vmbr and a number'),
      ports: z
        .array(interfaceName)
        .default([])
        .describe(
          'network cards that are plugged in; other ports stay, and are taken out by `ovs_port` with `state: absent`',
        ),
      address: addressField,
      address6: address6Field,
      mtu: mtuField,
      comment: commentField,
      autostart: autostartField,
      state: stateField.describe('`absent` takes the bridge away and gives its cards back, unless guests use it'),
    })
    .superRefine(({ name, ports }, context) => {
      const wrong = (message: string) => context.addIssue({ code: 'custom', path: ['ports'], message })
      if (new Set(ports).size < ports.length) wrong('names a port twice')
      if (ports.includes(name)) wrong(`names ${name} itself`)
    }),
  example: `ovs_bridge:
  name: vmbr2
  ports: [eno2]
`,
  resources({ name, ports, address, address6, mtu, comment, autostart, state }) {
    if (state === 'absent') return linkGone(ovsBridgeGone(name))
    const settings = { name, ports, ...readAddresses({ address, address6 }), mtu, comment, autostart }
    return [...openVswitch(), ovsBridgeStanza(settings), ovsBridgeLink(settings)]
  },
})
