/** Stanzas of links of any type: what is asked for, written as PVE would, or edited into what is there. */
import { formatIpCidr, type Ipv4Cidr, type Ipv6Cidr } from '../net/ip-cidr.ts'
import { addressesNamed, removeAddress, setAddress } from './address.ts'
import { removeAddress6, setAddress6 } from './address6.ts'
import { addAutostart, isAutostarted, removeAutostart } from './allow.ts'
import { setComment } from './comments.ts'
import { type Lines, toBytes } from './lines.ts'
import { joinIdleInet } from './one-family.ts'
import { removeSpan, setOption, setOptionLines } from './options.ts'
import type { StanzaType } from './place.ts'
import { normalName, type Option, optionsNamed, type Stanza, stanzasOf } from './stanzas.ts'
import { addStanza, addStanzaAt } from './whole-stanza.ts'

/** What any link may be given. Undefined: as the file has it, or the default for a new one. */
export interface LinkSettings {
  readonly name: string
  /** `none` takes it away. Default for a new link: none. */
  readonly address?: Ipv4Cidr | 'none' | undefined
  /** `none` takes it away. Default for a new link: none. */
  readonly address6?: Ipv6Cidr | 'none' | undefined
  /** Bytes of a packet. Default for a new link: that of what it is built on. */
  readonly mtu?: number | undefined
  /** One line; empty removes it. */
  readonly comment?: string | undefined
  /** Up at boot. Default for a new link: true. */
  readonly autostart?: boolean | undefined
}

/** One option as asked for. */
export interface OptionWish {
  /** In PVE's spelling: `bridge-ports`, `ovs_type`. */
  readonly name: string
  /** Several values are several lines; undefined takes the option out. */
  readonly value: string | readonly string[] | undefined
  /** True when what the file has (undefined: no such line) says the same; default: the same words. */
  readonly same?: (present: string | undefined) => boolean
}

/** A link of some type in the file. */
export interface LinkWish extends LinkSettings {
  readonly type: StanzaType
  /** Options of which a stanza of this type has one; empty: the name alone makes it one. */
  readonly marks: readonly string[]
  /** What a new stanza has, in PVE's order. */
  readonly fresh: readonly OptionWish[]
  /** What is asked for of a stanza that is there. */
  readonly edits: readonly OptionWish[]
}

/** A file that has the link: edited where there is a stanza, added where there is none. */
export function writeLink(lines: Lines, wish: LinkWish): Lines {
  const { name, type, autostart = true } = wish
  if (stanzasOf(lines, name).length > 0) return withSameMtu(editLink(lines, wish), wish)
  // An `auto` line that nothing followed up; ifupdown2 wants it above the stanza.
  const leftover = isAutostarted(lines, name) ? removeAutostart(lines, name) : lines
  return addStanza(leftover, name, type, newStanza({ ...wish, autostart }))
}

/**
 * One stanza with the MTU is enough: ifupdown2 makes one of all stanzas of a name when it brings them up (its
 * `_save_iface_squash`), PVE when it reads them and writes the MTU back into the first. Where several have one,
 * ifupdown2 takes the first and PVE the last, so they must agree.
 */
function withSameMtu(lines: Lines, wish: LinkWish): Lines {
  const { name, mtu } = wish
  const value = optionInFile(lines, name, 'mtu')
  if (value === undefined || mtu === undefined) return lines
  const other = stanzasOf(lines, name).find((stanza) => optionsNamed(stanza, 'mtu').some((own) => own.value !== value))
  return other === undefined ? lines : withSameMtu(setOption(lines, other, 'mtu', value), wish)
}

/** The last line of an option in the first stanza that has one, as PVE reads it; undefined when none has. */
export function optionInFile(lines: Lines, name: string, option: string): string | undefined {
  return lastOption(lines, name, option)?.option.value
}

/** All lines of an option, in the order of the file. */
export function optionLinesInFile(lines: Lines, name: string, option: string): readonly string[] {
  return stanzasOf(lines, name).flatMap((stanza) => optionsNamed(stanza, option).map(({ value }) => value))
}

/** The stanza that carries the IPv4 side of an interface: `inet`, or the one without a family. */
export function inetStanza(lines: Lines, name: string): Stanza | undefined {
  const stanzas = stanzasOf(lines, name)
  return stanzas.find(({ family }) => family === 'inet') ?? stanzas.find(({ family }) => family === undefined)
}

/** True for an interface that the file gives no IPv4, by whatever means. */
export function isWithoutIpv4(lines: Lines, name: string): boolean {
  const stanzas = stanzasOf(lines, name)
  const has = ({ family, method }: Stanza) => family !== 'inet6' && method !== 'manual'
  return stanzas.length > 0 && !stanzas.some(has)
}

