/** What differs between two interfaces(5) files beyond what can be made live link by link. Pure. */
import { addressesNamed } from '../interfaces/address.ts'
import type { Lines } from '../interfaces/lines.ts'
import { normalName, parseBlocks, stanzasOf } from '../interfaces/stanzas.ts'
import { ruleHooks } from '../nat/hook-lines.ts'
import { bridgesOf } from './network-between.ts'

/** Options of a bridge that are compared with the live one. */
const FOLLOWED = ['bridge-ports', 'bridge-stp', 'bridge-fd']
const ADDRESS = ['address', 'netmask']

/** Interfaces whose file and live side will differ, with the options that do: `eno2 (address, mtu)`. */
export function onlyInFile(present: Lines, wanted: Lines): readonly string[] {
  const bridges = [...bridgesOf(present), ...bridgesOf(wanted)]
  const names = new Set([...stanzasOf(wanted), ...stanzasOf(present)].map(({ name }) => name))
  const interfaces = [...names].flatMap((name) => {
    const isBridge = bridges.includes(name)
    // A bridge that is new is brought up from its whole stanza, and one that goes is taken down.
    if (isBridge && (stanzasOf(present, name).length === 0 || stanzasOf(wanted, name).length === 0)) return []
    const followed = isBridge ? [...FOLLOWED, ...(hasOneAddress(name, present, wanted) ? ADDRESS : [])] : []
    const [now, then] = [settings(present, name, followed), settings(wanted, name, followed)]
    if (now.join('\n') === then.join('\n')) return []
    if (stanzasOf(present, name).length === 0) return [`${name} (new)`]
    if (stanzasOf(wanted, name).length === 0) return [`${name} (gone from the file)`]
    const differing = [...then.filter((line) => !now.includes(line)), ...now.filter((line) => !then.includes(line))]
    const options = [...new Set(differing.map((line) => line.split(' ')[0] ?? ''))]
    return [options.length === 0 ? name : `${name} (${options.join(', ')})`]
  })
  const sources = (lines: Lines) =>
    parseBlocks(lines).flatMap((block) =>
      block.kind === 'other' && /^source/.test(block.keyword)
        ? lines.slice(block.first, block.end).map(({ text }) => text)
        : [],
    )
  return sources(present).join('\n') === sources(wanted).join('\n') ? interfaces : [...interfaces, 'source lines']
}

/** Of several addresses nobody can say which one takes the place of which, so they are not followed. */
function hasOneAddress(name: string, ...files: readonly Lines[]): boolean {
  return files.every((lines) => addressesNamed(lines, name).length <= 1)
}

/** What a file says of an interface, a line each, without NAT hooks and options that are `followed` live. */
function settings(lines: Lines, name: string, followed: readonly string[]): readonly string[] {
  const hooks = ruleHooks(lines).flatMap(({ option, pure }) => (pure ? [option.first] : []))
  return stanzasOf(lines, name).flatMap((stanza) => {
    const isFollowed = (option: string) =>
      followed.includes(option) && (stanza.family !== 'inet6' || FOLLOWED.includes(option))
    const method = `method ${stanza.family ?? ''} ${stanza.method ?? ''}`
    return [
      ...(isFollowed('address') ? [] : [method]),
      ...stanza.options
        .filter(({ first, name: option }) => !hooks.includes(first) && !isFollowed(normalName(option)))
        .map(({ name: option, value }) => `${normalName(option)} ${value}`),
    ]
  })
}
