/** Package repositories of Proxmox VE. */
import { joinScripts, rawScript, sh } from '../connection/script.ts'
import { type DirectoryFile, filesIn } from '../facts/directory-files.ts'
import { becomes, type FactRef, type FactUpdate } from '../facts/fact.ts'
import { type FileState, fileAt } from '../facts/file.ts'
import { type PveState, pveRef } from '../facts/pve.ts'
import { type AptSource, aptSources, isAptSourceFile, switchSources } from './apt-sources.ts'
import { type Change, OK, type Plan, type Resource } from './resource.ts'
import { sha256 } from './sha256.ts'

/** Where updates come from. `auto`: enterprise with an active subscription, else no-subscription. */
export type PveChannel = 'auto' | 'enterprise' | 'no-subscription' | 'test'

const DIRECTORY = '/etc/apt/sources.list.d'
const MAIN = '/etc/apt/sources.list'
const KEYRING = '/usr/share/keyrings/proxmox-archive-keyring.gpg'
/** Debian release under each release of Proxmox VE. */
const SUITES: Readonly<Record<number, string>> = { 7: 'bullseye', 8: 'bookworm', 9: 'trixie' }

/**
 * Ensures that one channel of Proxmox VE is on and the others are off, Ceph's enterprise repository too where there is no
 * subscription: it answers 401, and apt-get update fails. PVE 8 has lines in `.list` files, PVE 9 stanzas in `.sources`
 * with `Enabled: false` (pve-manager, PVE/API2/APT.pm; proxmox-installer). Files of others are only switched, never removed.
 */
export function pveRepository(channel: PveChannel): Resource {
  const files = filesIn(DIRECTORY)
  return {
    kind: 'pve_repository',
    key: 'pve-repository',
    title: 'repositories of Proxmox VE',
    reads: [pveRef, files, fileAt(MAIN)],
    plan: (model) =>
      planRepositories(channel, model.get(pveRef), model.get(files), model.get(fileAt(MAIN)), model.soon),
  }
}

function planRepositories(
  wanted: PveChannel,
  pve: PveState,
  inDirectory: readonly DirectoryFile[],
  main: FileState,
  soon: number,
): Plan {
  const suite = pve.major === undefined ? undefined : SUITES[pve.major]
  if (pve.version === undefined || pve.major === undefined) {
    return { kind: 'blocked', reason: 'there is no Proxmox VE on this node', hint: 'leave the task out by `when`' }
  }
  if (suite === undefined)
    return { kind: 'blocked', reason: `the repositories of Proxmox VE ${pve.version} are not known` }
  const channel = wanted === 'auto' ? (pve.subscription === 'active' ? 'enterprise' : 'no-subscription') : wanted
  const before: readonly DirectoryFile[] = [
    ...inDirectory.filter(({ path }) => isAptSourceFile(path)),
    ...(main.type === 'file' ? [{ path: MAIN, content: main.content }] : []),
  ]
  const after = edited(before, channel, suite, pve.major)
  const changed = after.filter(
    ({ path, content }) => before.find((file) => file.path === path)?.content.equals(content) !== true,
  )
  if (changed.length === 0) return OK
  return {
    kind: 'change',
    changes: changed.map((file) => changeOf(file, before)),
    script: joinScripts([...changed.map((file) => write(file, before)), REFRESH]),
    after: updates(changed, inDirectory, main, soon),
  }
}

// New lists are of use at once, but a node without a way out must not fail for them.
const REFRESH = rawScript(
  'timeout 300 apt-get -q -o DPkg::Lock::Timeout=60 -o Acquire::Retries=0 -o Acquire::http::Timeout=15 -o Acquire::https::Timeout=15 update || echo "apt-get update failed: the lists are those of before"',
)

