/** Fills what the inventory leaves open from the user's ~/.ssh/config, as ssh would. The inventory always wins. */
import { access } from 'node:fs/promises'
import { homedir } from 'node:os'
import { PvectlError } from '../errors.ts'
import { resolveSshConfig, type SshConfig, type SshConfigOptions } from './ssh-config.ts'
import type { OpenSetting, Target } from './target.ts'

/** Fills targets; the answer for an address is asked for once. */
export type FillTarget = (target: Target) => Promise<Target>

/** Jump hosts behind each other, so that a file which sends a host through itself comes to an end. */
const DEEPEST = 8

const ALL: readonly OpenSetting[] = ['address', 'port', 'user', 'key', 'known_hosts', 'jump']

/**
 * Fills by the files of this user. Targets without `open` settings stay as they are. Rejects with HOST_UNREACHABLE where
 * the file asks for what pvectl cannot do.
 */
export function createUserConfig(options: SshConfigOptions = {}): FillTarget {
  const homeDir = options.homeDir ?? homedir()
  const answers = new Map<string, Promise<SshConfig | undefined>>()
  const ask = (alias: string) => {
    const answer = answers.get(alias) ?? resolveSshConfig(alias, options)
    answers.set(alias, answer)
    return answer
  }

  async function fill(target: Target, depth: number): Promise<Target> {
    const named = target.jump === undefined ? {} : { jump: await fill(target.jump, depth + 1) }
    const open = target.open ?? []
    const config = open.length === 0 ? undefined : await ask(target.address)
    if (config === undefined) return { ...target, ...named }
    const isOpen = (setting: OpenSetting) => open.includes(setting)
    const keys = isOpen('key') ? await existing(config.identityFiles) : []
    const filled: Target = {
      ...target,
      ...named,
      ...(isOpen('address') && config.hostname !== undefined ? { address: config.hostname } : {}),
      ...(isOpen('port') && config.port !== undefined ? { port: config.port } : {}),
      ...(isOpen('user') && config.user !== undefined ? { user: config.user } : {}),
      ...(keys.length === 0 ? {} : config.identitiesOnly ? { keyFiles: keys } : { preferredKeyFiles: keys }),
      ...(isOpen('known_hosts') && config.userKnownHostsFiles.length > 0
        ? { knownHostsFiles: config.userKnownHostsFiles }
        : {}),
      ...(config.hostKeyAlias === undefined ? {} : { hostKeyAlias: config.hostKeyAlias }),
      ...(config.identityAgent === undefined ? {} : { identityAgent: config.identityAgent }),
    }
    if (!isOpen('jump')) return filled
    if (config.proxyJump !== undefined) return { ...filled, jump: await jumps(filled, config.proxyJump, depth + 1) }
    if (config.proxyCommand !== undefined) throw proxyCommand(target, config.proxyCommand)
    return filled
  }

  /** `a,b`: through a, then from there through b. Hosts before the last one come from the list alone. */
  async function jumps(target: Target, list: string, depth: number): Promise<Target> {
    if (depth > DEEPEST) throw endless(target)
    const hops = list.split(',').map((spec) => hopTarget(target, spec.trim()))
    let way: Target | undefined
    for (const [i, hop] of hops.entries()) {
      const filled = await fill(
        i === 0 ? hop : { ...hop, open: (hop.open ?? []).filter((name) => name !== 'jump') },
        depth,
      )
      way = way === undefined ? filled : { ...filled, jump: way }
    }
    return way ?? target
  }

  return (target) => fill(target, 0)

  /** A jump host that the file names, `[user@]host[:port]` or `ssh://…`, with settings of its own. */
  function hopTarget({ name, connectTimeoutMs }: Target, spec: string): Target {
    const [, user, bracketed, plain, port] =
      /^(?:ssh:\/\/)?(?:([^@]+)@)?(?:\[([^\]]+)\]|([^:/]+))(?::(\d+))?\/?$/.exec(spec) ?? []
    const address = bracketed ?? plain
    if (address === undefined) {
      throw new PvectlError(
        'HOST_UNREACHABLE',
        `${name}: ~/.ssh/config names a jump host that makes no sense: ${spec}`,
        {
          hint: `correct ProxyJump in ${homeDir}/.ssh/config, or set \`jump\` in the inventory`,
          host: name,
        },
      )
    }
    const given = [...(user === undefined ? [] : ['user']), ...(port === undefined ? [] : ['port'])]
    return {
      name: spec,
      address,
      port: port === undefined ? 22 : Number(port),
      user: user ?? 'root',
      keyFiles: [],
      knownHostsFiles: [],
      become: false,
      connectTimeoutMs,
      open: ALL.filter((setting) => !given.includes(setting)),
    }
  }
}

/** ssh passes over files of the list that are not there. */
async function existing(paths: readonly string[]): Promise<readonly string[]> {
  const there = await Promise.all(
    paths.map((path) =>
      access(path).then(
        () => true,
        () => false,
      ),
    ),
  )
  return paths.filter((_, i) => there[i])
}

function proxyCommand({ name }: Target, command: string): PvectlError {
  return new PvectlError('HOST_UNREACHABLE', `${name}: ~/.ssh/config reaches it by a ProxyCommand: ${command}`, {
    hint: 'pvectl knows no ProxyCommand: use ProxyJump there, or set `jump` in the inventory (`jump: false` connects directly)',
    host: name,
  })
}

function endless({ name }: Target): PvectlError {
  return new PvectlError('HOST_UNREACHABLE', `${name}: jump hosts of ~/.ssh/config do not come to an end`, {
    hint: 'two of them name each other: give the outer one `ProxyJump none`',
    host: name,
  })
}
