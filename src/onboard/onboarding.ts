/** Onboarding from the first contact to the summary. Knows no terminal: it says what happens as events. */
import type { Connector } from '../connection/connection.ts'
import type { Target } from '../connection/target.ts'
import { EXIT, PvectlError, worstExit } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import type { LoadedInventory } from '../inventory/load.ts'
import { addressText, type NodeAddress } from './address.ts'
import type { GrowingInventory } from './candidate.ts'
import type { Circumstances } from './circumstances.ts'
import { type Cluster, lookAtCluster } from './cluster.ts'
import { makeContact } from './contact.ts'
import { entryVars } from './entry.ts'
import type { EmitOnboard } from './events.ts'
import { joinCluster } from './join.ts'
import type { JoinView } from './judge-join.ts'
import type { Links } from './links.ts'
import { type MemberEntry, memberEntries } from './members.ts'
import type { Newcomer } from './newcomer.ts'
import { nodeConnector } from './node-connector.ts'
import { judgeNode } from './preflight.ts'
import { ignoring, type Row } from './row.ts'
import { summaryOf } from './summary.ts'
import { survey } from './survey.ts'

/** What the user asked for. */
export interface OnboardWishes {
  readonly addresses: readonly NodeAddress[]
  /** Name in the inventory; default: the node's own. For a single node. */
  readonly name: string | undefined
  /** The cluster to join, by the name of a member in the inventory, or to found. */
  readonly cluster:
    | { readonly kind: 'join'; readonly via: string }
    | { readonly kind: 'create'; readonly name: string }
    | undefined
  readonly links: Links
  readonly joinTimeoutMs: number
  /** Ids of rows whose failure does not matter. */
  readonly ignored: readonly string[]
  /** Playbook to run; undefined: none. */
  readonly playbook: string | undefined
}

/** A run of a playbook that onboarding asks for. */
export interface PlaybookRequest {
  readonly playbook: string
  readonly inventory: LoadedInventory
  /** Names of the hosts. */
  readonly hosts: readonly string[]
  /** Only tasks with this tag; undefined: all. */
  readonly tag: string | undefined
  readonly members: readonly MemberEntry[]
  readonly connector: Connector<Target>
}

/** What onboarding needs of the outside. */
export interface OnboardTools {
  /** Runs a playbook to its exit code. */
  readonly runPlaybook: (request: PlaybookRequest) => Promise<number>
  /** Proves from outside that nodes work, to the exit code; undefined where that is not to be had. */
  readonly verify: ((hosts: readonly string[], inventory: LoadedInventory) => Promise<number>) | undefined
  /** Connects to hosts of the inventory. */
  readonly rest: Connector<Target>
  /** Line for authorized_keys of the admin's key for a target. */
  readonly keyLine: (target: Target) => Promise<string>
  readonly emit: EmitOnboard
}

/** Onboards nodes, to the exit code. A node that fails does not keep the others. */
export async function onboard(
  wishes: OnboardWishes,
  inventory: GrowingInventory,
  around: Circumstances,
  tools: OnboardTools,
): Promise<number> {
  return new Onboarding(wishes, inventory, around, tools).run()
}

class Onboarding {
  readonly #wishes: OnboardWishes
  readonly #inventory: GrowingInventory
  readonly #around: Circumstances
  readonly #tools: OnboardTools
  readonly #codes: number[] = []
  readonly #todo: string[] = []
  #cluster: Cluster | undefined
  #clusterName: string | undefined

  constructor(wishes: OnboardWishes, inventory: GrowingInventory, around: Circumstances, tools: OnboardTools) {
    this.#wishes = wishes
    this.#inventory = inventory
    this.#around = around
    this.#tools = tools
  }

  async run(): Promise<number> {
    const { addresses } = this.#wishes
    const { emit } = this.#tools
    const { mode, inventoryName } = this.#around
    emit({ event: 'onboard:started', mode, addresses: addresses.map(addressText), inventory: inventoryName })
    await this.#findCluster()
    const met: Newcomer[] = []
    try {
      for (const at of addresses) {
        const newcomer = await this.#try(addressText(at), () => this.#meet(at))
        if (newcomer !== undefined) met.push(newcomer)
      }
      const ready = met.length === 0 ? [] : await this.#work(met)
      return this.#finish(ready)
    } finally {
      for (const { connection, contact } of met) {
        await connection.close()
        await contact.connector.close()
      }
    }
  }

