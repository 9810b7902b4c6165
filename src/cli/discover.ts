/** What `inventory discover` does: ask a node about its cluster, show what the inventory lacks, and add it. */
import { readFileSync } from 'node:fs'
import { joinScripts } from '../connection/script.ts'
import { type Cluster, readCluster } from '../discover/cluster.ts'
import { findings, hostOfMember } from '../discover/merge.ts'
import { clusterText } from '../discover/report.ts'
import { parseSurvey, surveyScript } from '../discover/survey.ts'
import { ENVIRONMENT, randomMark } from '../engine/observe.ts'
import { unifiedDiff } from '../engine/show.ts'
import { conflictText, type InventoryConflict, mergeHosts } from '../inventory/edit.ts'
import type { Host } from '../inventory/host.ts'
import { locateInventory } from '../inventory/locate.ts'
import { UNGROUPED } from '../inventory/membership.ts'
import { findHost } from '../inventory/show.ts'
import { ROOT } from '../inventory/tree.ts'
import { replaceInventoryFile } from '../inventory/write.ts'
import { createPalette, wantsColor } from '../reporters/palette.ts'
import { loadForView } from './inventory-view.ts'
import { withConnector } from './run-job.ts'

/** What the user asked for. */
export interface DiscoverOptions {
  readonly node: string
  readonly inventory: string
  readonly group: string | undefined
  readonly guests: boolean
  readonly vars: boolean
  readonly check: boolean
  readonly yes: boolean
  readonly cwd: string
  /** Shows text to people; silent under `--json`. */
  readonly say: (text: string) => void
}

/** What came of it, for `--json`. */
export interface DiscoverReport {
  readonly cluster: Cluster
  readonly file: string
  readonly added: readonly string[]
  readonly extended: readonly string[]
  readonly conflicts: readonly InventoryConflict[]
  readonly notes: readonly string[]
  /** Unified diff of the inventory file; empty when there is nothing to add. */
  readonly diff: string
  readonly written: boolean
  /** The file as it was, where it was written. */
  readonly backup?: string
}

/** Milliseconds for all questions together: with many guests pvesh takes its time. */
const TIMEOUT_MS = 600_000

/** Discovers, shows, asks, writes. Throws when the node cannot be asked or the inventory cannot be edited. */
export async function discover(options: DiscoverOptions): Promise<DiscoverReport> {
  const { node, cwd, say } = options
  const { inventory, notice } = await loadForView(options.inventory, cwd)
  const asked = findHost(inventory, node)
  const file = locateInventory(options.inventory, cwd).main
  const before = readFileSync(file, 'utf8')
  const cluster = await askCluster(asked, options.guests)
  const group = options.group ?? groupOf(asked)
  const known = { hosts: inventory.hosts, asked, group, vars: options.vars }
  const { hosts, notes: found } = findings(cluster, known)
  const notes = notice === undefined ? found : [notice, ...found]
  const { text, added, extended, conflicts } = mergeHosts(before, hosts, { file: inventory.file })
  const diff = text === before ? '' : await unifiedDiff(Buffer.from(before), Buffer.from(text))
  const members = cluster.members.map((member) => ({ member, host: hostOfMember(member, known)?.name }))
  say([clusterText(cluster, members), notesText([...notes, ...conflicts.map(conflictText)])].join(''))
  const report = { cluster, file: inventory.file, added, extended, conflicts, notes, diff }
  if (diff === '') {
    say(`\n${inventory.file} has all of this already.`)
    return { ...report, written: false }
  }
  say(`\n${colored(`--- ${inventory.file}\n+++ ${inventory.file}\n${diff}`)}`)
  if (options.check || !(await agrees(options.yes, inventory.file))) {
    say(options.check ? 'Nothing is written (--check).' : 'Nothing was written.')
    return { ...report, written: false }
  }
  const backup = replaceInventoryFile(file, before, text)
  say(writtenText(inventory.file, backup, added))
  return { ...report, written: true, backup }
}

async function askCluster(host: Host, guests: boolean): Promise<Cluster> {
  const mark = randomMark()
  const output = await withConnector([host.target], async (connector) => {
    const connection = await connector.connect(host.target)
    try {
      const script = joinScripts([ENVIRONMENT, surveyScript(mark, guests)])
      return (await connection.run(script, { timeoutMs: TIMEOUT_MS })).stdout
    } finally {
      await connection.close()
    }
  })
  return readCluster(parseSurvey(output, mark))
}

/** New members go where the one that was asked is listed, so that they inherit how it is connected to. */
function groupOf({ groups }: Host): string {
  return groups.findLast((group) => group !== ROOT && group !== UNGROUPED) ?? ROOT
}

async function agrees(yes: boolean, file: string): Promise<boolean> {
  if (yes || !process.stdin.isTTY || !process.stdout.isTTY) return true
  const { confirm } = await import('@inquirer/prompts')
  try {
    return await confirm({ message: `Write this to ${file}?`, default: true }, { output: process.stderr })
  } catch (error) {
    // Ctrl-C and end of input mean no.
    if (error instanceof Error && error.name === 'ExitPromptError') return false
    throw error
  }
}

function notesText(notes: readonly string[]): string {
  return notes.length === 0 ? '' : `\n\n${notes.map((note) => `note: ${note}`).join('\n')}`
}

function writtenText(file: string, backup: string, added: readonly string[]): string {
  const next =
    added.length === 0
      ? []
      : [`Their host keys are not known yet: look at each once with \`ssh-keyscan\` or \`ssh\` before the first run.`]
  return [`Written to ${file}; as it was: ${backup}`, ...next].join('\n')
}

function colored(diff: string): string {
  const palette = createPalette(wantsColor(process.stdout))
  return diff
    .trimEnd()
    .split('\n')
    .map((line) => {
      if (line.startsWith('@@')) return palette.hunk(line)
      if (/^(---|\+\+\+) /.test(line)) return palette.bold(line)
      return line.startsWith('+') ? palette.added(line) : line.startsWith('-') ? palette.removed(line) : line
    })
    .join('\n')
}
