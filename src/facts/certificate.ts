/** Facts about X.509 certificates and their keys. The key itself is never read off the node. */
import { X509Certificate } from 'node:crypto'
import { type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** Where a certificate and its key are. */
export interface CertificateFiles {
  /** Absolute path of a PEM file. */
  readonly certificate: string
  /** Absolute path of a PEM file. */
  readonly key: string
}

/** A certificate that openssl can read, or none. */
export type CertificateState =
  | { readonly present: false }
  | {
      readonly present: true
      /** End of its validity, milliseconds since the epoch. */
      readonly notAfter: number
      /** Host names and addresses it is for (subjectAltName), in its own order. */
      readonly names: readonly string[]
      /** The key is there and belongs to the certificate. */
      readonly keyMatches: boolean
      /** Mode and owner of the key as in `0600 root:root`; empty without a key. */
      readonly keyAccess: string
    }

/**
 * The certificate is read here, as `openssl x509` takes five times as long to start as `openssl pkey`; of the key only the
 * public half is asked for.
 */
export const certificateFact: FactKind<CertificateState> = {
  name: 'certificate',
  observe: (ids, mark) => observeCertificates(ids, mark),
  parse: (output, ids, mark) => {
    const blocks = output.toString('utf8').split(`${mark}\n`).slice(1)
    if (blocks.length !== ids.length) throw new Error(`${blocks.length} answers for ${ids.length} certificates`)
    return blocks.map((block) => parseCertificate(block, `\n${mark}-key\n`))
  },
}

/** Reference to the fact about a certificate and its key. */
export function certificateAt({ certificate, key }: CertificateFiles): FactRef<CertificateState> {
  return { kind: certificateFact, id: JSON.stringify({ certificate, key }) }
}

function observeCertificates(ids: readonly string[], mark: string): Script {
  const paths = ids.flatMap((id) => {
    const { certificate, key } = JSON.parse(id) as CertificateFiles
    return [certificate, key]
  })
  return sh`set -- ${paths}
while [ $# -gt 0 ]; do
	echo ${mark}
	if [ -f "$1" ]; then
		cat -- "$1"
		printf '\n%s\n' ${`${mark}-key`}
		openssl pkey -in "$2" -pubout -passin pass: 2>/dev/null </dev/null || :
		stat -L --printf 'access %a %U:%G\n' -- "$2" 2>/dev/null || :
	fi
	shift 2
done`
}

function parseCertificate(block: string, parting: string): CertificateState {
  const [text = '', ofKey = ''] = block.split(parting)
  const certificate = readCertificate(text)
  if (certificate === undefined) return { present: false }
  const [, mode = '', owner = ''] = /^access (\S+) (\S+)$/m.exec(ofKey) ?? []
  return {
    present: true,
    notAfter: Date.parse(certificate.validTo),
    names: namesOf(certificate),
    keyMatches: publicKeyOf(certificate) === ofKey.slice(0, ofKey.indexOf('access ')).trim(),
    keyAccess: mode === '' ? '' : `${mode.padStart(4, '0')} ${owner}`,
  }
}

function readCertificate(text: string): X509Certificate | undefined {
  try {
    return new X509Certificate(text)
  } catch {
    return undefined
  }
}

function namesOf({ subjectAltName = '' }: X509Certificate): readonly string[] {
  return subjectAltName
    .split(', ')
    .map((entry) => entry.slice(entry.indexOf(':') + 1).trim())
    .filter((name) => name !== '')
}

function publicKeyOf({ publicKey }: X509Certificate): string {
  return publicKey.export({ type: 'spki', format: 'pem' }).toString().trim()
}
