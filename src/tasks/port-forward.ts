import { z } from 'zod'
import { formatIp, formatIpCidr, hostOf, type IpCidr, parseIp } from '../net/ip-cidr.ts'
import { nodeUse, refusal } from '../resources/forward-checks.ts'
import type { ForwardDesired } from '../resources/forward-wish.ts'
import { besideForward } from '../resources/guests-forwarded.ts'
import { forwardAsWritten, portForward, portForwardGone } from '../resources/port-forward.ts'
import type { Check } from '../verify/check.ts'
import { asList, interfaceName, oneOrMany, portNumber, stateField } from './fields.ts'
import { defineTask, ParamProblem } from './task-type.ts'

const ipAddress = z.string().refine((text) => parseIp(text) !== undefined, 'must be an IP address')

const params = z.strictObject({
  port: z
    .union([portNumber, z.string().regex(/^\d{1,5}(-\d{1,5})?$/)], {
      error: 'must be a port, or a range such as 8000-8010',
    })
    .describe('port of the node, or a range: `8000-8010`'),
  to: z
    .string()
    .describe(
      'guest, with its port where that is another one: `10.10.10.20:443`, `[fd00:10::20]:443`; for a range the port of its first',
    ),
  protocol: oneOrMany(z.enum(['tcp', 'udp']), '`tcp` or `udp`')
    .default('tcp')
    .describe('`tcp`, `udp`, or both as a list'),
  address: oneOrMany(ipAddress, 'an IP address')
    .optional()
    .describe('address that the outside uses, or several; default: that of the interface with the default route'),
  bridge: interfaceName
    .optional()
    .describe("interface whose stanza carries the rules; default: the one with an address in the guest's network"),
  hooks: z
    .enum(['tidy', 'as_written'])
    .default('tidy')
    .describe(
      '`tidy`: one guarded hook for each rule, for all who ask; `as_written`: what somebody wrote stays, as long as it leads there',
    ),
  state: stateField,
})

/** `port_forward`: a port of the node leads to a guest. */
export const portForwardTask = defineTask({
  name: 'port_forward',
  summary: 'lead a port of the node to a guest, from outside, from the node itself and from other guests',
  params,
  example: `port_forward:
  port: 8443
  to: 10.10.10.20:443
`,
  resources(given) {
    if (given.state === 'absent') return desiredOf(given).map(portForwardGone)
    const set = given.hooks === 'as_written' ? forwardAsWritten : portForward
    return desiredOf(given).map((desired) => besideForward(set(desired), desired))
  },
  checks: (given) => (given.state === 'absent' ? [] : desiredOf(given).flatMap(forwardProofs)),
})

/** Of a range, the first port stands for all. */
function forwardProofs({ address, protocol, ports, to, port, holder }: ForwardDesired): readonly Check[] {
  const guest = formatIp(to)
  const check = {
    kind: 'forward' as const,
    protocol,
    ...(address === undefined ? {} : { address: formatIp(address) }),
    port: ports.first,
    to: { address: guest, port },
  }
  const seat = {
    network: `${guest}/${to.family === 4 ? 32 : 128}`,
    ...(holder === undefined ? {} : { interface: holder }),
  }
  return [
    { ...check, from: 'outside' },
    { ...check, from: seat },
  ]
}

function desiredOf({ port, to, protocol, address, bridge, state }: z.output<typeof params>): readonly ForwardDesired[] {
  const ports = readPorts(port)
  const guest = readGuest(to)
  const width = ports.last - ports.first
  const first = guest.port ?? ports.first
  if (first + width > 65535) throw new ParamProblem(['to'], `the range would end at port ${first + width} of the guest`)
  const addresses = address === undefined ? [undefined] : asList(address).map((text, i) => readAddress(text, i, guest))
  return asList(protocol).flatMap((one) =>
    addresses.map((from) => {
      const use = from === undefined && state === 'present' ? nodeUse(one, ports) : undefined
      if (use !== undefined) {
        const { reason, hint } = refusal(`port ${use.port} is ${use.use} of the node`)
        throw new ParamProblem(['port'], reason, hint)
      }
      const { family } = guest.host
      return { family, address: from, protocol: one, ports, to: guest.host, port: first, holder: bridge }
    }),
  )
}

function readPorts(given: number | string): { first: number; last: number } {
  const [first = 0, last = first] = String(given).split('-').map(Number)
  if (first < 1 || last > 65535) throw new ParamProblem(['port'], `${given} is not between 1 and 65535`)
  if (last < first) throw new ParamProblem(['port'], `the range ${given} ends before it begins`)
  return { first, last }
}

interface Guest {
  readonly host: IpCidr
  readonly port: number | undefined
}

function readGuest(text: string): Guest {
  const [, bracketed, plain, port] =
    /^(?:\[([^\]]+)\]|([\d.]+|[\da-fA-F:]+:[\da-fA-F:.]*))(?::(\d{1,5}))?$/.exec(text) ?? []
  const whole = parseIp(text)
  const host = whole ?? parseIp(bracketed ?? plain ?? '')
  const number = whole === undefined && port !== undefined ? Number(port) : undefined
  if (host === undefined) throw new ParamProblem(['to'], `${text} is no IP address with or without port`, EXAMPLES)
  if (number !== undefined && (number < 1 || number > 65535))
    throw new ParamProblem(['to'], `${number} is not between 1 and 65535`)
  return { host: hostOf(host), port: number }
}

const EXAMPLES = 'write 10.10.10.20, 10.10.10.20:443, fd00:10::20 or [fd00:10::20]:443'

function readAddress(text: string, index: number, { host }: Guest): IpCidr {
  const parsed = parseIp(text)
  if (parsed?.family !== host.family)
    throw new ParamProblem(['address', index], `${text} is of another version of IP than ${formatIpCidr(host)}`)
  return hostOf(parsed)
}
