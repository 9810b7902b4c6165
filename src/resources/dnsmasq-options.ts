/** What a node's dnsmasq has been told, file by file. */
import { sh } from '../connection/script.ts'
import { filesIn } from '../facts/directory-files.ts'
import type { FactRef } from '../facts/fact.ts'
import { fileAt } from '../facts/file.ts'
import type { Model } from '../facts/model.ts'

/** Directory that Debian's dnsmasq.service reads (CONFIG_DIR in /etc/default/dnsmasq). */
export const DNSMASQ_DIRECTORY = '/etc/dnsmasq.d'
/** The main file of dnsmasq; all comments as Debian ships it. */
export const DNSMASQ_MAIN = '/etc/dnsmasq.conf'

/** What Debian's unit passes on the command line. */
export const DNSMASQ_DEFAULTS = '/etc/default/dnsmasq'

/** Checks all that Debian's unit reads: the main file and the directory. */
export const DNSMASQ_TEST = sh`dnsmasq --test -7 ${DNSMASQ_DIRECTORY},.dpkg-dist,.dpkg-old,.dpkg-new`

/** An option of a configuration file of dnsmasq. */
export interface DnsmasqOption {
  readonly path: string
  /** Counts from 1. */
  readonly line: number
  readonly key: string
  readonly value: string
}

/** Facts that {@link dnsmasqOptions} reads. */
export const DNSMASQ_READS: readonly FactRef<unknown>[] = [filesIn(DNSMASQ_DIRECTORY), fileAt(DNSMASQ_MAIN)]

/** All options of the files that dnsmasq reads, ours included. */
export function dnsmasqOptions(model: Model): readonly DnsmasqOption[] {
  const main = model.get(fileAt(DNSMASQ_MAIN))
  const files = model.get(filesIn(DNSMASQ_DIRECTORY)).filter(({ path }) => !/(\.dpkg-(dist|old|new)|~)$/.test(path))
  const all = main.type === 'file' ? [{ path: DNSMASQ_MAIN, content: main.content }, ...files] : files
  return all.flatMap(({ path, content }) => parseOptions(path, content.toString('utf8')))
}

/** True when {@link DNSMASQ_DIRECTORY} is read: `CONFIG_DIR` says so, as it does in the package, or the main file does. */
export function readsDirectory(model: Model): boolean {
  const defaults = model.get(fileAt(DNSMASQ_DEFAULTS))
  if (defaults.type !== 'file') return true
  const given = [...defaults.content.toString('utf8').matchAll(/^\s*CONFIG_DIR=["']?([^,"'\s]*)/gm)].at(-1)?.[1]
  const named = dnsmasqOptions(model).flatMap(({ path, key, value }) =>
    path === DNSMASQ_MAIN && key === 'conf-dir' ? (value.split(',')[0] ?? []) : [],
  )
  return [given, ...named].some((directory) => directory?.replace(/\/+$/, '') === DNSMASQ_DIRECTORY)
}

/** The options in the text of one file. */
export function parseOptions(path: string, text: string): readonly DnsmasqOption[] {
  return text.split('\n').flatMap((raw, index) => {
    const [, key = '', value = ''] = /^\s*([a-z0-9-]+)\s*(?:=\s*(.*?))?\s*$/.exec(raw.replace(/(^|\s)#.*$/, '')) ?? []
    return key === '' ? [] : [{ path, line: index + 1, key, value }]
  })
}
