/** What is asked of a guest's network card, and what stands in its way. */
import { type GuestConfig, nextValue } from '../facts/guest.ts'
import { type Link, type LinksState, linkNamed } from '../facts/links.ts'
import { type Properties, readProperties } from './guest-net.ts'
import type { PlanBlocked } from './resource.ts'

/** What is asked of a card; undefined: as it is. */
export interface GuestNic {
  readonly guest: number
  readonly index: number
  readonly bridge?: string | undefined
  readonly tag?: number | 'none' | undefined
  readonly mac?: string | undefined
  readonly firewall?: boolean | undefined
  /** Megabytes per second. */
  readonly rate?: number | 'none' | undefined
  readonly mtu?: number | 'none' | undefined
  /** Of VMs. */
  readonly model?: string | undefined
  /** Within a container. */
  readonly name?: string | undefined
  /** With prefix, `dhcp`, … */
  readonly ip?: string | undefined
  readonly gateway?: string | undefined
  readonly ip6?: string | undefined
  readonly gateway6?: string | undefined
}

/** The first reason why a guest of this node cannot have the card. */
export function nicBlocked(wish: GuestNic, guest: GuestConfig, links: LinksState): PlanBlocked | undefined {
  const { guest: id, index, bridge, mtu } = wish
  const present = readProperties(nextValue(guest, `net${index}`) ?? '')
  if (present.size === 0 && bridge === undefined)
    return blocked(`guest ${id} has no net${index}, and a new one needs a bridge`, 'add `bridge` to the task')
  const named = bridge ?? present.get('bridge')
  const link = named === undefined ? undefined : linkNamed(links, named)
  if (bridge !== undefined && link === undefined)
    return blocked(`this node has no bridge ${bridge}`, 'put a bridge task for it first')
  const size = sizeBlocked(wish, guest, present, link)
  if (size !== undefined) return size
  const twin = wish.name === undefined && present.size > 0 ? undefined : twinOf(wish, guest)
  if (guest.type === 'lxc' && twin !== undefined)
    return blocked(`${twin} of guest ${id} is ${wish.name ?? `eth${index}`} already`, 'add another `name` to the task')
  const other = guest.type === 'qemu' ? wish.name : wish.model
  if (other !== undefined)
    return blocked(
      `guest ${id} is a ${guest.type === 'qemu' ? 'VM, and a name' : 'container, and a model'} of the card is for the other kind`,
      `leave \`${guest.type === 'qemu' ? 'name' : 'model'}\` out`,
    )
  const model = wish.model ?? present.get('model') ?? 'virtio'
  if (guest.type === 'qemu' && typeof mtu === 'number' && model !== 'virtio')
    return blocked(`an MTU is for virtio cards, and net${index} of guest ${id} is ${model}`, 'make it `model: virtio`')
  const addressed = wish.ip !== undefined || wish.ip6 !== undefined
  if (guest.type === 'qemu' && addressed && ![...guest.values.values()].some((value) => /cloudinit/.test(value)))
    return blocked(
      `guest ${id} has no cloud-init drive, so nothing would tell it its address`,
      `add one (qm set ${id} --ide2 STORAGE:cloudinit), or set the address within the guest`,
    )
  return undefined
}

/** What PVE refuses, some of it only when the guest starts (qemu-server, print_netdevice_full; pve-container, netconf_desc). */
function sizeBlocked(
  { guest: id, index, bridge, mtu: wanted }: GuestNic,
  { type }: GuestConfig,
  present: Properties,
  link: Link | undefined,
): PlanBlocked | undefined {
  // A card that moves to another bridge takes its MTU along.
  const mtu = wanted ?? (bridge === undefined ? undefined : Number(present.get('mtu') ?? Number.NaN))
  if (typeof mtu !== 'number' || Number.isNaN(mtu)) return undefined
  if (link !== undefined && mtu > link.mtu)
    return blocked(
      `${link.name} has an MTU of ${link.mtu}, less than ${mtu}`,
      `raise the MTU of the bridge first, or give net${index} of guest ${id} another`,
    )
  if (type === 'lxc' && mtu === 1)
    return blocked(
      'an MTU of 1, that of the bridge, is for VMs',
      'leave it out, or use `mtu: none`: containers have it so',
    )
  return type === 'qemu' && mtu > 1 && mtu < 576
    ? blocked(
        `guest ${id} would not start with an MTU of ${mtu}`,
        'a VM needs at least 576, or 1 for that of the bridge',
      )
    : undefined
}

/** Another card of a container with the same name within. */
function twinOf({ index, name = `eth${index}` }: GuestNic, { values }: GuestConfig): string | undefined {
  return [...values.keys()].find(
    (key) =>
      /^net\d+$/.test(key) && key !== `net${index}` && readProperties(values.get(key) ?? '').get('name') === name,
  )
}

/** A refusal with what to do. */
export function blocked(reason: string, hint: string): PlanBlocked {
  return { kind: 'blocked', reason, hint }
}
