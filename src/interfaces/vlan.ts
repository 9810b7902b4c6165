/** VLANs in interfaces(5): by name (`eno1.50`), by number (`vlan50` on a raw device), or with any name and both. */
import type { Lines } from './lines.ts'
import { type LinkSettings, mtuWish, type OptionWish, optionInFile, writeLink } from './link-stanza.ts'

/** A VLAN as asked for. */
export interface VlanSettings extends LinkSettings {
  /** Link whose frames are tagged. */
  readonly rawDevice: string
  /** 1 to 4094. */
  readonly id: number
  /** Default: 802.1q. */
  readonly protocol?: '802.1q' | '802.1ad' | undefined
}

/** What a name alone says: `eno1.50` is VLAN 50 of eno1, `vlan50` is VLAN 50 of a device yet to be named. */
export function vlanOfName(name: string): { readonly rawDevice?: string; readonly id?: number } {
  const [, rawDevice, dotted] = /^(.+)\.(\d+)$/.exec(name) ?? []
  if (rawDevice !== undefined) return { rawDevice, id: Number(dotted) }
  const [, number] = /^vlan(\d+)$/.exec(name) ?? []
  return number === undefined ? {} : { id: Number(number) }
}

/** A file that has the VLAN, as PVE would write it. */
export function writeVlan(lines: Lines, settings: VlanSettings): Lines {
  const isFixed = settings.name.includes('.')
  const options = vlanOptions(settings)
  return writeLink(lines, {
    ...settings,
    type: 'vlan',
    marks: isFixed ? [] : ['vlan-raw-device'],
    fresh: options.filter(({ value }) => value !== undefined),
    edits: options,
  })
}

/** VLAN of a stanza; undefined when the file does not make the interface one. */
export function vlanInFile(
  lines: Lines,
  name: string,
): Pick<VlanSettings, 'rawDevice' | 'id' | 'protocol'> | undefined {
  const named = vlanOfName(name)
  const rawDevice = optionInFile(lines, name, 'vlan-raw-device') ?? named.rawDevice
  const id = Number(named.id ?? optionInFile(lines, name, 'vlan-id') ?? Number.NaN)
  const protocol = /ad$/i.test(optionInFile(lines, name, 'vlan-protocol') ?? '') ? ('802.1ad' as const) : undefined
  return rawDevice === undefined || Number.isNaN(id) ? undefined : { rawDevice, id, protocol }
}

/** In the order in which PVE sorts options that no type has an order for. It drops what the name says already. */
function vlanOptions({ name, rawDevice, id, protocol, mtu }: VlanSettings): readonly OptionWish[] {
  const named = vlanOfName(name)
  return [
    ...mtuWish(mtu),
    ...(named.id === undefined ? [{ name: 'vlan-id', value: String(id) }] : []),
    ...(protocol === undefined
      ? []
      : [
          {
            name: 'vlan-protocol',
            value: protocol === '802.1ad' ? protocol : undefined,
            same: (text?: string) => (text ?? '802.1q').toLowerCase() === protocol,
          },
        ]),
    ...(named.rawDevice === undefined ? [{ name: 'vlan-raw-device', value: rawDevice }] : []),
  ]
}
