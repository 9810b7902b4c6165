/** Keeps secrets out of written files: what might hold one is named, and never copied. */

const LOOKS_SECRET: readonly RegExp[] = [
  /-----BEGIN [A-Z ]*PRIVATE KEY/,
  /AGE-SECRET-KEY-/,
  // A word for a secret with a value behind it that is no path, variable, switch or remark; `proxy_pass` is none.
  /(password|passwd|passphrase|(?<!(?:proxy|fastcgi|grpc|memcached|scgi|uwsgi)_)pass|secret|token|api[_-]?key|psk|pre-?shared-?key|private-?_?key|community)["']?\s*(=|:|\s(?!\s*#))\s*["']?(?!\/|\$|(?:yes|no|on|off|true|false|none)\b)[^\s"';{]/i,
  /\b(Basic|Bearer)\s+[A-Za-z0-9+/=._-]{8,}/,
  /:\/\/[^/\s:@]+:[^/\s:@]+@/,
  // Hashes of passwords, as crypt(5) writes them.
  /\$(1|5|6|7|y|gy|2[abxy]|apr1)\$/,
]

/** Number of the first line that looks as if it held a secret, from 1; undefined when none does. */
export function secretLine(text: string): number | undefined {
  const index = text.split('\n').findIndex((line) => LOOKS_SECRET.some((pattern) => pattern.test(line)))
  return index < 0 ? undefined : index + 1
}

/** Why a file must not be copied off the node; undefined when it may be. */
export function whyKept(content: Buffer, mode: string): string | undefined {
  if (!/[4567]$/.test(mode)) return `not everybody on the node may read it (${mode}), so it may hold a secret`
  if (content.subarray(0, 8000).includes(0)) return 'it is binary'
  const line = secretLine(content.toString('utf8'))
  return line === undefined ? undefined : `line ${line} looks as if it held a secret`
}

/** True for data that holds a text which looks as if it held a secret. */
export function looksSecret(data: unknown): boolean {
  if (typeof data === 'string') return secretLine(data) !== undefined
  if (typeof data !== 'object' || data === null) return false
  return Object.entries(data).some(
    ([key, value]) => looksSecret(value) || secretLine(`${key}: ${String(value)}`) !== undefined,
  )
}

/** A line for people, or no more than that it is there. */
export function shownLine(text: string): string {
  return secretLine(text) === undefined ? text : '(not shown, it looks as if it held a secret)'
}
