import { z } from 'zod'
import type { FactRef } from '../facts/fact.ts'
import { forwardFilterOf } from '../facts/forward-filter.ts'
import { advertisedRouteKept } from '../resources/advertised-route.ts'
import { dockerNotice } from '../resources/docker-forward.ts'
import { file } from '../resources/file.ts'
import {
  type Family,
  forwarding,
  forwardingSwitch,
  interfaceParameter,
  interfaceSysctl,
} from '../resources/forwarding.ts'
import type { Resource } from '../resources/resource.ts'
import { sysctlLasting } from '../resources/sysctl-lasting.ts'
import { absolutePath, interfaceName } from './fields.ts'
import { type SysctlSetting, sysctlFileContent, sysctlFilePath } from './sysctl-file.ts'
import { defineTask } from './task-type.ts'

const params = z
  .strictObject({
    ipv4: z.boolean().optional().describe('whether IPv4 is forwarded; default: as it is'),
    ipv6: z.boolean().optional().describe('whether IPv6 is forwarded; default: as it is'),
    interfaces: z
      .array(interfaceName)
      .default([])
      .describe(
        'interfaces between which it must work, such as the inner bridge and the uplink: their own settings, which outrank the general one, are seen to as well',
      ),
    accept_ra: z
      .array(interfaceName)
      .default([])
      .describe(
        'interfaces that learn their IPv6 route from router advertisements: a node that forwards ignores those unless told otherwise (accept_ra=2)',
      ),
    file: absolutePath
      .regex(/^\/etc\/sysctl\.d\/[^/]+\.conf$/, 'must be /etc/sysctl.d/NAME.conf')
      .default(sysctlFilePath('forwarding'))
      .describe('file that keeps the values for the next boot'),
  })
  .superRefine(({ ipv4, ipv6 }, context) => {
    if (ipv4 === undefined && ipv6 === undefined)
      context.addIssue({ code: 'custom', message: 'says nothing: give `ipv4` or `ipv6`' })
  })

/** `ip_forwarding`: the node routes between its interfaces, or does not. */
export const ipForwardingTask = defineTask({
  name: 'ip_forwarding',
  summary: 'turn routing between interfaces on or off, live and for the next boot',
  params,
  example: `ip_forwarding:
  ipv4: true
  ipv6: true
  interfaces: [vmbr0, vmbr1]
  accept_ra: [vmbr0]
`,
  resources(given) {
    const content = sysctlFileContent(settings(given))
    const { interfaces, accept_ra: acceptRa } = given
    return [
      ...(given.ipv6 === true ? [advertisedRouteKept(acceptRa)] : []),
      sysctlLasting(given.file, settings(given)),
      file({ path: given.file, content, mode: '0644', owner: 'root:root' }),
      // Before forwarding is turned on: the kernel then drops learned default routes of all other interfaces.
      ...acceptRa.map((name) => interfaceSysctl('ipv6', name, 'accept_ra', '2')),
      ...families(given).flatMap(({ family, on }) => [
        on ? withDockerNotice(forwarding(family, on, interfaces), family) : forwarding(family, on, interfaces),
        ...interfaces.map((name) => interfaceSysctl(family, name, 'forwarding', on ? '1' : '0')),
      ]),
    ]
  },
  // Seen from the place of a guest, so the uplink is left out by whoever looks.
  checks: ({ ipv4, ipv6, interfaces }) =>
    interfaces.flatMap((name) => {
      const check = { kind: 'forwarding' as const, seat: { interface: name } }
      return [...(ipv4 === true ? [check] : []), ...(ipv6 === true ? [{ ...check, family: 6 as const }] : [])]
    }),
})

/** The switch is as asked for either way, so this is no reason not to set it. */
function withDockerNotice(resource: Resource, family: Family): Resource {
  const version = family === 'ipv4' ? 4 : 6
  return {
    ...resource,
    reads: [...resource.reads, forwardFilterOf(version) as FactRef<unknown>],
    notices: (model) => [dockerNotice(version, model)].filter((text) => text !== undefined),
  }
}

type Given = z.output<typeof params>

function families({ ipv4, ipv6 }: Given): readonly { family: Family; on: boolean }[] {
  return [
    ...(ipv4 === undefined ? [] : [{ family: 'ipv4' as const, on: ipv4 }]),
    ...(ipv6 === undefined ? [] : [{ family: 'ipv6' as const, on: ipv6 }]),
  ]
}

/** In the order of the live values, for the kernel treats them at boot as it does now. */
function settings(given: Given): readonly SysctlSetting[] {
  return [
    ...given.accept_ra.map((name) => ({
      name: interfaceParameter('ipv6', name, 'accept_ra'),
      value: '2',
      optional: true,
    })),
    ...families(given).flatMap(({ family, on }) => [
      { name: forwardingSwitch(family), value: on ? '1' : '0' },
      ...given.interfaces.map((name) => ({
        name: interfaceParameter(family, name, 'forwarding'),
        value: on ? '1' : '0',
        optional: true,
      })),
    ]),
  ]
}
