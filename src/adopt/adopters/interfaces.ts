/** Adopts the interfaces of /etc/network/interfaces: bridges, and comments of everything else. */
import { interfacesRef, PENDING_PATH } from '../../facts/interfaces.ts'
import { linksRef } from '../../facts/links.ts'
import type { Model } from '../../facts/model.ts'
import { addressesNamed } from '../../interfaces/address.ts'
import { addresses6Named } from '../../interfaces/address6.ts'
import { isAutostarted } from '../../interfaces/allow.ts'
import type { Lines } from '../../interfaces/lines.ts'
import { formatIpCidr } from '../../net/ip-cidr.ts'
import {
  type Adopter,
  type Finding,
  type LeftOver,
  type ParamValue,
  type TaskDraft,
  Variable,
  type Way,
} from '../adopter.ts'
import {
  commentOf,
  interfaceLines,
  isBridge,
  linkOf,
  optionOf,
  roleOf,
  unreadOptions,
  type WrittenInterface,
  writtenInterfaces,
} from '../networks.ts'
import { reducedWays } from '../reduced.ts'
import { shownLine } from '../sensitive.ts'
import { linkFinding, slavesOf } from './links.ts'
import { ovsFinding } from './ovs.ts'

/** `bridge`, `bond`, `vlan`, `ovs_bridge` and its like, `interface_comment`. */
export const interfacesAdopter: Adopter = {
  title: 'Network',
  reads: [interfacesRef, linksRef],
  adopt({ model }) {
    const lines = interfaceLines(model)
    const written = writtenInterfaces(lines)
    const bridges = written.filter((each) => isBridge(each, model))
    const ports = new Set([...bridges.flatMap(portsOf), ...written.flatMap(slavesOf)])
    const others = written
      .filter((each) => !bridges.includes(each))
      .map((each) => ({ each, found: ovsFinding(each, lines) ?? linkFinding(each, lines, model) }))
    const rest = others.filter(({ found }) => found === undefined).map(({ each }) => each)
    return {
      findings: [
        ...others.flatMap(({ each, found }) => (found === undefined ? commentFinding(each.name, lines) : [found])),
        ...bridges.map((each) => bridgeFinding(each, lines, model)),
      ],
      leftOvers: [
        ...fileRemarks(model),
        ...rest.flatMap((each) => otherInterface(each, ports, model)),
        ...liveOnly(written, model),
      ],
    }
  },
}

function bridgeFinding(written: WrittenInterface, lines: Lines, model: Model): Finding {
  const { name } = written
  const role = roleOf(model, name)
  const inRole = (variable: string, value: string): ParamValue =>
    role === undefined ? value : new Variable(`${role}_${variable}`, value)
  const [address, ...more] = addressesNamed(lines, name).map(formatIpCidr)
  const [address6, ...more6] = addresses6Named(lines, name).map(formatIpCidr)
  const comment = commentOf(lines, name)
  const core = {
    name: inRole('bridge', name),
    ...(address === undefined ? {} : { address: inRole('address', address) }),
    ...(address6 === undefined ? {} : { address6 }),
    ports: portsOf(written),
    ...(comment === undefined ? {} : { comment }),
    ...(isAutostarted(lines, name) ? {} : { autostart: false }),
  }
  const details = bridgeDetails(written)
  const task = (params: TaskDraft['params']): TaskDraft => ({ name: `Bridge ${name}`, type: 'bridge', params })
  const leaves = [
    ...[...more, ...more6].map((extra) => ({
      what: `address ${extra} of ${name}`,
      why: '`bridge` has one address of a family',
    })),
    ...unreadOptions(written, READ).map((text) => ({
      what: `\`${text}\` of ${name}`,
      why: '`bridge` has no parameter for it; it stays in the stanza',
    })),
  ]
  const [whole, ...reduced] = reducedWays(
    task({ ...core, ...details }),
    [
      { keys: ['comment'], what: `comment of ${name}` },
      { keys: Object.keys(details), what: `${Object.keys(details).join(', ')} of ${name}` },
      { keys: ['address', 'address6'], what: `addresses of ${name}` },
    ],
    leaves,
  )
  const onlyComment: readonly Way[] =
    comment === undefined
      ? []
      : [
          {
            tasks: [commentTask(name, comment)],
            leaves,
            partial: { what: `${name} but for its comment`, fuller: whole },
          },
        ]
  return { what: `bridge ${name}`, ways: [whole, ...reduced, ...onlyComment] }
}

