/** Where and as whom to log in; the inventory produces it, the connector consumes it. */
export interface Target {
  /** Inventory name, for messages. */
  readonly name: string
  readonly address: string
  /** Default 22. */
  readonly port: number
  /** Default `root`. */
  readonly user: string
  /** Private key files to try, in order; empty means the agent and the usual files in ~/.ssh. */
  readonly keyFiles: readonly string[]
  /** known_hosts files that may vouch for the node; empty means ~/.ssh/known_hosts and /etc/ssh/ssh_known_hosts. */
  readonly knownHostsFiles: readonly string[]
  /** Host to connect through, as `ssh -J` does. */
  readonly jump?: Target
  /** Name to look the host key up by, instead of address and port (`HostKeyAlias` of ssh). */
  readonly hostKeyAlias?: string
  /** Socket of the SSH agent; default the one of SSH_AUTH_SOCK. `none` means no agent. */
  readonly identityAgent?: string
  /** Run scripts as root by `sudo -n`; default false, needless for root. */
  readonly become: boolean
  /** Milliseconds for connect and authentication; default 15 000. */
  readonly connectTimeoutMs: number
  /** Settings that the inventory leaves to ~/.ssh/config; default none. */
  readonly open?: readonly OpenSetting[]
  /** Key files of ~/.ssh/config, offered before the agent's other keys and the usual files. */
  readonly preferredKeyFiles?: readonly string[]
}

/** A setting that ~/.ssh/config may fill, by its name in the inventory. */
export type OpenSetting = 'address' | 'port' | 'user' | 'key' | 'known_hosts' | 'jump'
