/** What adopters share of a node's network: its stanzas, and which bridge leads outside. */
import { interfacesRef } from '../facts/interfaces.ts'
import { carriesDefaultRoute, type Link, linksRef } from '../facts/links.ts'
import type { Model } from '../facts/model.ts'
import { commentsNamed } from '../interfaces/comments.ts'
import { type Lines, parseLines } from '../interfaces/lines.ts'
import { normalName, optionsNamed, type Stanza, stanzasOf } from '../interfaces/stanzas.ts'
import { hookPhase } from '../nat/hook-lines.ts'
import { secretLine, shownLine } from './sensitive.ts'

/** An interface with all its stanzas in /etc/network/interfaces. */
export interface WrittenInterface {
  readonly name: string
  readonly stanzas: readonly Stanza[]
}

/** Lines of /etc/network/interfaces; none without the file. */
export function interfaceLines(model: Model): Lines {
  return parseLines(model.get(interfacesRef).main ?? Buffer.alloc(0))
}

/** Interfaces of the file in order, the loopback left out. */
export function writtenInterfaces(lines: Lines): readonly WrittenInterface[] {
  const stanzas = stanzasOf(lines)
  const names = [...new Set(stanzas.map(({ name }) => name))].filter((name) => name !== 'lo')
  return names.map((name) => ({ name, stanzas: stanzas.filter((stanza) => stanza.name === name) }))
}

/** The value of an option, in any spelling, of the first stanza that has it. */
export function optionOf({ stanzas }: WrittenInterface, ...names: readonly string[]): string | undefined {
  return stanzas.flatMap((stanza) => optionsNamed(stanza, ...names))[0]?.value
}

/** Options that are neither read by a task nor hooks, which have an adopter of their own, fit to show. */
export function unreadOptions({ stanzas }: WrittenInterface, read: RegExp): readonly string[] {
  return stanzas
    .flatMap(({ options }) => options)
    .filter(({ name }) => !read.test(normalName(name)) && hookPhase(name) === undefined)
    .map(({ name, value }) => shownLine(`${name} ${value}`))
}

/** The comment of an interface; undefined without one, for several lines, which no task takes, and for a secret. */
export function commentOf(lines: Lines, name: string): string | undefined {
  // Comments hold bytes.
  const [only, ...others] = commentsNamed(lines, name).map((text) =>
    Buffer.from(text, 'latin1').toString('utf8').trim(),
  )
  return only === undefined || only === '' || others.length > 0 || secretLine(only) !== undefined ? undefined : only
}

/** True for what the file or the kernel calls a Linux bridge. */
export function isBridge(written: WrittenInterface, model: Model): boolean {
  return optionOf(written, 'bridge-ports') !== undefined || linkOf(model, written.name)?.kind === 'bridge'
}

/** The live link of a name. */
export function linkOf(model: Model, name: string): Link | undefined {
  return model.get(linksRef).links.find((link) => link.name === name)
}

/** Names of live bridges with an IPv4 address, the one with the default route first. */
export function usedBridges(model: Model): readonly string[] {
  const state = model.get(linksRef)
  return state.links
    .filter(({ kind, addresses }) => kind === 'bridge' && addresses.some(({ family }) => family === 4))
    .map(({ name }) => name)
    .sort((a, b) => Number(carriesDefaultRoute(state, b)) - Number(carriesDefaultRoute(state, a)))
}

/** The role of a bridge for the shipped playbooks; undefined where several could play it. */
export function roleOf(model: Model, name: string): 'external' | 'internal' | undefined {
  const state = model.get(linksRef)
  const bridges = usedBridges(model)
  const outer = bridges.filter((bridge) => carriesDefaultRoute(state, bridge))
  const inner = bridges.filter((bridge) => !carriesDefaultRoute(state, bridge))
  if (outer.length === 1 && outer[0] === name) return 'external'
  return inner.length === 1 && inner[0] === name ? 'internal' : undefined
}
