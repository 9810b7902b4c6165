/** A network card of a guest, changed by `qm set` or `pct set`, which replace the whole of a value. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { type GuestConfig, guestNumbered, nextValue } from '../facts/guest.ts'
import { linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { rulesOf } from '../facts/nat.ts'
import { readRule } from '../nat/rules.ts'
import { formatIp, parseIpCidr } from '../net/ip-cidr.ts'
import { differences, mergeProperties, type Properties, printProperties, readProperties } from './guest-net.ts'
import { blocked, type GuestNic, nicBlocked } from './guest-nic-checks.ts'
import { OK, type Plan, type Resource } from './resource.ts'

/** Ensures a card of a guest that is on this node; one on another node is that node's business. */
export function guestNic(wish: GuestNic): Resource {
  return nicResource(wish, `net${wish.index} of guest ${wish.guest}`, (guest, model) => {
    const blocked = nicBlocked(wish, guest, model.get(linksRef))
    return blocked ?? planValues(wish, guest, wantedValues(wish, guest))
  })
}

/** Ensures that a guest has no such card. */
export function guestNicGone(wish: GuestNic): Resource {
  return nicResource(wish, `no net${wish.index} for guest ${wish.guest}`, (guest) =>
    planValues(wish, guest, [
      { name: `net${wish.index}`, after: undefined },
      ...(guest.type === 'qemu' ? [{ name: `ipconfig${wish.index}`, after: undefined }] : []),
    ]),
  )
}

function nicResource(wish: GuestNic, title: string, plan: (guest: GuestConfig, model: Model) => Plan): Resource {
  const ref = guestNumbered(wish.guest)
  return {
    kind: 'guest_nic',
    key: `guest-nic:${wish.guest}/net${wish.index}`,
    claims: claimsOf(wish),
    title,
    reads: [ref, linksRef, rulesOf(4, 'nat'), rulesOf(4, 'raw')],
    notices(model) {
      const guest = model.get(ref)
      if (guest.place === 'elsewhere')
        return [`guest ${wish.guest} is on ${guest.node}, which sees to its network cards`]
      const zone = guest.place === 'here' && wish.firewall === true && lacksZone(model) ? [NO_ZONE] : []
      const waiting = guest.place === 'here' && guest.running ? waitingFor(wish, guest) : []
      return [
        ...zone,
        ...(waiting.length === 0 ? [] : [`guest ${wish.guest} needs a restart for ${waiting.join(' and ')}`]),
      ]
    },
    plan(model) {
      const guest = model.get(ref)
      if (guest.place === 'elsewhere') return OK
      if (guest.place === 'nowhere')
        return blocked(`there is no guest ${wish.guest} in the cluster`, 'see `qm list` and `pct list`')
      const lock = guest.values.get('lock')
      const made = plan(guest, model)
      return made.kind === 'change' && lock !== undefined
        ? blocked(`guest ${wish.guest} is locked (${lock})`, 'wait for what locked it to end, then run again')
        : made
    },
  }
}

/** One of each: an address on a bridge may be used again on another, which has nothing to do with it. */
function claimsOf({ mac, ip, ip6, bridge, tag }: GuestNic): readonly string[] {
  const place = bridge === undefined ? undefined : typeof tag === 'number' ? `${bridge}, VLAN ${tag}` : bridge
  const hosts = [ip, ip6].flatMap((text) => {
    const cidr = text === undefined ? undefined : parseIpCidr(text)
    return cidr === undefined ? [] : [formatIp(cidr)]
  })
  return [
    ...(mac === undefined ? [] : [`hardware address:${mac}`]),
    ...(place === undefined ? [] : hosts.map((host) => `address:${host} on ${place}`)),
  ]
}

const NO_ZONE = 'the node hides networks by NAT, which may miss guests with a firewall: add a `conntrack_zone` task'

/** Packets of a guest with a firewall are tracked before NAT sees them, unless in a zone of their own. */
function lacksZone(model: Model): boolean {
  const rules = (table: 'nat' | 'raw') => {
    const state = model.get(rulesOf(4, table))
    return state.available
      ? state.rules.flatMap(({ chain, args }) => readRule({ family: 4, table, chain }, args) ?? [])
      : []
  }
  const hidden = rules('nat').some(({ kind }) => kind === 'source')
  return hidden && !rules('raw').some((rule) => rule.kind === 'zone' && rule.in.startsWith('fwbr'))
}

interface NextValue {
  readonly name: string
  /** Undefined: it goes. */
  readonly after: Properties | undefined
}