function bridgeDetails(written: WrittenInterface): Readonly<Record<string, ParamValue>> {
  const isOn = (text: string | undefined) => /^(on|yes|1|true)$/i.test(text ?? '')
  const [fd, mtu] = [optionOf(written, 'bridge-fd'), optionOf(written, 'mtu')].map(Number)
  const aware = isOn(optionOf(written, 'bridge-vlan-aware'))
  const vids = optionOf(written, 'bridge-vids')?.split(/[\s,]+/)
  return {
    ...(isOn(optionOf(written, 'bridge-stp')) ? { stp: true } : {}),
    ...(fd !== undefined && fd > 0 && fd <= 30 ? { fd } : {}),
    ...(mtu !== undefined && mtu > 0 ? { mtu } : {}),
    ...(aware ? { vlan_aware: true } : {}),
    ...(aware && vids !== undefined ? { vids: vids.map((each) => (/^\d+$/.test(each) ? Number(each) : each)) } : {}),
  }
}

/** Options that `bridge` says something about. */
const READ = /^(address|netmask|broadcast|bridge-(ports|stp|fd|vlan-aware|vids)|mtu)$/

function commentFinding(name: string, lines: Lines): readonly Finding[] {
  const comment = commentOf(lines, name)
  return comment === undefined ? [] : [{ what: `comment of ${name}`, ways: [{ tasks: [commentTask(name, comment)] }] }]
}

function commentTask(name: string, comment: string): TaskDraft {
  return { name: `Comment of ${name}`, type: 'interface_comment', params: { name, comment } }
}

/** Anything but a card that does nothing more than to be a port. */
function otherInterface(written: WrittenInterface, ports: ReadonlySet<string>, model: Model): readonly LeftOver[] {
  const { name, stanzas } = written
  const kind = linkOf(model, name)?.kind
  const methods = stanzas.map(({ family = '', method = '' }) => `${family} ${method}`.trim())
  const options = stanzas.flatMap((stanza) => stanza.options.map((o) => shownLine(`${o.name} ${o.value}`)))
  const isPlain =
    methods.every((method) => /manual$/.test(method)) && options.every((text) => /^bond[-_]master /.test(text))
  if (isPlain && (ports.has(name) || kind === '' || kind === undefined)) return []
  const what = `${name} (${kind === undefined || kind === '' ? 'network card' : kind})`
  return [
    {
      what,
      why: `no task describes \`iface ${name} ${methods.join(', ')}\`${options.length === 0 ? '' : ` with ${options.join('; ')}`}`,
    },
  ]
}

/** Bridges and their like that nothing brings back at the next boot. */
function liveOnly(written: readonly WrittenInterface[], model: Model): readonly LeftOver[] {
  const names = new Set(written.map(({ name }) => name))
  const { sourced } = model.get(interfacesRef)
  return model
    .get(linksRef)
    .links.filter(
      ({ name, kind }) => /^(bridge|bond|vlan)$/.test(kind) && !names.has(name) && !/^(fwbr|vmbr\d+v)\d+/.test(name),
    )
    .map(({ name, kind }) => {
      const file = sourced.find(({ content }) => new RegExp(`^iface ${name}\\s`, 'm').test(content.toString('latin1')))
      const why =
        file === undefined
          ? 'it is there live, and /etc/network/interfaces has no stanza of it'
          : `it is described in ${file.path}, which pvectl does not edit`
      return { what: `${name} (${kind})`, why }
    })
}

function fileRemarks(model: Model): readonly LeftOver[] {
  const { main, pending } = model.get(interfacesRef)
  return [
    ...(main === undefined ? [{ what: '/etc/network/interfaces', why: 'there is none' }] : []),
    ...(pending === undefined
      ? []
      : [{ what: PENDING_PATH, why: 'a network change is pending in the web interface; it was not looked at' }]),
  ]
}

function portsOf(written: WrittenInterface): readonly string[] {
  const text = optionOf(written, 'bridge-ports') ?? 'none'
  return text.split(/\s+/).filter((port) => port !== '' && port !== 'none')
}