/** The wish for an MTU, by the option that the type has for it. */
export function mtuWish(mtu: number | undefined, option = 'mtu'): readonly OptionWish[] {
  return mtu === undefined ? [] : [{ name: option, value: String(mtu), same: (text) => Number(text) === mtu }]
}

function newStanza({ name, address, address6, comment = '', autostart, fresh }: LinkWish): readonly string[] {
  const inet = address === undefined || address === 'none' ? undefined : formatIpCidr(address)
  const inet6 = address6 === undefined || address6 === 'none' ? undefined : formatIpCidr(address6)
  const [family, first] = inet === undefined && inet6 !== undefined ? ['inet6', inet6] : ['inet', inet]
  return [
    ...(autostart ? [`auto ${name}`] : []),
    `iface ${name} ${family} ${first === undefined ? 'manual' : 'static'}`,
    ...(first === undefined ? [] : [`\taddress ${first}`]),
    ...fresh.flatMap((option) => valuesOf(option).map((value) => `\t${option.name} ${value}`)),
    ...(comment === '' ? [] : [`#${toBytes(comment)}`]),
    ...(inet === undefined || inet6 === undefined ? [] : ['', `iface ${name} inet6 static`, `\taddress ${inet6}`]),
  ]
}

function editLink(lines: Lines, wish: LinkWish): Lines {
  const { name, type, address, address6, comment, autostart, marks } = wish
  const isOne = marks.length === 0 || marks.some((mark) => lastOption(lines, name, mark) !== undefined)
  const missing = wish.fresh.filter((option) => !wish.edits.some((edit) => edit.name === option.name))
  const options = isOne ? wish.edits : [...wish.edits, ...missing]
  let file = lines
  if (address !== undefined) file = editAddress(file, name, type, address)
  if (address6 !== undefined)
    file = address6 === 'none' ? removeAddress6(file, name) : setAddress6(file, name, address6)
  for (const option of options) file = editOption(file, name, marks, option, isOne)
  if (comment !== undefined) file = setComment(file, name, comment)
  if (autostart === true) return addAutostart(file, name)
  return autostart === false ? removeAutostart(file, name) : file
}

function editAddress(lines: Lines, name: string, type: StanzaType, address: Ipv4Cidr | 'none'): Lines {
  const stanza = inetStanza(lines, name)
  const present = addressesNamed(lines, name).map(formatIpCidr)
  if (address === 'none')
    return stanza === undefined || present.length === 0 ? lines : joinIdleInet(removeAddress(lines, stanza), name)
  if (present.includes(formatIpCidr(address))) return lines
  if (stanza !== undefined) return setAddress(lines, stanza, address)
  const texts = [`iface ${name} inet static`, `\taddress ${formatIpCidr(address)}`]
  const inet6 = stanzasOf(lines, name).at(-1)
  return inet6 === undefined ? addStanza(lines, name, type, texts) : addStanzaAt(lines, inet6.end, texts)
}

function editOption(lines: Lines, name: string, marks: readonly string[], wish: OptionWish, isOne: boolean): Lines {
  const normal = normalName(wish.name)
  const found = lastOption(lines, name, normal)
  const present = found?.option.value
  const values = valuesOf(wish)
  const same = wish.same ?? ((text) => (text === undefined ? values.length === 0 : values.join('\n') === text))
  // What is said by leaving it out has to be said in a stanza that becomes one of this type.
  if (same(present) && (isOne || present !== undefined || values.length === 0)) return lines
  const holder = found?.stanza ?? lastOptionOf(lines, name, marks)?.stanza ?? inetStanza(lines, name)
  const stanza = holder ?? stanzasOf(lines, name)[0]
  if (stanza === undefined) return lines
  const [only] = values
  if (only === undefined) {
    if (found === undefined) return lines
    const without = [...optionsNamed(stanza, normal)].reverse().reduce(removeSpan, lines)
    return editOption(without, name, marks, wish, isOne)
  }
  return Array.isArray(wish.value)
    ? setOptionLines(lines, stanza, wish.name, values)
    : setOption(lines, stanza, wish.name, only)
}

function valuesOf({ value }: OptionWish): readonly string[] {
  if (value === undefined) return []
  return typeof value === 'string' ? [value] : value
}

function lastOptionOf(lines: Lines, name: string, options: readonly string[]) {
  return options.map((option) => lastOption(lines, name, option)).find((found) => found !== undefined)
}

function lastOption(lines: Lines, name: string, option: string): { stanza: Stanza; option: Option } | undefined {
  for (const stanza of stanzasOf(lines, name)) {
    const found = optionsNamed(stanza, normalName(option)).at(-1)
    if (found !== undefined) return { stanza, option: found }
  }
  return undefined
}
