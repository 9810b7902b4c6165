/** HTTP as a visitor speaks it, raw, so that nothing hides what the other side does. */
import type { Duplex } from 'node:stream'
import { connect as startTls, type TLSSocket } from 'node:tls'

/** What a visitor sees of a certificate. */
export interface SeenCertificate {
  /** The names it is for, as in its subjectAltName. */
  readonly names: string
  readonly matches: boolean
  /** Milliseconds since the epoch. */
  readonly validFrom: number
  readonly validTo: number
  /** SHA-256, in hexadecimal without colons. */
  readonly fingerprint: string
}

/** An answer: the head of it is all that counts. */
export interface SeenAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Beginning of the body. */
  readonly body: string
}

/** What came of a visit. */
export interface Visit {
  readonly certificate?: SeenCertificate
  readonly answer?: SeenAnswer
  /** Why there is no answer: an error code or a few words. */
  readonly error?: string
  /** How far it got. */
  readonly stage: 'connect' | 'handshake' | 'request' | 'answered'
}

/** What to ask for. */
export interface VisitOptions {
  readonly dial: () => Promise<Duplex>
  /** Host name: of the handshake, and of the request. */
  readonly name: string
  readonly tls: boolean
  readonly path?: string
  /** Ask for an upgrade to a WebSocket. */
  readonly upgrade?: boolean
}

const ANSWER_MS = 8000

/** Visits a site. Never rejects. */
export async function visit(options: VisitOptions): Promise<Visit> {
  let stage: Visit['stage'] = 'connect'
  let stream: Duplex | undefined
  let certificate: SeenCertificate | undefined
  try {
    stream = await options.dial()
    if (options.tls) {
      stage = 'handshake'
      const secure = await handshake(stream, options.name)
      certificate = certificateOf(secure, options.name)
      stream = secure
    }
    stage = 'request'
    const answer = await ask(stream, requestText(options))
    return { stage: 'answered', answer, ...(certificate === undefined ? {} : { certificate }) }
  } catch (error) {
    return { stage, error: reasonOf(error), ...(certificate === undefined ? {} : { certificate }) }
  } finally {
    stream?.on('error', () => {}).destroy()
  }
}

/** The request of a visitor, as text. */
export function requestText({
  name,
  path = '/',
  upgrade = false,
}: Pick<VisitOptions, 'name' | 'path' | 'upgrade'>): string {
  const key = 'cHZlY3RsIHZlcmlmeSEhIQ=='
  const connection = upgrade
    ? ['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${key}`]
    : ['Connection: close']
  return [
    `GET ${path} HTTP/1.1`,
    `Host: ${name}`,
    'User-Agent: pvectl-verify',
    'Accept: */*',
    ...connection,
    '',
    '',
  ].join('\r\n')
}

function handshake(stream: Duplex, name: string): Promise<TLSSocket> {
  return timed((resolve, reject) => {
    // What is wrong with the certificate is for the checks to say.
    const secure = startTls({
      socket: stream,
      servername: name,
      rejectUnauthorized: false,
      ALPNProtocols: ['http/1.1'],
    })
    secure.once('secureConnect', () => resolve(secure))
    secure.once('error', reject)
    stream.once('close', () => reject(new Error('closed the connection')))
  })
}

function certificateOf(secure: TLSSocket, name: string): SeenCertificate | undefined {
  const x509 = secure.getPeerX509Certificate()
  if (x509 === undefined) return undefined
  return {
    names: (x509.subjectAltName ?? `no name (${x509.subject}, and no subjectAltName)`)
      .replaceAll('DNS:', '')
      .replaceAll('IP Address:', ''),
    // Browsers do not go by the subject any more.
    matches: x509.checkHost(name, { subject: 'never' }) !== undefined,
    validFrom: Date.parse(x509.validFrom),
    validTo: Date.parse(x509.validTo),
    fingerprint: x509.fingerprint256.replaceAll(':', '').toLowerCase(),
  }
}

function ask(stream: Duplex, request: string): Promise<SeenAnswer> {
  return timed((resolve, reject) => {
    let text = ''
    const end = () => {
      const answer = readAnswer(text)
      if (answer === undefined)
        reject(new Error(text === '' ? 'closed the connection without an answer' : 'answered no HTTP'))
      else resolve(answer)
    }
    stream.on('error', reject)
    stream.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1')
      if (text.includes('\r\n\r\n')) end()
    })
    stream.on('end', end)
    stream.on('close', end)
    stream.write(request)
  })
}

function readAnswer(text: string): SeenAnswer | undefined {
  const [head = '', body = ''] = text.split('\r\n\r\n', 2)
  const [first = '', ...lines] = head.split('\r\n')
  const status = /^HTTP\/\S+ (\d{3})/.exec(first)?.[1]
  if (status === undefined) return undefined
  const headers = lines
    .map((line) => /^([^:]+):\s*(.*)$/.exec(line) ?? [])
    .map(([, key = '', value = '']) => [key.toLowerCase(), value])
  return { status: Number(status), headers: Object.fromEntries(headers), body: body.slice(0, 300) }
}

function timed<T>(work: (resolve: (value: T) => void, reject: (error: Error) => void) => void): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`no answer within ${ANSWER_MS / 1000} s`)), ANSWER_MS)
    timer.unref()
    work(
      (value) => {
        clearTimeout(timer)
        resolve(value)
      },
      (error) => {
        clearTimeout(timer)
        reject(error)
      },
    )
  })
}

const WORDS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ECONNRESET: 'closed the connection',
  EHOSTUNREACH: 'host unreachable',
  ENETUNREACH: 'network unreachable',
  ERR_SSL_TLSV1_UNRECOGNIZED_NAME: 'refused the name',
  ERR_SSL_TLSV1_ALERT_UNRECOGNIZED_NAME: 'refused the name',
}

/** Without the places in the sources of OpenSSL. */
function plainText(message: string): string {
  const [line = ''] = message.split('\n')
  return line.replace(/^.*SSL routines:[^:]*:/, '').replace(/:[^:]*\.c:\d+:.*$/, '')
}

/** Why something failed, in a few words. */
export function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException
  return WORDS[code ?? ''] ?? plainText(message)
}
