/** Configuration files that somebody wrote or changed, as `file` tasks with a copy beside the playbook. */
import { type ConfigurationFile, configurationIn } from '../facts/configuration-files.ts'
import { filesIn } from '../facts/directory-files.ts'
import type { FactRef } from '../facts/fact.ts'
import { type FileState, fileAt } from '../facts/file.ts'
import type { Model } from '../facts/model.ts'
import type { Adoption, AdoptView, Finding, LeftOver, TaskDraft } from './adopter.ts'
import { whyKept } from './sensitive.ts'

/** A file of somebody's own, with what it holds. */
export interface OwnFile extends ConfigurationFile {
  /** Of what a link leads to. Undefined when it cannot be read. */
  readonly content: Buffer | undefined
}

/** Where to look: whole directories, and single files. */
export interface Places {
  readonly directories: readonly string[]
  readonly files: readonly string[]
}

/** Facts to read of these places. */
export function placeFacts({ directories, files }: Places): readonly FactRef<unknown>[] {
  return [
    ...[...directories, ...files].map(configurationIn),
    ...directories.map(filesIn),
    ...files.map(fileAt),
  ] as readonly FactRef<unknown>[]
}

/** Files and links that no package brought as they are, in the order of the places. */
export function ownFiles(model: Model, { directories, files }: Places): readonly OwnFile[] {
  const listed = [...directories, ...files].flatMap((place) => model.get(configurationIn(place)))
  const contents = new Map(
    directories.flatMap((directory) => model.get(filesIn(directory))).map((f) => [f.path, f.content]),
  )
  return listed
    .filter(({ origin, path }) => origin !== 'packaged' && !isLeftBehind(path))
    .map((file) => ({ ...file, content: contents.get(file.path) ?? contentOf(model, file.path, files) }))
    .filter(({ path, content }) => !files.includes(path) || saysSomething(content))
}

/** A task for each file, a remark for each that cannot be copied. */
export function adoptFiles(view: AdoptView, files: readonly OwnFile[]): Adoption {
  const findings: Finding[] = []
  const leftOvers: LeftOver[] = []
  for (const file of files) {
    const drafted = draftFile(view.host, file)
    if ('why' in drafted) leftOvers.push(drafted)
    else findings.push({ what: file.path, ways: [{ tasks: [drafted] }] })
  }
  return { findings, leftOvers }
}

/** The task that describes a file or link; or why there is none. */
export function draftFile(host: string, file: OwnFile): TaskDraft | LeftOver {
  const { path, type, target = '', mode, owner, content } = file
  if (type === 'link') {
    if (target.startsWith('/')) return { name: `Link ${path}`, type: 'file', params: { path, state: 'link', target } }
    return { what: path, why: `it is a link with the relative target ${target}; \`file\` writes absolute ones only` }
  }
  if (type === 'other' || content === undefined) return { what: path, why: 'it is no regular file' }
  if (content.length > LARGEST) return { what: path, why: `it is larger than ${LARGEST / 1024} KiB` }
  const why = whyKept(content, mode)
  if (why !== undefined) return { what: path, why }
  const source = `files/${host}${path}`
  const rights = {
    ...(mode === '0644' ? {} : { mode }),
    ...(owner === 'root:root' ? {} : { owner }),
  }
  return {
    name: `File ${path}`,
    type: 'file',
    params: { path, source, ...rights },
    files: new Map([[source, content]]),
  }
}

/** Bytes up to which a file counts as configuration. */
const LARGEST = 256 * 1024

function contentOf(model: Model, path: string, files: readonly string[]): Buffer | undefined {
  if (!files.includes(path)) return undefined
  const state: FileState = model.get(fileAt(path))
  return state.type === 'file' ? state.content : undefined
}

/** Packages leave some files behind that hold nothing but comments, and tell dpkg nothing of them. */
function saysSomething(content: Buffer | undefined): boolean {
  return (
    content === undefined ||
    content
      .toString('latin1')
      .split('\n')
      .some((line) => /^\s*[^#\s]/.test(line))
  )
}

/** Copies that editors and dpkg leave behind. */
function isLeftBehind(path: string): boolean {
  return /(~|\.(bak|orig|old|save|sw[a-p]|dpkg-\w+|ucf-\w+|pve-\w+))$|\/\.[^/]*$|\/\.placeholder$/.test(path)
}
