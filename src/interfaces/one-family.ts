/** One stanza for a link that keeps IPv6 alone, and the stanza of a link in which hooks are safe. */
import { addressesOf, setFamily } from './address.ts'
import { type Lines, splice, words } from './lines.ts'
import { insertOption, refind } from './options.ts'
import { isKeyword, optionsNamed, type Stanza, stanzasOf } from './stanzas.ts'
import { removeStanza } from './whole-stanza.ts'

/**
 * Makes one `inet6 static` stanza of it and an `inet manual` beside it. An edit in the web interface would drop the
 * latter, with its hooks and all options that PVE does not know (pve-manager, PVE::API2::Network, update_network).
 */
export function joinIdleInet(lines: Lines, name: string): Lines {
  const stanzas = stanzasOf(lines, name)
  const inet = stanzas.find((stanza) => stanza.family === 'inet' && stanza.method === 'manual')
  const inet6 = stanzas.find((stanza) => stanza.family === 'inet6' && stanza.method === 'static')
  if (stanzas.length !== 2 || inet === undefined || inet6 === undefined) return lines
  if (addressesOf(inet).length > 0 || !hasAddress(inet6) || !isPlain(lines, inet6) || !isPlain(lines, inet))
    return lines
  const repeated = optionsNamed(inet, 'mtu').length > 0
  const moved = inet6.options.filter((option) => !repeated || option.name !== 'mtu')
  const notes = inet6.comments.map(({ first }) => lines[first]?.text ?? '')
  const rest = removeStanza(lines, inet6)
  const joined = moved.reduce(
    (file, option) => insertOption(file, only(file, name, inet), option.name, option.value),
    setFamily(rest, refind(rest, lines, inet), 'inet6', 'static'),
  )
  return splice(joined, only(joined, name, inet).pveEnd, 0, notes)
}

/**
 * Where hooks and options of an interface stay: in a stanza with an address, that of the family asked for first.
 * Others do not survive an edit in the web interface, see {@link joinIdleInet}.
 */
export function lastingStanza(lines: Lines, name: string, family: 'inet' | 'inet6' = 'inet'): Stanza | undefined {
  const stanzas = stanzasOf(lines, name)
  const addressed = stanzas.filter(hasAddress)
  const other = stanzas.find((stanza) => stanza.family !== 'inet6')
  return addressed.find((stanza) => stanza.family === family) ?? addressed[0] ?? other ?? stanzas[0]
}

function hasAddress(stanza: Stanza): boolean {
  return optionsNamed(stanza, 'address').length > 0
}

/** Nothing that only ifupdown2 counts in, and no heading of what follows. */
function isPlain(lines: Lines, { options, comments, pveEnd }: Stanza): boolean {
  const [next = ''] = words(lines[pveEnd]?.text ?? '')
  return options.every(({ stray }) => !stray) && (comments.length === 0 || !isKeyword(next))
}

function only(lines: Lines, name: string, otherwise: Stanza): Stanza {
  return stanzasOf(lines, name)[0] ?? otherwise
}
