/** Network devices in the configuration of guests, as qemu-server and pve-container write them. */

/** A network device of a guest. */
export interface GuestNic {
  /** `net0`. */
  readonly name: string
  /** In lower case; undefined when the configuration names none. */
  readonly mac?: string
  readonly bridge?: string
  /** VLAN tag. */
  readonly tag?: number
  /** Fixed IPv4 address with prefix, of a container or by cloud-init; undefined for DHCP and what the guest sets itself. */
  readonly address?: string
}

const MAC = /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/i

/** Models that stand as the key of the hardware address: `virtio=BC:24:11:…` (qemu-server:PVE/QemuServer.pm). */
const MODELS =
  /^(virtio|e1000|e1000e|e1000-82540em|e1000-82544gc|e1000-82545em|i82551|i82557b|i82559er|ne2k_isa|ne2k_pci|pcnet|rtl8139|vmxnet3)$/

/** All network devices of a guest's configuration, by number. */
export function guestNics(config: Readonly<Record<string, unknown>>): readonly GuestNic[] {
  return Object.keys(config)
    .flatMap((key) => /^net(\d+)$/.exec(key)?.[1] ?? [])
    .sort((a, b) => Number(a) - Number(b))
    .map((index) => readNic(index, config))
}

function readNic(index: string, config: Readonly<Record<string, unknown>>): GuestNic {
  const device = properties(config[`net${index}`])
  const cloudInit = properties(config[`ipconfig${index}`])
  const byModel = [...device].find(([key]) => MODELS.test(key))?.[1]
  const mac = device.get('hwaddr') ?? device.get('macaddr') ?? byModel
  const bridge = device.get('bridge')
  const tag = Number(device.get('tag'))
  const address = device.get('ip') ?? cloudInit.get('ip')
  return {
    name: `net${index}`,
    ...(mac !== undefined && MAC.test(mac) ? { mac: mac.toLowerCase() } : {}),
    ...(bridge === undefined ? {} : { bridge }),
    ...(Number.isInteger(tag) && tag > 0 ? { tag } : {}),
    ...(address !== undefined && /^[\d.]+\/\d+$/.test(address) ? { address } : {}),
  }
}

/** `virtio=…,bridge=vmbr0,firewall=1`. */
function properties(text: unknown): ReadonlyMap<string, string> {
  if (typeof text !== 'string') return new Map()
  return new Map(
    text.split(',').map((part) => {
      const split = part.indexOf('=')
      return split < 0 ? [part.trim(), ''] : [part.slice(0, split).trim(), part.slice(split + 1).trim()]
    }),
  )
}
