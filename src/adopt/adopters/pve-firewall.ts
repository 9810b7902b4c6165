/** Adopts the firewall of the node and of its cluster, as their files have it. */
import { fileAt } from '../../facts/file.ts'
import { type Lines, parseLines } from '../../interfaces/lines.ts'
import { parseAlias, parseSetEntry } from '../../pve-firewall/edit-named.ts'
import { OPTIONS, type OptionForm } from '../../pve-firewall/options.ts'
import { entriesOf, type FirewallFile, headerComment, parseFile, type Section } from '../../pve-firewall/sections.ts'
import type { Adopter, AdoptView, Finding, LeftOver, ParamValue, TaskDraft } from '../adopter.ts'
import { shownLine } from '../sensitive.ts'

const FILES = [
  {
    kind: 'cluster',
    path: '/etc/pve/firewall/cluster.fw',
    type: 'pve_firewall_cluster',
    title: 'Firewall of the cluster',
  },
  { kind: 'host', path: '/etc/pve/local/host.fw', type: 'pve_firewall_host', title: 'Firewall of the node' },
] as const

/** `pve_firewall_cluster`, `pve_firewall_host`. */
export const pveFirewallAdopter: Adopter = {
  title: 'Firewall',
  reads: FILES.map(({ path }) => fileAt(path)),
  adopt(view) {
    const read = FILES.flatMap((file) => readFile(file, view))
    return { findings: read.flatMap(({ findings }) => findings), leftOvers: read.flatMap(({ leftOvers }) => leftOvers) }
  },
}

interface Read {
  readonly findings: readonly Finding[]
  readonly leftOvers: readonly LeftOver[]
}

function readFile({ kind, path, type, title }: (typeof FILES)[number], { model }: AdoptView): readonly Read[] {
  const state = model.get(fileAt(path))
  if (state.type !== 'file' || state.content.toString('latin1').trim() === '') return []
  const lines = parseLines(state.content)
  const file = parseFile(lines, kind)
  const { options, unread } = readOptions(file, kind)
  const params = {
    ...(Object.keys(options).length === 0 ? {} : { options }),
    ...(kind === 'cluster' ? named(file, lines) : {}),
    ...nonEmpty(
      'rules',
      entriesOf(file, 'rules').map(({ text }) => text8(text)),
    ),
  }
  const task: TaskDraft = { name: title, type, params }
  const leftOvers = [...unread, ...file.strays.map(({ text }) => text8(text))].map((text) => ({
    what: `\`${shownLine(text)}\` in ${path}`,
    why: 'pvectl does not know what it means',
  }))
  return [{ findings: Object.keys(params).length === 0 ? [] : [{ what: title, ways: [{ tasks: [task] }] }], leftOvers }]
}

function readOptions(
  file: FirewallFile,
  kind: 'cluster' | 'host',
): { readonly options: Record<string, ParamValue>; readonly unread: readonly string[] } {
  const options: Record<string, ParamValue> = {}
  const unread: string[] = []
  for (const { text } of entriesOf(file, 'options')) {
    const [, name = '', value = ''] = /^(\w+)\s*:\s*(.*?)\s*$/.exec(text8(text)) ?? []
    const form = OPTIONS[kind][name]?.form
    if (form === undefined) unread.push(text8(text))
    else options[name] = optionValue(value, form)
  }
  return { options, unread }
}

function optionValue(value: string, { kind }: OptionForm): ParamValue {
  switch (kind) {
    case 'switch':
      return value === '1'
    case 'number':
      return Number(value)
    case 'helpers':
      return value.split(/[,;\s]+/)
    case 'level':
    case 'words':
    case 'rate':
      return value
  }
}

/** Aliases, sets and groups by name. */
function named(file: FirewallFile, lines: Lines): Readonly<Record<string, ParamValue>> {
  const aliases = entriesOf(file, 'aliases').flatMap(({ text }) => parseAlias(text8(text)) ?? [])
  const section = (kind: Section['kind'], read: (section: Section) => ParamValue) =>
    Object.fromEntries(file.sections.filter((each) => each.kind === kind).map((each) => [each.name, read(each)]))
  const comment = ({ header }: Section) => {
    const text = headerComment(text8(lines[header]?.text ?? ''))
    return text === '' ? {} : { comment: text }
  }
  const sets = section('ipset', (each) => ({
    entries: each.entries.flatMap(({ text }): readonly ParamValue[] => {
      const entry = parseSetEntry(text8(text))
      if (entry === undefined) return []
      const { address, nomatch, comment: note } = entry
      if (nomatch === undefined && note === undefined) return [address]
      return [
        { address, ...(nomatch === undefined ? {} : { nomatch }), ...(note === undefined ? {} : { comment: note }) },
      ]
    }),
    ...comment(each),
  }))
  const groups = section('group', (each) => ({ rules: each.entries.map(({ text }) => text8(text)), ...comment(each) }))
  return {
    ...nonEmpty(
      'aliases',
      Object.fromEntries(
        aliases.map(({ name, address, comment: note }) => [
          name,
          note === undefined ? address : { address, comment: note },
        ]),
      ),
    ),
    ...nonEmpty('ipsets', sets),
    ...nonEmpty('groups', groups),
  }
}

function nonEmpty(name: string, value: ParamValue): Readonly<Record<string, ParamValue>> {
  return Object.keys(value).length === 0 ? {} : { [name]: value }
}

/** Entries hold bytes. */
function text8(text: string): string {
  return Buffer.from(text, 'latin1').toString('utf8')
}
