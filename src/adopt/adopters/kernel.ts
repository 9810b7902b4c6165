/** Adopts kernel parameters: files of sysctl.d and modprobe.d, and whether the node routes. */
import { filesIn } from '../../facts/directory-files.ts'
import { linksRef } from '../../facts/links.ts'
import { sysctlNamed } from '../../facts/sysctl.ts'
import { forwardingSwitch } from '../../resources/forwarding.ts'
import type { Adopter, AdoptView, Finding, LeftOver, TaskDraft, Way } from '../adopter.ts'
import { draftFile, type OwnFile, ownFiles, placeFacts } from '../files.ts'
import { usedBridges } from '../networks.ts'

const PLACES = {
  directories: ['/etc/sysctl.d', '/etc/modprobe.d', '/etc/modules-load.d'],
  files: ['/etc/sysctl.conf', '/etc/modules'],
}
const FAMILIES = ['ipv4', 'ipv6'] as const
const PACKAGED = ['/usr/lib/sysctl.d', '/lib/sysctl.d', '/run/sysctl.d'] as const

/** `ip_forwarding`, `sysctl`, and `file`. */
export const kernelAdopter: Adopter = {
  title: 'Kernel',
  reads: [
    ...placeFacts(PLACES),
    ...PACKAGED.map(filesIn),
    ...FAMILIES.map((family) => sysctlNamed(forwardingSwitch(family))),
    linksRef,
  ],
  adopt(view) {
    const findings: Finding[] = []
    const leftOvers: LeftOver[] = []
    const files = ownFiles(view.model, PLACES)
    for (const own of files) {
      const drafted = draftFile(view.host, own)
      if ('why' in drafted) leftOvers.push(drafted)
      else findings.push({ what: own.path, ways: waysOf(own, drafted) })
    }
    return { findings, leftOvers: [...leftOvers, ...FAMILIES.flatMap((family) => notLasting(view, family))] }
  },
}

/** A file of pvectl's own says what it is for; any other is described as it is. */
function waysOf(file: OwnFile, asFile: TaskDraft): readonly [Way, ...Way[]] {
  const way: Way = { tasks: [asFile] }
  const settings = new Map(settingsOf(file.content))
  if (!file.path.startsWith('/etc/sysctl.d/') || settings.size === 0) return [way]
  const forwards = FAMILIES.filter((family) => settings.get(forwardingSwitch(family)) === '1')
  const params = Object.fromEntries(settings)
  const parameters: TaskDraft = {
    name: `Kernel parameters of ${file.path}`,
    type: 'sysctl',
    params: { settings: params, file: file.path },
  }
  const isWhole = [...settings.keys()].every((name) => /\.(ip_forward|forwarding|accept_ra)$/.test(name))
  if (forwards.length === 0 || !isWhole) return [{ tasks: [parameters] }, way]
  const routing = (interfaces: readonly string[]): Way => ({
    tasks: [
      {
        name: 'Forward packets between networks',
        type: 'ip_forwarding',
        params: {
          ...Object.fromEntries(forwards.map((family) => [family, true])),
          ...(interfaces.length === 0 ? {} : { interfaces }),
          file: file.path,
        },
      },
    ],
  })
  const named = [...settings.keys()].flatMap((name) => /^net\.ipv4\.conf\.(.+)\.forwarding$/.exec(name)?.[1] ?? [])
  return [routing(named.map((name) => name.replaceAll('/', '.'))), { tasks: [parameters] }, way]
}

/** Routing that no file brings back at the next boot. */
function notLasting(view: AdoptView, family: (typeof FAMILIES)[number]): readonly LeftOver[] {
  const name = forwardingSwitch(family)
  if (view.model.get(sysctlNamed(name)) !== '1') return []
  const directories = [...PLACES.directories.slice(0, 1), ...PACKAGED]
  const files = [
    ...directories.flatMap((directory) => view.model.get(filesIn(directory))),
    ...ownFiles(view.model, { directories: [], files: ['/etc/sysctl.conf'] }),
  ]
  const alias = family === 'ipv4' ? 'net.ipv4.conf.all.forwarding' : name
  const isKept = files.some(({ content }) =>
    settingsOf(content).some(([key, value]) => (key === name || key === alias) && value === '1'),
  )
  if (isKept) return []
  const bridges = usedBridges(view.model)
  const task = `ip_forwarding: { ${family}: true${bridges.length === 0 ? '' : `, interfaces: [${bridges.join(', ')}]`} }`
  return [
    {
      what: `${name} = 1`,
      why: `it is set live and by no sysctl file (by a hook of an interface?); it would be \`${task}\``,
    },
  ]
}

function settingsOf(content: Buffer | undefined): readonly (readonly [string, string])[] {
  return (content?.toString('utf8') ?? '').split('\n').flatMap((line) => {
    const [, name, value = ''] = /^\s*-?([^\s=#;]+)\s*=\s*(.*?)\s*$/.exec(line) ?? []
    return name === undefined ? [] : [[name.replace(/^net\/ipv/, 'net.ipv'), value] as const]
  })
}
