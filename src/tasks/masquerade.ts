import { z } from 'zod'
import type { SourceNat } from '../nat/source-nat.ts'
import { formatIpCidr, ipNetworkOf, parseIp, parseIpCidr } from '../net/ip-cidr.ts'
import { besideNat } from '../resources/guests-forwarded.ts'
import { interfacesHooks, interfacesHooksAbsent } from '../resources/interfaces-hooks.ts'
import { natAsWritten } from '../resources/nat-as-written.ts'
import { natRuleAbsent, natRuleLive } from '../resources/nat-rule.ts'
import { interfaceName, stateField } from './fields.ts'
import { defineTask, ParamProblem } from './task-type.ts'

const params = z.strictObject({
  source: z
    .string()
    .regex(/^[\da-fA-F.:]+\/\d+$/, 'must be a network, e.g. 10.10.10.0/24 or fd00:10::/64')
    .describe('network whose packets get another source address on their way out; of IPv6 too (NAT66)'),
  out: interfaceName.describe('interface that they leave by, e.g. vmbr0'),
  bridge: interfaceName
    .optional()
    .describe('interface whose stanza carries the rule; default: the one with an address in `source`'),
  snat: z
    .strictObject({
      to: z
        .string()
        .refine((text) => parseIp(text) !== undefined, 'must be an IP address')
        .describe('address of the node that packets get'),
    })
    .optional()
    .describe('use this fixed address; default: whichever address `out` has (MASQUERADE)'),
  hooks: z
    .enum(['tidy', 'as_written'])
    .default('tidy')
    .describe(
      '`tidy`: one guarded hook, and the rule live exactly once; `as_written`: hooks and live rules that do the same in other words, or more than once, stay as somebody wrote them',
    ),
  state: stateField,
})

/** `masquerade`: guests reach the outside through an address of the node. */
export const masqueradeTask = defineTask({
  name: 'masquerade',
  summary: 'hide a network behind an address of the node (source NAT), live exactly once and at every boot',
  params,
  example: `masquerade:
  source: 10.10.10.0/24
  out: vmbr0
`,
  resources({ source, out, bridge, snat, hooks, state }) {
    const cidr = parseIpCidr(source)
    if (cidr === undefined || cidr.prefix === 0) throw new ParamProblem(['source'], `${source} is no network`)
    const network = formatIpCidr(ipNetworkOf(cidr))
    if (network !== formatIpCidr(cidr))
      throw new ParamProblem(['source'], `${source} is an address within ${network}`, `write ${network}`)
    const target = snat === undefined ? ({ kind: 'masquerade' } as const) : ({ kind: 'snat', to: snat.to } as const)
    if (snat !== undefined && parseIp(snat.to)?.family !== cidr.family)
      throw new ParamProblem(['snat', 'to'], `${snat.to} is of another version of IP than ${source}`)
    const rule: SourceNat = { kind: 'source', source: cidr, out, target }
    const desired = { rule, holder: bridge }
    if (state === 'absent') return [natRuleAbsent(rule), interfacesHooksAbsent(desired)]
    const [live, ...rest] =
      hooks === 'as_written' ? natAsWritten(desired) : ([natRuleLive(desired), interfacesHooks(desired)] as const)
    return [besideNat(live, desired), ...rest]
  },
  checks: ({ source, out, bridge, snat, state }) => {
    if (state === 'absent') return []
    const seat = { network: source, ...(bridge === undefined ? {} : { interface: bridge }) }
    return [{ kind: 'nat', seat, out, ...(snat === undefined ? {} : { to: snat.to }) }]
  },
})