/** What a repository of Proxmox is; undefined for all others. */
function channelOf({
  uris,
  components,
}: AptSource): 'enterprise' | 'no-subscription' | 'test' | 'ceph-enterprise' | undefined {
  if (!uris.some((uri) => /^https?:\/\/([a-z0-9-]+\.)*proxmox\.com\//.test(uri))) return undefined
  if (uris.some((uri) => /\/ceph-/.test(uri))) return components.includes('enterprise') ? 'ceph-enterprise' : undefined
  if (components.includes('pve-enterprise')) return 'enterprise'
  if (components.includes('pve-no-subscription')) return 'no-subscription'
  return components.some((name) => name === 'pvetest' || name === 'pve-test') ? 'test' : undefined
}

/** A repository that is there is switched on where it stands; only without one, a file is added. */
function edited(
  before: readonly DirectoryFile[],
  channel: Exclude<PveChannel, 'auto'>,
  suite: string,
  major: number,
): readonly DirectoryFile[] {
  const isOurs = (source: AptSource) => channelOf(source) === channel && source.suites.includes(suite)
  const all = before.flatMap(({ path, content }) => aptSources(path, content.toString('latin1')))
  const isOn = all.some((source) => isOurs(source) && source.enabled)
  let isPending = !isOn
  const switched = before.map(({ path, content }): DirectoryFile => {
    const text = content.toString('latin1')
    const result = switchSources(path, text, (source) => {
      const is = channelOf(source)
      if (is === undefined) return undefined
      if (is === 'ceph-enterprise') return channel === 'enterprise' ? undefined : false
      if (!isOurs(source)) return false
      if (!isPending) return undefined
      isPending = false
      return true
    })
    return { path, content: result === text ? content : Buffer.from(result, 'latin1') }
  })
  return isPending ? [...switched, added(switched, channel, suite, major)] : switched
}

function added(
  files: readonly DirectoryFile[],
  channel: Exclude<PveChannel, 'auto'>,
  suite: string,
  major: number,
): DirectoryFile {
  const component = channel === 'test' ? (major >= 9 ? 'pve-test' : 'pvetest') : `pve-${channel}`
  const uri =
    channel === 'enterprise' ? 'https://enterprise.proxmox.com/debian/pve' : 'http://download.proxmox.com/debian/pve'
  const name =
    major >= 9 && channel !== 'enterprise' ? 'proxmox.sources' : `pve-${channel}.${major >= 9 ? 'sources' : 'list'}`
  const path = `${DIRECTORY}/${name}`
  const text =
    major >= 9
      ? `Types: deb\nURIs: ${uri}\nSuites: ${suite}\nComponents: ${component}\nSigned-By: ${KEYRING}\n`
      : `deb ${uri} ${suite} ${component}\n`
  const there = files.find((file) => file.path === path)?.content.toString('latin1') ?? ''
  const gap = there === '' ? '' : `${there.trimEnd()}\n${major >= 9 ? '\n' : ''}`
  return { path, content: Buffer.from(gap + text, 'latin1') }
}

function changeOf({ path, content }: DirectoryFile, before: readonly DirectoryFile[]): Change {
  const old = before.find((file) => file.path === path)?.content
  return { summary: `${old === undefined ? 'create' : 'edit'} ${path}`, diff: { path, before: old, after: content } }
}

function write({ path, content }: DirectoryFile, before: readonly DirectoryFile[]) {
  const old = before.find((file) => file.path === path)?.content
  return sh`pv_write ${path} 0644 root:root ${content} ${old === undefined ? 'absent' : sha256(old)}`
}

function updates(
  changed: readonly DirectoryFile[],
  inDirectory: readonly DirectoryFile[],
  main: FileState,
  soon: number,
): readonly FactUpdate[] {
  const own = changed.find(({ path }) => path === MAIN)
  const rest = changed.filter(({ path }) => path !== MAIN)
  const files = [...inDirectory.filter(({ path }) => !rest.some((file) => file.path === path)), ...rest]
  const list: FactRef<readonly DirectoryFile[]> = filesIn(DIRECTORY)
  return [
    becomes(list, files),
    ...(own === undefined || main.type !== 'file'
      ? []
      : [becomes(fileAt(MAIN), { ...main, content: own.content, ctime: soon })]),
  ]
}
