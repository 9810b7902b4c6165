/** Loads a playbook for an inventory: everything that a run is going to do, before the first connection. */
import { readFileSync } from 'node:fs'
import { PvectlError } from '../errors.ts'
import type { Host, Inventory } from '../inventory/host.ts'
import { matchHosts, type Selection, selectHosts } from '../inventory/select.ts'
import { sha256 } from '../resources/sha256.ts'
import type { SecretStore } from '../secrets/store.ts'
import type { TaskType } from '../tasks/task-type.ts'
import { TemplateFiles } from '../templates/files.ts'
import type { HostView, ScopeData } from '../templates/scope.ts'
import { type CompiledPlay, PlayCompiler } from './compile-play.ts'
import { checkConflicts } from './conflicts.ts'
import { expandTasks } from './expand.ts'
import { ControllerFiles, hostContext } from './host-context.ts'
import type { HostTask, Job } from './job.ts'
import { checkLinks } from './link-conflicts.ts'
import { locatePlaybook } from './locate.ts'
import { parsePlaybook } from './parse.ts'
import type { Play } from './play.ts'
import { renderPlayVars } from './play-vars.ts'
import { ProblemList } from './problems.ts'
import { checkReachable } from './reachable.ts'
import { type ExpandedPlay, toStages } from './stages.ts'
import { checkTags, isWanted, type TagFilter } from './tags.ts'

/** What to load, for whom. */
export interface LoadJobOptions {
  /** Name or path. */
  readonly playbook: string
  readonly inventory: Inventory
  /** Folder in which names and relative paths are looked up, and to which messages relate. */
  readonly cwd: string
  /** Pattern of hosts to keep; default all. */
  readonly limit?: string
  /** Tags to run only; default all. */
  readonly tags?: readonly string[]
  readonly skipTags?: readonly string[]
  /** Variables that outrank all others. */
  readonly extraVars?: Readonly<Record<string, unknown>>
  /** Task types that playbooks may name. */
  readonly registry: readonly TaskType[]
  /** Default `process.env`; `XDG_CONFIG_HOME` counts. */
  readonly env?: NodeJS.ProcessEnv
  /** Opens encrypted variables of plays; without it they stay closed. */
  readonly secrets?: SecretStore
}

/**
 * Loads a job. Throws PLAYBOOK_INVALID, TEMPLATE_MISSING, TEMPLATE_FAILED or CONFLICT with all problems of all plays at
 * once, SECRET_FAILED for what cannot be decrypted, and USAGE for a limit or tags that fit nothing.
 */
