/** Where the certificate of a site comes from. */
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { sh } from '../../connection/script.ts'
import type { CertificateFiles } from '../../facts/certificate.ts'
import { certificateOnNode, selfSignedCertificate } from '../../resources/certificate.ts'
import { directory } from '../../resources/directory.ts'
import { file } from '../../resources/file.ts'
import { debianPackage } from '../../resources/package.ts'
import type { Resource } from '../../resources/resource.ts'
import { type HostContext, ParamProblem } from '../task-type.ts'
import type { VhostParams } from './params.ts'

const DIRECTORY = '/etc/nginx/pvectl'
const RENEW_DAYS = 30

/** A certificate on the node and what puts it there. */
export interface SiteTls extends CertificateFiles {
  readonly resources: readonly Resource[]
}

/** Certificate of a site; undefined for plain http. */
export function siteTls(
  tls: VhostParams['tls'],
  site: string,
  names: readonly string[],
  host: HostContext,
): SiteTls | undefined {
  if (tls === undefined) return undefined
  if (tls.certificate !== undefined && tls.key !== undefined) {
    const files = { certificate: tls.certificate, key: tls.key }
    return { ...files, resources: [certificateOnNode(files), ...afterPmxcfs(tls.certificate)] }
  }
  const files = { certificate: certificatePath(tls, site), key: `${DIRECTORY}/${site}.key` }
  const folder: Resource = { ...directory(DIRECTORY, { mode: '0755', owner: 'root:root' }), shared: true }
  if (tls.copy === undefined) {
    const made = selfSignedCertificate({ ...files, names, days: tls.days, renewDays: RENEW_DAYS })
    return { ...files, resources: [debianPackage({ name: 'openssl', state: 'present' }), folder, made] }
  }
  const certificate = host.readFile(tls.copy.certificate)
  const key = host.readFile(tls.copy.key)
  checkPair(certificate, key)
  const owner = 'root:root'
  return {
    ...files,
    resources: [
      folder,
      file({ path: files.key, content: key, mode: '0600', owner, sensitive: true }),
      file({ path: files.certificate, content: certificate, mode: '0644', owner }),
    ],
  }
}

/** Where the certificate of a site is on the node. */
export function certificatePath({ certificate }: NonNullable<VhostParams['tls']>, site: string): string {
  return certificate ?? `${DIRECTORY}/${site}.crt`
}

/** A pair that does not match would keep nginx from its next start; better known before any node is touched. */
function checkPair(certificate: Buffer, key: Buffer): void {
  const read = <T>(what: 'certificate' | 'key', make: () => T): T => {
    try {
      return make()
    } catch {
      throw new ParamProblem(['tls', 'copy', what], `is not a ${what} in PEM form without a passphrase`)
    }
  }
  const x509 = read('certificate', () => new X509Certificate(certificate))
  const privateKey = read('key', () => createPrivateKey(key))
  if (!x509.checkPrivateKey(privateKey))
    throw new ParamProblem(['tls', 'copy', 'key'], 'does not belong to the certificate')
}

/** Certificates below /etc/pve are there only once pmxcfs is mounted; nginx would fail at boot without this order. */
function afterPmxcfs(certificate: string): readonly Resource[] {
  if (!certificate.startsWith('/etc/pve/')) return []
  const dropIn = file({
    path: '/etc/systemd/system/nginx.service.d/pvectl-pve-cluster.conf',
    content: Buffer.from('# Managed by pvectl\n[Unit]\nWants=pve-cluster.service\nAfter=pve-cluster.service\n'),
    validate: { what: 'systemctl daemon-reload', command: sh`systemctl daemon-reload` },
  })
  return [{ ...dropIn, shared: true }]
}
