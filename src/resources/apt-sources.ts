/** Repositories in files of apt, in both notations: lines (`.list`) and stanzas (`.sources`, deb822). Pure text. */

/** A repository as one file names it. */
export interface AptSource {
  readonly uris: readonly string[]
  readonly suites: readonly string[]
  readonly components: readonly string[]
  readonly enabled: boolean
}

/** Whether a repository should be on; undefined leaves it as it is. */
export type Switch = (source: AptSource) => boolean | undefined

/** True for a file that apt reads (apt, sources.list(5)). */
export function isAptSourceFile(path: string): boolean {
  return /\.(list|sources)$/.test(path)
}

/** Repositories of a file, those that are switched off among them. */
export function aptSources(path: string, text: string): readonly AptSource[] {
  const sources: AptSource[] = []
  switchSources(path, text, (source) => {
    sources.push(source)
    return undefined
  })
  return sources
}

/** The text with repositories switched on or off. Everything else in it stays as it is. */
export function switchSources(path: string, text: string, wish: Switch): string {
  return path.endsWith('.sources') ? switchStanzas(text, wish) : switchLines(text, wish)
}

/** `deb [signed-by=…] http://download.proxmox.com/debian/pve bookworm pve-no-subscription`, `#` before it for off. */
const LINE = /^(\s*#+\s*|\s*)(deb(?:-src)?\s+(?:\[[^\]]*\]\s+)?(\S+:\S+)\s+(\S+)((?:\s+[^\s#]+)*)\s*(?:#.*)?)$/

function switchLines(text: string, wish: Switch): string {
  return text.replace(/^.*$/gm, (line) => {
    const match = LINE.exec(line)
    if (match === null) return line
    const [, before = '', rest = '', uri = '', suite = '', components = ''] = match
    const enabled = !before.includes('#')
    const wanted = wish({ uris: [uri], suites: [suite], components: components.trim().split(/\s+/), enabled })
    if (wanted === undefined || wanted === enabled) return line
    return wanted ? rest : `# ${rest}`
  })
}

function switchStanzas(text: string, wish: Switch): string {
  const parts = text.split(/(\n[ \t]*\n)/)
  return parts.map((part, i) => (i % 2 === 1 ? part : switchStanza(part, wish))).join('')
}

function switchStanza(stanza: string, wish: Switch): string {
  const words = (name: string) => field(stanza, name)?.split(/\s+/).filter(Boolean) ?? []
  const uris = words('URIs')
  if (uris.length === 0) return stanza
  // apt takes no, false, off, without and 0 for no (apt-pkg, StringToBool).
  const enabled = !/^(no|false|off|without|disable|0)$/i.test(field(stanza, 'Enabled')?.trim() ?? 'yes')
  const wanted = wish({ uris, suites: words('Suites'), components: words('Components'), enabled })
  if (wanted === undefined || wanted === enabled) return stanza
  if (/^Enabled:/im.test(stanza)) {
    return wanted ? stanza.replace(/^(Enabled:)[^\n]*/im, '$1 true') : stanza.replace(/^(Enabled:)[^\n]*/im, '$1 false')
  }
  const end = /\s*$/.exec(stanza)?.index ?? stanza.length
  return `${stanza.slice(0, end)}\nEnabled: false${stanza.slice(end)}`
}

/** Value of a field with its continuation lines; comments within are left out. */
function field(stanza: string, name: string): string | undefined {
  const lines = stanza.split('\n').filter((line) => !line.startsWith('#'))
  const at = lines.findIndex((line) => line.toLowerCase().startsWith(`${name.toLowerCase()}:`))
  if (at < 0) return undefined
  const more = lines.slice(at + 1)
  const end = more.findIndex((line) => !/^[ \t]/.test(line))
  return [lines[at]?.slice(name.length + 1), ...more.slice(0, end < 0 ? more.length : end)].join(' ')
}