/** A card, and for VMs what cloud-init tells the guest; containers have both in one value. */
function wantedValues(wish: GuestNic, guest: GuestConfig): readonly NextValue[] {
  const { index, bridge, tag, firewall, rate, mtu, mac, ip, ip6 } = wish
  const net = `net${index}`
  const shared = { bridge, tag, firewall, rate, mtu }
  // PVE refuses a gateway beside an address by DHCP.
  const gw = wish.gateway ?? (ip !== undefined && !ip.includes('/') ? 'none' : undefined)
  const gw6 = wish.gateway6 ?? (ip6 !== undefined && !ip6.includes('/') ? 'none' : undefined)
  const addresses = { ip, gw, ip6, gw6 }
  const present = properties(guest, net)
  if (guest.type === 'lxc') {
    const isNew = present.size === 0
    const made = { ...shared, ...addresses, hwaddr: mac, name: wish.name ?? (isNew ? `eth${index}` : undefined) }
    return [{ name: net, after: mergeProperties(present, { ...made, type: isNew ? 'veth' : undefined }) }]
  }
  const model = wish.model ?? (present.has('model') ? undefined : 'virtio')
  const card: NextValue = { name: net, after: mergeProperties(present, { ...shared, macaddr: mac, model }) }
  const config = mergeProperties(properties(guest, `ipconfig${index}`), addresses)
  return [card, ...(ip === undefined && ip6 === undefined ? [] : [{ name: `ipconfig${index}`, after: config }])]
}

function properties(guest: GuestConfig, name: string): Properties {
  return readProperties(nextValue(guest, name) ?? '')
}

interface ChangedValue extends NextValue {
  readonly before: Properties
  readonly texts: readonly { readonly key: string; readonly text: string }[]
}

function planValues({ guest: id }: GuestNic, guest: GuestConfig, wanted: readonly NextValue[]): Plan {
  const changes = wanted.flatMap((value): readonly ChangedValue[] => {
    const before = properties(guest, value.name)
    const texts = differences(before, value.after ?? new Map())
    return texts.length === 0 ? [] : [{ ...value, before, texts }]
  })
  if (changes.length === 0) return OK
  const notes = changes.flatMap((change) => noteOf(guest, change))
  const after = changes.map(
    ({ name, after }) => [name, after === undefined ? undefined : printProperties(after)] as const,
  )
  return {
    kind: 'change',
    changes: [
      ...changes.map(({ name, before, after, texts }) => ({ summary: summaryOf(id, name, before, after, texts) })),
      ...notes.map((summary) => ({ summary })),
    ],
    script: setScript(id, guest, after),
    after: [becomes(guestNumbered(id), { place: 'here' as const, ...guestAfter(guest, after) })],
  }
}

function summaryOf(
  id: number,
  name: string,
  before: Properties,
  after: Properties | undefined,
  texts: readonly { readonly text: string }[],
): string {
  const where = `${name} of guest ${id}`
  if (after === undefined) return `remove ${where}: ${printProperties(before)}`
  if (before.size === 0) return `add ${where}: ${printProperties(after)}`
  return `${where}: ${texts.map(({ text }) => text).join(', ')}`
}

type After = readonly (readonly [string, string | undefined])[]

/** The digest makes PVE refuse when somebody else has changed the guest meanwhile. */
function setScript(id: number, { type, digest, running }: GuestConfig, after: After): Script {
  const tool = type === 'qemu' ? 'qm' : 'pct'
  const set = after.flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]))
  const gone = after.flatMap(([name, value]) => (value === undefined ? [name] : []))
  const names = after.map(([name]) => name).join('|')
  return joinScripts([
    sh`${tool} set ${id}${digest === undefined ? sh`` : sh` --digest ${digest}`} ${set}${gone.length === 0 ? sh`` : sh` --delete ${gone.join(',')}`}`,
    ...(running
      ? [
          sh`if ${tool} pending ${id} | grep -qE ${`^(new (${names}):|del (${names})$)`}; then echo ${`guest ${id} needs a restart for this`}; fi`,
        ]
      : []),
  ])
}

function guestAfter(guest: GuestConfig, after: After): GuestConfig {
  const values = new Map(guest.values)
  const pending = new Map(guest.pending)
  for (const [name, value] of after) {
    pending.delete(name)
    if (value === undefined) values.delete(name)
    else values.set(name, value)
  }
  return { ...guest, digest: undefined, values, pending }
}

/** What a running guest makes of it (qemu-server, vmconfig_update_net; pve-container, update_net). */
function noteOf(
  { type, running, values }: GuestConfig,
  { name, before, after, texts }: ChangedValue,
): readonly string[] {
  const keys = texts.map(({ key }) => key)
  if (!running || (after === undefined && name.startsWith('ipconfig'))) return []
  if (name.startsWith('ipconfig')) return ['note: the guest reads its addresses when it restarts']
  if (type === 'lxc') return keys.includes('mtu') ? ['note: the MTU changes when the container restarts'] : []
  const isExchange = keys.some((key) => ['model', 'macaddr', 'queues', 'mtu'].includes(key))
  const hotplug = values.get('hotplug') ?? '1'
  if (!isExchange) return []
  if (hotplug !== '1' && !/network/.test(hotplug))
    return ['note: it takes effect when the guest restarts, since its network cards cannot be changed while it runs']
  return before.size === 0 || after === undefined
    ? []
    : ['note: the running guest sees its card taken out and another one put in']
}

/** Values that a running guest has not got yet. */
function waitingFor({ index }: GuestNic, { pending, unread }: GuestConfig): readonly string[] {
  return [`net${index}`, `ipconfig${index}`].filter((name) => pending.has(name) || unread.includes(name))
}
