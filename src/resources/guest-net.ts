/**
 * Values of `netN` and `ipconfigN` (pve-common, PVE::JSONSchema, property strings; qemu-server, PVE::QemuServer::Network;
 * pve-container, PVE::LXC::Config): read, merged with what is asked for, and written as PVE writes them.
 */

/** A property string, by key. */
export type Properties = ReadonlyMap<string, string>

/** Models of cards that QEMU has; `virtio=MAC` says model and address at once. */
const MODELS = new Set([
  ...['e1000', 'e1000-82540em', 'e1000-82544gc', 'e1000-82545em', 'e1000e', 'i82551', 'i82557b', 'i82559er'],
  ...['ne2k_isa', 'ne2k_pci', 'pcnet', 'rtl8139', 'virtio', 'vmxnet3'],
])

/** What a property may be asked to be; `none`: it goes. */
export type Wanted = Readonly<Record<string, string | number | boolean | undefined>>

/** Reads a value of either type. */
export function readProperties(text: string): Properties {
  return new Map(
    text
      .split(',')
      .filter((part) => part.trim() !== '')
      .flatMap((part): (readonly [string, string])[] => {
        const [key = '', value] = splitOnce(part)
        if (value === undefined) return [['model', key]]
        return MODELS.has(key)
          ? [
              ['model', key],
              ['macaddr', value],
            ]
          : [[key, value]]
      }),
  )
}

/** The value with what is asked for; undefined leaves a property as it is. */
export function mergeProperties(present: Properties, wanted: Wanted): Properties {
  const merged = new Map(present)
  for (const [key, value] of Object.entries(wanted)) {
    if (value === undefined || isSame(present.get(key), value)) continue
    if (value === 'none' || value === false) merged.delete(key)
    else merged.set(key, value === true ? '1' : String(value))
  }
  return merged
}

/** As PVE prints it: model with address, or the name, first; the rest by the alphabet. */
export function printProperties(properties: Properties): string {
  const { model, macaddr, name, ...rest } = Object.fromEntries(properties)
  const first = [
    ...(model === undefined ? [] : [macaddr === undefined ? model : `${model}=${macaddr}`]),
    ...(name === undefined ? [] : [`name=${name}`]),
  ]
  return [
    ...first,
    ...Object.keys(rest)
      .sort()
      .map((key) => `${key}=${rest[key]}`),
  ].join(',')
}

/** Keys whose value differs, with both values in words. */
export function differences(before: Properties, after: Properties): readonly { key: string; text: string }[] {
  const keys = [...new Set([...before.keys(), ...after.keys()])].sort()
  return keys
    .filter((key) => before.get(key) !== after.get(key))
    .map((key) => ({ key, text: `${key} ${before.get(key) ?? 'none'} → ${after.get(key) ?? 'none'}` }))
}

function isSame(present: string | undefined, wanted: string | number | boolean): boolean {
  if (typeof wanted === 'boolean') return ['1', 'on', 'yes', 'true'].includes(present?.toLowerCase() ?? '') === wanted
  if (wanted === 'none') return present === undefined
  if (typeof wanted === 'number') return present !== undefined && Number(present) === wanted
  return present?.toLowerCase() === wanted.toLowerCase()
}

function splitOnce(part: string): readonly [string, string?] {
  const at = part.indexOf('=')
  return at < 0 ? [part.trim()] : [part.slice(0, at).trim(), part.slice(at + 1).trim()]
}