  /** The member to join by is looked at first: without it, there is nothing to begin. */
  async #findCluster(): Promise<void> {
    const { cluster } = this.#wishes
    if (cluster?.kind !== 'join') return
    const inventory = await this.#inventory.load()
    const via = inventory?.hosts.find(({ name, target }) => name === cluster.via || target.address === cluster.via)
    if (via === undefined) {
      throw new PvectlError('USAGE', `--join: the inventory has no host \`${cluster.via}\``, {
        hint: 'name a member of the cluster as the inventory does; one that is not in it yet can be onboarded first, without --join',
      })
    }
    this.#cluster = await lookAtCluster(via, inventory?.hosts ?? [], this.#tools.rest)
  }

  /** First contact, and a survey. */
  async #meet(at: NodeAddress): Promise<Newcomer> {
    const label = addressText(at)
    const known = await this.#inventory.find(at)
    const placeholder = this.#wishes.name ?? (/^[A-Za-z0-9.-]+$/.test(at.address) ? at.address : 'new-node')
    const first = known ?? (await this.#inventory.preview(placeholder, at, {}))
    const contact = await makeContact(first, label, this.#around)
    try {
      const connection = await contact.connector.connect(contact.target)
      const seen = await survey(connection)
      return { at, label, host: first, isKnown: known !== undefined, contact, connection, survey: seen }
    } catch (error) {
      await contact.connector.close()
      throw error
    }
  }

  /** All steps after the first contact; returns the nodes that got through them. */
  async #work(met: readonly Newcomer[]): Promise<readonly Newcomer[]> {
    const fit: Newcomer[] = []
    for (const newcomer of met) if (this.#preflight(newcomer)) fit.push(newcomer)
    const entered: Newcomer[] = []
    for (const newcomer of fit) {
      const host = await this.#try(newcomer.label, () => this.#enter(newcomer))
      if (host !== undefined) entered.push({ ...newcomer, host })
    }
    if (entered.length === 0) return []
    if (this.#around.mode === 'apply') await this.#inventory.save()
    if (!(await this.#baseline(entered))) return []
    const joined = await this.#join(entered)
    await this.#verify(joined)
    return joined
  }

  #preflight({ label, survey: node, host }: Newcomer): boolean {
    const members = new Map(this.#cluster?.members.map((member) => [member.host.name, member.survey]))
    const join = this.#joinView()
    const rows = ignoring(judgeNode({ node, address: host.target.address, members, join }), this.#wishes.ignored)
    const count = (verdict: Row['verdict']) => rows.filter((row) => row.verdict === verdict).length
    const failed = count('fail') > 0
    const status = failed ? 'failed' : count('warn') > 0 ? 'warning' : 'ok'
    const words = [`${count('pass')} passed`, `${count('warn')} to look at`, `${count('fail')} failed`]
    this.#around.step(label, 'preflight', status, words.filter((text) => !text.startsWith('0 ')).join(', '), [], rows)
    if (failed) this.#codes.push(EXIT.failed)
    for (const row of rows) if (row.verdict === 'warn' && isLasting(row)) this.#todo.push(`${host.name}: ${row.remedy}`)
    return !failed
  }

  #joinView(): JoinView | undefined {
    const { cluster } = this.#wishes
    if (cluster?.kind === 'create') return cluster
    if (this.#cluster === undefined) return undefined
    const { via } = this.#cluster
    return { kind: 'join', via: via.host.name, member: via.survey, ports: undefined }
  }

  async #enter({ at, label, host, isKnown, survey: node }: Newcomer): Promise<Host> {
    const inventory = await this.#inventory.load()
    const others = (inventory?.hosts ?? []).filter(({ name }) => name !== host.name)
    const vars = entryVars(node, host.vars, others)
    const { step, mode, show } = this.#around
    const file = show(this.#inventory.file)
    if (isKnown) {
      const added = await this.#inventory.extend(host.name, vars)
      const text = added ? `${host.name} in ${file}: variables added` : `${host.name}, in ${file} already`
      step(label, 'inventory', added ? (mode === 'apply' ? 'changed' : 'would change') : 'ok', text)
      return (await this.#inventory.load())?.hosts.find(({ name }) => name === host.name) ?? host
    }
    const name = this.#wishes.name ?? node.basics.hostname
    const entered = await this.#inventory.add(name, at, vars)
    const details = Object.entries(vars).map(([key, value]) => `${key}: ${JSON.stringify(value)}`)
    const text = `${name} ${mode === 'apply' ? 'is' : 'would be'} in ${file}, group ${await this.#inventory.group()}`
    step(label, 'inventory', mode === 'apply' ? 'changed' : 'would change', text, details)
    return entered
  }

  /** The new nodes first, then what members must know of them. */
  async #baseline(entered: readonly Newcomer[]): Promise<boolean> {
    const { playbook, cluster } = this.#wishes
    const inventory = await this.#inventory.load()
    if (playbook === undefined || inventory === undefined) return true
    const members = memberEntries(entered, this.#cluster, cluster !== undefined)
    const names = entered.map(({ host }) => host.name)
    const run = (hosts: readonly string[], tag: string | undefined) =>
      this.#tools.runPlaybook({ playbook, inventory, hosts, tag, members, connector: this.#connector(entered) })
    const code = await run(names, undefined)
    this.#codes.push(code)
    const old = (this.#cluster?.members ?? []).map(({ host }) => host.name).filter((name) => !names.includes(name))
    if (code !== EXIT.ok || old.length === 0) return code === EXIT.ok
    const memberCode = await run(old, 'members')
    this.#codes.push(memberCode)
    return memberCode === EXIT.ok
  }

  /** One node at a time: each join changes the votes that the next one depends on. */
  async #join(entered: readonly Newcomer[]): Promise<readonly Newcomer[]> {
    const { cluster } = this.#wishes
    if (cluster === undefined) return entered
    const joined: Newcomer[] = []
    let via = this.#cluster?.via.host
    for (const newcomer of entered) {
      const to =
        via === undefined ? ({ kind: 'create', name: nameOf(cluster) } as const) : ({ kind: 'join', via } as const)
      const done = await this.#try(newcomer.label, () => this.#joinOne(newcomer, to, entered))
      // The votes are in doubt now; no further node is led into that.
      if (done === undefined) break
      joined.push(newcomer)
      via ??= newcomer.host
    }
    return joined
  }

  async #joinOne(
    { label, host, contact }: Newcomer,
    to: Parameters<typeof joinCluster>[0]['to'],
    entered: readonly Newcomer[],
  ): Promise<true> {
    const { mode, step, inventoryName } = this.#around
    const { links, joinTimeoutMs, ignored } = this.#wishes
    const begin = (text: string) => this.#tools.emit({ event: 'onboard:begin', node: label, step: 'cluster', text })
    begin(to.kind === 'create' ? `founding the cluster ${to.name}` : `joining by ${to.via.name}`)
    const connector = mode === 'apply' ? this.#tools.rest : this.#connector(entered)
    const result = await joinCluster({
      host: mode === 'apply' ? host : { ...host, target: { ...contact.target, name: host.name } },
      connector,
      inventoryName,
      keyLine: await this.#tools.keyLine(host.target),
      to,
      links,
      timeoutMs: joinTimeoutMs,
      ignored,
      mode,
      onProgress: begin,
    })
    this.#clusterName = result.cluster
    const verb = to.kind === 'create' ? 'founded' : 'joined'
    const text = result.changed
      ? `${host.name} ${mode === 'apply' ? verb : `would have ${verb}`} ${result.cluster}`
      : `${host.name} is a member of ${result.cluster} already`
    step(
      label,
      'cluster',
      result.changed ? (mode === 'apply' ? 'changed' : 'would change') : 'ok',
      text,
      result.details,
    )
    if (result.changed && mode === 'apply') await this.#replan(host)
    return true
  }

  /** A join replaces what is below /etc/pve, certificates among it: what depends on them is looked at again. */
  async #replan(host: Host): Promise<void> {
    const { playbook } = this.#wishes
    const inventory = await this.#inventory.load()
    if (playbook === undefined || inventory === undefined) return
    const connector = this.#tools.rest
    const request = { playbook, inventory, hosts: [host.name], tag: undefined, members: [], connector }
    this.#codes.push(await this.#tools.runPlaybook(request))
  }

  async #verify(joined: readonly Newcomer[]): Promise<void> {
    const inventory = await this.#inventory.load()
    const { verify } = this.#tools
    if (verify === undefined || inventory === undefined || this.#around.mode === 'check' || joined.length === 0) return
    this.#codes.push(
      await verify(
        joined.map(({ host }) => host.name),
        inventory,
      ),
    )
  }

  /** New nodes may have to be reached by password, and under a key that is not pinned yet. */
  #connector(entered: readonly Newcomer[]): Connector<Target> {
    return nodeConnector(new Map(entered.map(({ host, contact }) => [host.name, contact])), this.#tools.rest)
  }

  /** What a step comes to; undefined when it failed, which is said and remembered. */
  async #try<T>(label: string, work: () => Promise<T>): Promise<T | undefined> {
    try {
      return await work()
    } catch (error) {
      if (!(error instanceof PvectlError) || error.code === 'INTERNAL') throw error
      this.#codes.push(error.exitCode)
      this.#tools.emit({ event: 'onboard:failed', node: label, code: error.code, problems: error.problems })
      return undefined
    }
  }

  #finish(ready: readonly Newcomer[]): number {
    const exitCode = worstExit(this.#codes)
    const nodes = this.#wishes.addresses.map((at) => {
      const done = ready.find((newcomer) => newcomer.at === at)
      return {
        address: addressText(at),
        ...(done === undefined ? {} : { name: done.host.name }),
        onboarded: done !== undefined,
      }
    })
    const { mode, inventoryName: inventory } = this.#around
    const summary = summaryOf({ newcomers: ready, inventory, mode, cluster: this.#clusterName, todo: this.#todo })
    this.#tools.emit({ event: 'onboard:finished', nodes, summary, exitCode })
    return exitCode
  }
}

/** What the baseline mends is not left to do. */
function isLasting({ remedy = '' }: Row): boolean {
  return !remedy.startsWith('the baseline')
}

function nameOf(cluster: NonNullable<OnboardWishes['cluster']>): string {
  return cluster.kind === 'create' ? cluster.name : ''
}
