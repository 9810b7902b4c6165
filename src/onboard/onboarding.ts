/** Onboarding from the first contact to the summary. Knows no terminal: it says what happens as events. */
import type { Connector } from '../connection/connection.ts'
import type { Target } from '../connection/target.ts'
import { EXIT, PvectlError, worstExit } from '../errors.ts'
import type { Host } from '../inventory/host.ts'
import { addressText, type NodeAddress } from './address.ts'
import type { GrowingInventory } from './candidate.ts'
import type { Circumstances } from './circumstances.ts'
import { type Cluster, lookAtCluster, portsTo } from './cluster.ts'
import { makeContact } from './contact.ts'
import { entryVars, sameNode } from './entry.ts'
import { joinStep } from './join-step.ts'
import { isMemberAlready, type JoinView, membersRow } from './judge-join.ts'
import { ownAddress } from './judge-system.ts'
import { memberEntries } from './members.ts'
import type { Newcomer } from './newcomer.ts'
import { nodeConnector } from './node-connector.ts'
import { judgeNode } from './preflight.ts'
import { ignoring, type Row } from './row.ts'
import { leftToDo, summaryOf } from './summary.ts'
import { survey } from './survey.ts'
import type { OnboardTools, OnboardWishes } from './wishes.ts'

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
  /** What is left to look at, by label of the node. */
  readonly #warnings = new Map<string, readonly Row[]>()
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
    for (const newcomer of met) {
      if ((await this.#try(newcomer.label, () => this.#preflight(newcomer))) === true) fit.push(newcomer)
    }
    const entered: Newcomer[] = []
    for (const newcomer of fit) {
      const host = await this.#try(newcomer.label, () => this.#enter(newcomer))
      if (host !== undefined) entered.push({ ...newcomer, host })
    }
    if (entered.length === 0) return []
    if (this.#around.mode === 'apply') this.#inventory.save()
    if (!(await this.#baseline(entered))) return []
    const joined = await this.#join(entered)
    await this.#verify(joined)
    return joined
  }

  async #preflight(newcomer: Newcomer): Promise<boolean> {
    const { label, survey: node, host } = newcomer
    const members = new Map(this.#cluster?.members.map((member) => [member.host.name, member.survey]))
    const join = await this.#joinView(newcomer)
    const judged = judgeNode({ node, address: host.target.address, members, join })
    const others = this.#cluster === undefined ? [] : [membersRow(this.#cluster.strangers, this.#cluster.unreachable)]
    const rows = ignoring([...judged, ...others], this.#wishes.ignored)
    const count = (verdict: Row['verdict']) => rows.filter((row) => row.verdict === verdict).length
    const failed = count('fail') > 0
    const status = failed ? 'failed' : count('warn') > 0 ? 'warning' : 'ok'
    const words = [`${count('pass')} passed`, `${count('warn')} to look at`, `${count('fail')} failed`]
    this.#around.step(label, 'preflight', status, words.filter((text) => !text.startsWith('0 ')).join(', '), [], rows)
    if (failed) this.#codes.push(EXIT.failed)
    this.#warnings.set(
      label,
      rows.filter((row) => row.verdict === 'warn' && isLasting(row)),
    )
    return !failed
  }

  async #joinView({ survey: node, connection, host }: Newcomer): Promise<JoinView | undefined> {
    if (this.#wishes.cluster?.kind === 'create') return this.#wishes.cluster
    if (this.#cluster === undefined) return undefined
    const { via } = this.#cluster
    const view = { kind: 'join', via: via.host.name, member: via.survey, ports: undefined } as const
    if (via.survey.cluster.state !== 'member' || isMemberAlready(node, view)) return view
    const peer = { connection, address: ownAddress(node.basics, host.target.address) }
    return { ...view, ports: await portsTo(this.#cluster, peer, this.#tools.rest) }
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
    const twin = sameNode(node.basics, host, others)
    if (twin !== undefined) throw twin
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

  async #join(entered: readonly Newcomer[]): Promise<readonly Newcomer[]> {
    const { cluster } = this.#wishes
    if (cluster === undefined) return entered
    const connector = this.#connector(entered)
    const result = await joinStep(entered, {
      wish: cluster,
      via: this.#cluster?.via.host,
      wishes: this.#wishes,
      around: this.#around,
      tools: this.#tools,
      connector,
      attempt: (label, work) => this.#try(label, work),
      onJoined: (host) => this.#replan(host, connector),
    })
    this.#clusterName = result.cluster
    return result.joined
  }

  /** A join replaces what is below /etc/pve, certificates among it: what depends on them is looked at again. */
  async #replan(host: Host, connector: Connector<Target>): Promise<void> {
    const { playbook } = this.#wishes
    const inventory = await this.#inventory.load()
    if (playbook === undefined || inventory === undefined) return
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
    const todo = leftToDo(ready, this.#warnings)
    const failed = nodes.flatMap(({ address, onboarded }) => (onboarded ? [] : [address]))
    const summary = summaryOf({ newcomers: ready, failed, inventory, mode, cluster: this.#clusterName, todo })
    this.#tools.emit({ event: 'onboard:finished', nodes, summary, exitCode })
    return exitCode
  }
}

/** What the baseline mends, and what a join that came through has settled, is not left to do. */
function isLasting({ id, remedy = '' }: Row): boolean {
  return !remedy.startsWith('the baseline') && !['pmxcfs', 'membership', 'quorum'].includes(id)
}
