/**
 * What the user's ~/.ssh/config says about a host, asked of `ssh -G`, which alone knows Include, Match and patterns.
 *
 * It is asked by the address that the inventory gives (the host's name where it gives none). What the user's files do
 * not set is absent from the answer, so that pvectl's own defaults (user root) stay in force.
 */
import { execFile } from 'node:child_process'
import { access } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expandHome } from './home.ts'

/** Settings of a host that ssh_config files make; absent means that they leave it open. */
export interface SshConfig {
  /** Address to connect to, where it differs from the alias. */
  readonly hostname?: string
  readonly port?: number
  readonly user?: string
  /** Absolute paths in order; empty when unset. */
  readonly identityFiles: readonly string[]
  /** As written: `[user@]host[:port]`, several with commas, outermost first. */
  readonly proxyJump?: string
  readonly proxyCommand?: string
  /** Offer no keys but the identity files. */
  readonly identitiesOnly?: true
  /** Absolute paths; empty when unset. */
  readonly userKnownHostsFiles: readonly string[]
  readonly hostKeyAlias?: string
  /** Path, `none` or `SSH_AUTH_SOCK`. */
  readonly identityAgent?: string
}

/** Surroundings; the defaults are those of the user. */
export interface SshConfigOptions {
  readonly homeDir?: string
  readonly env?: NodeJS.ProcessEnv
}

/** Stands last in the configuration read by ssh, where the first setting wins: who sees it, sees an unset value. */
const UNSET = '/pvectl-unset'

/** The system's file follows the user's, as in ssh. A pipe, since ssh cannot open a socket as a file. */
const ASK = `printf 'Include "%s"\\nInclude /etc/ssh/ssh_config\\nHost *\\nUser %s\\nIdentityFile %s\\nUserKnownHostsFile %s\\n' \
"$2" "$3" "$3" "$3" | exec ssh -G -F /dev/stdin -- "$1"`

/**
 * Undefined when there is no ~/.ssh/config or no ssh to ask (then nothing is run), or when ssh finds an error in the
 * files. One call takes about 10 ms.
 */
export async function resolveSshConfig(alias: string, options: SshConfigOptions = {}): Promise<SshConfig | undefined> {
  const homeDir = options.homeDir ?? homedir()
  const file = join(homeDir, '.ssh', 'config')
  const exists = await access(file).then(
    () => true,
    () => false,
  )
  if (!exists) return undefined
  try {
    const env = options.env ?? process.env
    const { stdout } = await promisify(execFile)('/bin/sh', ['-c', ASK, 'sh', alias, file, UNSET], {
      env,
      timeout: 5000,
    })
    return parseSshConfig(stdout, alias, homeDir)
  } catch {
    return undefined
  }
}

/** Reads the output of `ssh -G`: a lower-case keyword and its value a line. */
export function parseSshConfig(output: string, alias: string, homeDir: string): SshConfig {
  const lines = output.split('\n').map((line) => /^(\S+) (.+)$/.exec(line))
  const all = (keyword: string) => lines.flatMap((line) => (line?.[1] === keyword && line[2] ? [line[2]] : []))
  const one = (keyword: string) => all(keyword).find((value) => value !== UNSET && value !== 'none')
  const hostname = one('hostname') ?? alias
  const tokens: Tokens = {
    h: hostname,
    n: alias,
    r: one('user') ?? 'root',
    d: homeDir,
    p: one('port') ?? '22',
    '%': '%',
  }
  const paths = (values: readonly string[]) =>
    values.filter((value) => value !== UNSET && value !== 'none').map((value) => expandPath(value, tokens, homeDir))
  const agent = all('identityagent')[0]
  return {
    ...defined('hostname', hostname === alias ? undefined : hostname),
    ...defined('port', one('port') === '22' ? undefined : Number(one('port'))),
    ...defined('user', one('user')),
    identityFiles: paths(all('identityfile')),
    ...defined('proxyJump', one('proxyjump')),
    ...defined('proxyCommand', one('proxycommand')),
    ...(one('identitiesonly') === 'yes' ? { identitiesOnly: true } : {}),
    userKnownHostsFiles: paths(all('userknownhostsfile').flatMap((value) => value.split(' '))),
    ...defined('hostKeyAlias', one('hostkeyalias')),
    ...defined('identityAgent', agent === undefined ? undefined : expandPath(agent, tokens, homeDir)),
  }
}

type Tokens = Readonly<Record<string, string>>

/** `~` and the tokens of ssh_config(5) that make sense in a path; others stay as they are. */
function expandPath(path: string, tokens: Tokens, homeDir: string): string {
  return expandHome(
    path.replace(/%(.)/g, (text, token: string) => tokens[token] ?? text),
    homeDir,
  )
}

function defined<K extends string, V>(key: K, value: V | undefined): { [key in K]?: V } {
  return (value === undefined || Number.isNaN(value) ? {} : { [key]: value }) as { [key in K]?: V }
}
