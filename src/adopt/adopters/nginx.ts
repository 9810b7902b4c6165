/** Adopts nginx: sites that pvectl wrote as `nginx_vhost`, any other and the rest as they are. */
import { manualPackagesRef } from '../../facts/manual-packages.ts'
import type { Model } from '../../facts/model.ts'
import { packageNamed } from '../../facts/package.ts'
import type { Adopter, Finding, LeftOver, TaskDraft, Way } from '../adopter.ts'
import { adoptFiles, type OwnFile, ownFiles, placeFacts } from '../files.ts'
import { readSite } from '../nginx-site.ts'
import { serviceFinding } from '../services.ts'

const ETC = '/etc/nginx'
const PLACES = {
  directories: [
    'conf.d',
    'sites-available',
    'sites-enabled',
    'snippets',
    'modules-enabled',
    'streams-enabled',
    'stream.d',
  ].map((name) => `${ETC}/${name}`),
  files: ['nginx.conf', 'proxy_params', 'mime.types'].map((name) => `${ETC}/${name}`),
}
const PACKAGES = ['nginx', 'nginx-light', 'nginx-full', 'nginx-extras', 'nginx-core']

/** `nginx_vhost`, `file`, `service`. */
export const nginxAdopter: Adopter = {
  title: 'Reverse proxy',
  reads: [...placeFacts(PLACES), manualPackagesRef, ...PACKAGES.map(packageNamed)],
  adopt(view) {
    if (!PACKAGES.some((name) => view.model.get(packageNamed(name)).installed)) return { findings: [], leftOvers: [] }
    // Debian's own default site and modules are links that the packages make without dpkg's knowing.
    const files = ownFiles(view.model, PLACES).filter(
      ({ path, target = '' }) => !path.startsWith(`${ETC}/modules-enabled/`) || !target.startsWith('/usr/share/nginx/'),
    )
    const { findings, leftOvers } = adoptFiles(view, files)
    const written = files.filter(({ path, type }) => type === 'file' && !path.endsWith('/mime.types'))
    const service = serviceFinding(
      'nginx',
      written.map(({ path }) => path),
      'reload_on',
    )
    const sites = files.flatMap((file) => siteFinding(file, view.model))
    return {
      // A site comes first: what its task describes needs no tasks for its files.
      findings: [...sites, ...findings, service],
      leftOvers: [...leftOvers, ...certificates(files)],
    }
  },
}

/** A site that is a proxy and no more: in force where pvectl wrote it, a suggestion where somebody else did. */
function siteFinding({ path, type, content }: OwnFile, model: Model): readonly Finding[] {
  if (type !== 'file' || !path.startsWith(`${ETC}/sites-available/`)) return []
  const params = readSite(path, content?.toString('utf8') ?? '')
  if (params === undefined) return []
  const installed = PACKAGES.find((name) => model.get(packageNamed(name)).installed) ?? 'nginx'
  const packaged = installed === 'nginx' ? {} : { package: installed }
  const name = `Site ${path.slice(`${ETC}/sites-available/`.length)}`
  const way = (more: TaskDraft['params']): Way => ({
    tasks: [{ name, type: 'nginx_vhost', params: { ...params, ...packaged, ...more } }],
  })
  return [{ what: name, ways: [way({}), way({ default_site: 'keep' })], otherwise: 'suggest' }]
}

/** Keys stay on the node. */
function certificates(files: readonly { readonly content: Buffer | undefined }[]): readonly LeftOver[] {
  const keys = files.flatMap(({ content }) =>
    [
      ...(content?.toString('utf8') ?? '').matchAll(
        /^\s*(?:ssl_certificate_key|auth_basic_user_file)\s+"?([^";]+)"?\s*;/gm,
      ),
    ].map(([, path = '']) => path),
  )
  return [...new Set(keys)].map((path) => ({
    what: path,
    why: 'keys and password files stay on the node and are not read',
  }))
}
