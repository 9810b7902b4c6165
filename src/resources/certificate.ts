/** TLS certificates: self-signed ones made on the node, and those that somebody else provides. */
import { type Script, sh } from '../connection/script.ts'
import { type CertificateFiles, type CertificateState, certificateAt } from '../facts/certificate.ts'
import { becomes } from '../facts/fact.ts'
import { fileAt } from '../facts/file.ts'
import { OK, type Plan, type Resource } from './resource.ts'

/** A self-signed certificate as it should be. */
export interface SelfSignedDesired extends CertificateFiles {
  /** Host names (a leading `*.` is allowed) and IPv4 addresses it is for; the first one names it. */
  readonly names: readonly string[]
  /** Validity of a new one. */
  readonly days: number
  /** It is replaced when it has fewer days than this left. */
  readonly renewDays: number
}

const DAY = 24 * 60 * 60 * 1000
const KEY_ACCESS = '0600 root:root'

/**
 * Ensures a self-signed ECDSA certificate (P-256) with exactly these names. The key is made on the node and stays there.
 * Replaced when it runs out soon, its names differ, or it does not belong to its key.
 */
export function selfSignedCertificate(desired: SelfSignedDesired): Resource {
  const ref = certificateAt(desired)
  const ref2 = fileAt(desired.certificate)
  return {
    kind: 'certificate',
    key: `file:${desired.certificate}`,
    claims: [`file:${desired.key}`],
    title: `certificate ${desired.certificate}`,
    reads: [ref, ref2],
    plan(model) {
      const state = model.get(ref)
      const why = reasonToMake(desired, state, model.observedAt)
      if (why === undefined) return state.present && state.keyAccess !== KEY_ACCESS ? protectKey(desired, state) : OK
      const made: CertificateState = {
        present: true,
        notAfter: model.observedAt + desired.days * DAY,
        names: desired.names,
        keyMatches: true,
        keyAccess: KEY_ACCESS,
      }
      const content = Buffer.alloc(0)
      return {
        kind: 'change',
        changes: [{ summary: `make a self-signed certificate for ${desired.names.join(', ')} (${why})` }],
        script: makeScript(desired),
        after: [
          becomes(ref, made),
          becomes(ref2, { type: 'file', content, mode: '0644', owner: 'root:root', ctime: model.soon }),
        ],
      }
    },
  }
}

/** Ensures nothing, but blocks with a clear reason when the certificate that a service is to use is not there. */
export function certificateOnNode({ certificate }: CertificateFiles): Resource {
  const ref = fileAt(certificate)
  return {
    kind: 'certificate',
    key: `certificate:${certificate}`,
    shared: true,
    title: `certificate ${certificate}`,
    reads: [ref],
    plan: (model) =>
      model.get(ref).type === 'file'
        ? OK
        : {
            kind: 'blocked',
            reason: `there is no certificate ${certificate} on this node`,
            hint: 'put it there first, or use `tls: {copy: …}` or `tls: {self_signed: true}`',
          },
  }
}

function reasonToMake(desired: SelfSignedDesired, state: CertificateState, now: number): string | undefined {
  if (!state.present) return `valid for ${desired.days} days`
  const names = (list: readonly string[]) => [...list].sort().join(', ')
  if (names(state.names) !== names(desired.names)) return `the present one is for ${names(state.names) || 'no name'}`
  if (!state.keyMatches) return 'the present one does not belong to its key'
  const left = Math.floor((state.notAfter - now) / DAY)
  if (left < 0) return 'the present one has expired'
  return left < desired.renewDays ? `the present one expires in ${left} days` : undefined
}

function protectKey({ certificate, key }: CertificateFiles, state: CertificateState & { present: true }): Plan {
  return {
    kind: 'change',
    changes: [{ summary: `access to ${key}: ${state.keyAccess} → ${KEY_ACCESS}` }],
    script: sh`chown -- root:root ${key}
chmod -- 0600 ${key}`,
    after: [becomes(certificateAt({ certificate, key }), { ...state, keyAccess: KEY_ACCESS })],
  }
}

function makeScript({ certificate, key, names, days }: SelfSignedDesired): Script {
  return sh`pv_c=${certificate} pv_k=${key}
mkdir -p -m 755 -- "$(dirname -- "$pv_c")" "$(dirname -- "$pv_k")"
pv_backup "$pv_c"
pv_backup "$pv_k"
pv_f="$PV_RUN/openssl.cnf"
printf '%s' ${opensslConfig(names)} > "$pv_f"
rm -f -- "$pv_k.pvectl-new" "$pv_c.pvectl-new"
pv_out=$(umask 077; openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -sha256 -days ${days} \
	-config "$pv_f" -keyout "$pv_k.pvectl-new" -out "$pv_c.pvectl-new" 2>&1) || {
	rm -f -- "$pv_k.pvectl-new" "$pv_c.pvectl-new"
	pv_fail "openssl cannot make $pv_c: $pv_out"
}
chmod 644 -- "$pv_c.pvectl-new"
mv -f -- "$pv_k.pvectl-new" "$pv_k"
mv -f -- "$pv_c.pvectl-new" "$pv_c"`
}

/** A common name holds 64 characters at most (RFC 5280, ub-common-name); what counts for clients is subjectAltName. */
function opensslConfig(names: readonly string[]): string {
  const alternatives = names.map((name) => `${/^[\d.]+$/.test(name) ? 'IP' : 'DNS'}:${name}`)
  return `[req]
distinguished_name = subject
x509_extensions = extensions
prompt = no
[subject]
CN = ${(names[0] ?? '').slice(0, 64)}
[extensions]
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = serverAuth
subjectAltName = ${alternatives.join(', ')}
`
}
