/** Adopts nginx: sites, snippets and the main file as they are. */
import { manualPackagesRef } from '../../facts/manual-packages.ts'
import { packageNamed } from '../../facts/package.ts'
import type { Adopter, LeftOver } from '../adopter.ts'
import { adoptFiles, ownFiles, placeFacts } from '../files.ts'
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

/** `file`, `service`. */
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
    return { findings: [...findings, service], leftOvers: [...leftOvers, ...certificates(files)] }
  },
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
