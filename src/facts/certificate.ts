/** Facts about X.509 certificates and their keys. The key itself is never read off the node. */
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

/** Three openssl processes a certificate; only those that pvectl makes itself are asked for. */
export const certificateFact: FactKind<CertificateState> = {
  name: 'certificate',
  observe: (ids, mark) => observeCertificates(ids, mark),
  parse: (output, ids, mark) => {
    const blocks = output.toString('utf8').split(`${mark}\n`).slice(1)
    if (blocks.length !== ids.length) throw new Error(`${blocks.length} answers for ${ids.length} certificates`)
    return blocks.map(parseCertificate)
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
		openssl x509 -in "$1" -noout -enddate -ext subjectAltName 2>/dev/null || :
		pv_a=$(openssl x509 -in "$1" -noout -pubkey 2>/dev/null) || pv_a=
		pv_b=$(openssl pkey -in "$2" -pubout -passin pass: 2>/dev/null </dev/null) || pv_b=
		if [ -n "$pv_a" ] && [ "$pv_a" = "$pv_b" ]; then echo key matches; fi
		stat -L --printf 'access %a %U:%G\n' -- "$2" 2>/dev/null || :
	fi
	shift 2
done`
}

function parseCertificate(block: string): CertificateState {
  const notAfter = Date.parse(/^notAfter=(.+)$/m.exec(block)?.[1] ?? '')
  if (Number.isNaN(notAfter)) return { present: false }
  const names = (/^\s+((?:DNS|IP Address):.+)$/m.exec(block)?.[1] ?? '')
    .split(', ')
    .map((entry) => entry.slice(entry.indexOf(':') + 1).trim())
    .filter((name) => name !== '')
  const [, mode = '', owner = ''] = /^access (\S+) (\S+)$/m.exec(block) ?? []
  return {
    present: true,
    notAfter,
    names,
    keyMatches: /^key matches$/m.test(block),
    keyAccess: mode === '' ? '' : `${mode.padStart(4, '0')} ${owner}`,
  }
}