export async function loadJob(options: LoadJobOptions): Promise<Job> {
  const { inventory, cwd, registry, limit, tags = [], skipTags = [] } = options
  const problems = new ProblemList()
  const limited = new Set(limit === undefined ? inventory.hosts : selectHosts(inventory, limit))
  const file = locatePlaybook(options.playbook, cwd)
  const plays = parsePlaybook(file, { cwd, registry, problems })
  const filter = { only: tags, skip: skipTags }
  if (problems.isEmpty) checkTags(filter, new Set(plays.flatMap((play) => play.tasks.flatMap((task) => task.tags))))
  const loader = new JobLoader(options, problems)
  const opened = options.secrets === undefined ? plays : await withSecrets(plays, options.secrets)
  const expanded = opened.map((play) => loader.expand(withTags(play, filter), limited))
  const hosts = inventory.hosts.filter((host) => expanded.some((play) => play.tasks.has(host.name)))
  for (const host of hosts) {
    const tasks = expanded.flatMap((play) => play.tasks.get(host.name) ?? [])
    checkConflicts(host.name, tasks, problems)
    checkLinks(host.name, tasks, problems)
    checkReachable(host, tasks, inventory.hosts, problems)
  }
  problems.throwIfAny()
  const stages = toStages(expanded)
  if (stages.length === 0) throw nothingToDo(options, hosts)
  const busy = new Set(stages.flatMap((stage) => stage.hosts.map(({ host }) => host)))
  return {
    playbook: options.playbook,
    digest: sha256(readFileSync(file)),
    inventory: inventory.name,
    stages,
    hosts: inventory.hosts.filter((host) => busy.has(host)),
    ...(loader.verify.size === 0 ? {} : { verify: loader.verify }),
  }
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

class JobLoader {
  /** The variable `verify` of hosts, as plays and the command line have it. */
  readonly verify = new Map<string, unknown>()
  readonly #inventory: Inventory
  readonly #extra: Readonly<Record<string, unknown>>
  readonly #problems: ProblemList
  readonly #compiler = new PlayCompiler()
  readonly #templates: TemplateFiles
  readonly #files: ControllerFiles
  readonly #shared: Pick<ScopeData, 'groups' | 'hosts' | 'definedOn'>

  constructor({ inventory, cwd, env, extraVars = {} }: LoadJobOptions, problems: ProblemList) {
    this.#inventory = inventory
    this.#extra = extraVars
    this.#problems = problems
    this.#templates = new TemplateFiles({ cwd, ...(env === undefined ? {} : { env }) })
    this.#files = new ControllerFiles(cwd)
    this.#shared = sharedScope(inventory)
  }

  expand(play: Play, limited: ReadonlySet<Host>): ExpandedPlay {
    const { title, serial, maxFailShare, document, path } = play
    const location = document.locate([...path, 'hosts'])
    const { hosts, problems } = play.hosts.includes('<%') ? TEMPLATED_HOSTS : matchHosts(this.#inventory, play.hosts)
    for (const problem of problems) this.#problems.add({ ...problem, location })
    const chosen = hosts.filter((host) => limited.has(host))
    const compiled = this.#compiler.compile(play)
    const own = compiled.vars.has('verify') || Object.hasOwn(this.#extra, 'verify')
    const expanded = chosen.map((host) => [host.name, this.#expandHost(compiled, host)] as const)
    const tasks = new Map(expanded.map(([name, one]) => [name, one.tasks]))
    if (own) for (const [name, { verify }] of expanded) this.#addVerify(name, verify)
    return { title, serial, maxFailShare, hosts: chosen, tasks }
  }

  /** Plays of a host may each say a part. */
  #addVerify(host: string, value: unknown): void {
    const before = this.verify.get(host)
    this.verify.set(host, isMapping(before) && isMapping(value) ? { ...before, ...value } : value)
  }

  #expandHost(compiled: CompiledPlay, host: Host): { tasks: readonly HostTask[]; verify: unknown } {
    const view = { name: host.name, address: host.target.address, groups: host.groups }
    const vars = renderPlayVars({
      host: host.vars,
      play: compiled.vars,
      extra: this.#extra,
      scope: { ...this.#shared, host: view },
    })
    const files = { templates: this.#templates, files: this.#files, dir: compiled.play.dir }
    const tasks = expandTasks(compiled, {
      host,
      vars,
      extra: this.#extra,
      problems: this.#problems,
      hostContext: (scope) => hostContext(host.name, vars.vars, scope, files),
    })
    return { tasks, verify: vars.vars.verify }
  }
}

/** What a play is for must be known before there is a host whose variables could say it. */
const TEMPLATED_HOSTS: Selection = {
  hosts: [],
  problems: [{ message: '`hosts` cannot be a template', hint: 'write `all`, and choose hosts by --limit' }],
}

async function withSecrets(plays: readonly Play[], secrets: SecretStore): Promise<readonly Play[]> {
  const vars = await secrets.open(plays.map((play) => play.vars))
  return plays.map((play, i) => ({ ...play, vars: vars[i] ?? play.vars }))
}

function withTags(play: Play, filter: TagFilter): Play {
  return { ...play, tasks: play.tasks.filter(({ tags }) => isWanted(tags, filter)) }
}

function sharedScope({ hosts, groups }: Inventory): Pick<ScopeData, 'groups' | 'hosts' | 'definedOn'> {
  const definedOn = new Map<string, string[]>()
  for (const { name, vars } of hosts) {
    for (const variable of Object.keys(vars)) definedOn.set(variable, [...(definedOn.get(variable) ?? []), name])
  }
  const views = hosts.map(({ name, target, vars }): [string, HostView] => [
    name,
    { name, address: target.address, vars },
  ])
  return { groups: Object.fromEntries(groups), hosts: Object.fromEntries(views), definedOn }
}

function nothingToDo({ limit, playbook }: LoadJobOptions, hosts: readonly Host[]): PvectlError {
  if (hosts.length > 0) {
    return new PvectlError('USAGE', `no task of ${playbook} is left`, { hint: 'look at --tags and --skip-tags' })
  }
  const message =
    limit === undefined ? `${playbook} has no hosts in this inventory` : `--limit leaves ${playbook} no hosts`
  const hint = limit === undefined ? 'the groups it names are empty' : `none of its plays is for \`${limit}\``
  return new PvectlError('USAGE', message, { hint })
}
