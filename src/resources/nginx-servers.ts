/** The server blocks of nginx configuration files: which names they answer to, and where they listen. */

/** A server block. */
export interface NginxServer {
  readonly path: string
  /** Line of its `server`, counted from 1. */
  readonly line: number
  /** In lower case. */
  readonly names: readonly string[]
  readonly listens: readonly NginxListen[]
}

/** Where a server block listens. */
export interface NginxListen {
  /** Without the port: `*`, `[::]`, an address, or the path of a socket. */
  readonly address: string
  /** Undefined for a socket of the file system. */
  readonly port: number | undefined
  /** It answers for names that no server block has. */
  readonly isDefault: boolean
}

interface Directive {
  readonly name: string
  readonly args: readonly string[]
  readonly line: number
  readonly block: readonly Directive[] | undefined
}

/** All server blocks of a file. Never fails: what nginx would reject is read as far as it makes sense. */
export function nginxServers(path: string, text: string): readonly NginxServer[] {
  return serversIn(parse(tokens(text), 0).directives).map(({ line, block = [] }) => {
    const listens = block.filter(({ name }) => name === 'listen').map(({ args }) => readListen(args))
    return {
      path,
      line,
      names: block.filter(({ name }) => name === 'server_name').flatMap(({ args }) => args.map((a) => a.toLowerCase())),
      listens: listens.length > 0 ? listens : [{ address: '*', port: 80, isDefault: false }],
    }
  })
}

/** Those of the top level, as in sites-enabled, and those within `http`; `server` within `upstream` is another thing. */
function serversIn(directives: readonly Directive[]): readonly Directive[] {
  return directives.flatMap((directive) => {
    if (directive.name === 'http') return serversIn(directive.block ?? [])
    return directive.name === 'server' && directive.block !== undefined ? [directive] : []
  })
}

function readListen([where = '80', ...flags]: readonly string[]): NginxListen {
  const isDefault = flags.some((flag) => flag === 'default_server' || flag === 'default')
  if (where.startsWith('unix:')) return { address: where, port: undefined, isDefault }
  if (/^\d+$/.test(where)) return { address: '*', port: Number(where), isDefault }
  const [, host = where, port = '80'] = /^(\[.*\]|[^:]*)(?::(\d+))?$/.exec(where) ?? []
  return { address: host === '0.0.0.0' ? '*' : host, port: Number(port), isDefault }
}

interface Token {
  readonly text: string
  readonly line: number
  /** `{`, `}` and `;` mean something only without quotes. */
  readonly quoted: boolean
}

function tokens(text: string): readonly Token[] {
  const found: Token[] = []
  let line = 1
  for (const [part] of text.matchAll(TOKEN)) {
    const quoted = /^["']/.test(part)
    if (!/^[\s#]/.test(part)) found.push({ text: quoted ? unquote(part) : part, line, quoted })
    line += part.split('\n').length - 1
  }
  return found
}

/** As in nginx, a `{` after `$` does not open a block, and a `}` within a word does not close one. */
const TOKEN =
  /\s+|#[^\n]*|"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|[{};]|(?:\$\{|\\.|[^\s{};\\])(?:\$\{|\\.|[^\s{;\\])*|\\/gs

function unquote(text: string): string {
  return text.slice(1, -1).replace(/\\(["'])/g, '$1')
}

function parse(all: readonly Token[], start: number): { directives: readonly Directive[]; end: number } {
  const directives: Directive[] = []
  let words: Token[] = []
  const finish = (block?: readonly Directive[]) => {
    const [first, ...rest] = words
    if (first !== undefined)
      directives.push({ name: first.text, args: rest.map(({ text }) => text), line: first.line, block })
    words = []
  }
  let at = start
  while (at < all.length) {
    const token = all[at] as Token
    at += 1
    if (token.quoted || !/^[{};]$/.test(token.text)) words.push(token)
    else if (token.text === ';') finish()
    else if (token.text === '}') break
    else {
      const inner = parse(all, at)
      at = inner.end
      finish(inner.directives)
    }
  }
  return { directives, end: at }
}
