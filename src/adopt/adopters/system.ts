/** Adopts what every node has: names in /etc/hosts, a clock that is kept right, repositories of Proxmox VE. */
import { filesIn } from '../../facts/directory-files.ts'
import { fileAt } from '../../facts/file.ts'
import type { Model } from '../../facts/model.ts'
import { packageNamed } from '../../facts/package.ts'
import type { Adopter, AdoptView, Finding, LeftOver, TaskDraft, Way } from '../adopter.ts'
import { draftFile, ownFiles, placeFacts } from '../files.ts'

const HOSTS = '/etc/hosts'
const SOURCES = { directories: ['/etc/apt/sources.list.d'], files: [] }

/** `hosts_entry`, `time_sync`, `pve_repository`. */
export const systemAdopter: Adopter = {
  title: 'System',
  reads: [fileAt(HOSTS), packageNamed('pve-manager'), ...placeFacts(SOURCES), ...SOURCES.directories.map(filesIn)],
  adopt(view) {
    const repositories = repositoryFindings(view)
    return {
      findings: [...hostsEntries(view.model), timeFinding(), ...repositories.findings],
      leftOvers: repositories.leftOvers,
    }
  },
}

/** True for a file of package sources that names Proxmox's servers. */
export function isProxmoxSource(path: string, content: Buffer | undefined): boolean {
  return path.startsWith('/etc/apt/sources.list.d/') && /\bproxmox\.com\//.test(content?.toString('latin1') ?? '')
}

/** A node of Proxmox VE has the channel that it asks; where none fits, or on any other node, the files are as they are. */
function repositoryFindings(view: AdoptView): {
  readonly findings: readonly Finding[]
  readonly leftOvers: readonly LeftOver[]
} {
  const files = ownFiles(view.model, SOURCES).filter(({ path, content }) => isProxmoxSource(path, content))
  const drafts = files.map((file) => draftFile(view.host, file))
  const asFiles: Way = { tasks: drafts.flatMap((draft) => ('why' in draft ? [] : [draft])) }
  const leftOvers = drafts.flatMap((draft) => ('why' in draft ? [draft] : []))
  if (!view.model.get(packageNamed('pve-manager')).installed) {
    return { findings: asFiles.tasks.length === 0 ? [] : [{ what: 'repositories', ways: [asFiles] }], leftOvers }
  }
  const channels = ['enterprise', 'no-subscription', 'test'].map((channel): Way => {
    const task: TaskDraft = { name: 'Repository of Proxmox VE', type: 'pve_repository', params: { channel } }
    return { tasks: [task] }
  })
  const [first = asFiles, ...others] = channels
  return { findings: [{ what: 'repositories of Proxmox VE', ways: [first, ...others, asFiles] }], leftOvers }
}

/** Only where a service keeps it already. */
function timeFinding(): Finding {
  const tasks: readonly TaskDraft[] = [{ name: 'The clock is kept right', type: 'time_sync', params: {} }]
  return { what: 'time service', ways: [{ tasks }], otherwise: 'silent' }
}

function hostsEntries(model: Model): readonly Finding[] {
  const state = model.get(fileAt(HOSTS))
  const text = state.type === 'file' ? state.content.toString('utf8') : ''
  const names = new Map<string, readonly string[]>()
  for (const line of text.split('\n')) {
    const [address, ...found] = line.replace(/#.*/, '').trim().split(/\s+/)
    if (address === undefined || found.length === 0 || /^(127\.|::1$|fe[08]0:|ff0|0\.)/i.test(address)) continue
    names.set(address, [...new Set([...(names.get(address) ?? []), ...found])])
  }
  return [...names].map(([address, found]) => ({
    what: `${address} in ${HOSTS}`,
    ways: [{ tasks: [{ name: `Names of ${address}`, type: 'hosts_entry', params: { address, names: found } }] }],
  }))
}
