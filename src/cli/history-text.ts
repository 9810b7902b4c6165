/** How runs of the past read on screen. */
import type { HostStatus } from '../engine/events.ts'
import { isFileStep, type NodePath, type NodeRun } from '../history/node-runs.ts'
import type { PastHost, PastRun, RunSummary } from '../history/runs.ts'
import { createPalette, type Palette, wantsColor } from '../reporters/palette.ts'
import { problemLines } from '../reporters/problems.ts'
import { alignColumns } from '../reporters/recap.ts'
import { formatSeconds, plural, sanitizeLine } from '../reporters/text.ts'

/** One line a run. */
export function runsText(runs: readonly RunSummary[], palette = createPalette(wantsColor(process.stdout))): string {
  return alignColumns(
    runs.map((run) => [
      palette.bold(run.id),
      localTime(run.started),
      sanitizeLine(`${run.playbook} → ${run.inventory}`),
      hostsText(run, palette),
      palette.dim(sanitizeLine(run.owner)),
    ]),
  ).join('\n')
}

/** All about one run. */
export function runText(run: PastRun, palette = createPalette(wantsColor(process.stdout))): string {
  const took = run.seconds === undefined ? '' : `, ${formatSeconds(run.seconds)}`
  const exit = run.exitCode === undefined ? 'no end was recorded' : `exit code ${run.exitCode}`
  return [
    `${palette.bold(run.id)}  ${sanitizeLine(`${run.playbook} → ${run.inventory}`)}`,
    palette.dim(`${localTime(run.started)}${took}, by ${sanitizeLine(run.owner)}, ${exit}`),
    ...run.nodes.flatMap((node) => ['', ...hostLines(node, palette)]),
  ].join('\n')
}

/** One line a run that a node itself remembers. */
export function nodeRunsText(runs: readonly NodeRun[], palette = createPalette(wantsColor(process.stdout))): string {
  return alignColumns(
    runs.map((run) => [
      palette.bold(run.id),
      localTime(run.started),
      sanitizeLine(run.playbook),
      resultText(run, palette),
      plural(run.paths.length, 'path'),
      palette.dim(sanitizeLine(run.owner)),
    ]),
  ).join('\n')
}

/** All that a node remembers of a run. */
export function nodeRunText(run: NodeRun, palette = createPalette(wantsColor(process.stdout))): string {
  const digest = run.digest === undefined ? '' : `, playbook sha256 ${run.digest}`
  const until = run.ended === undefined ? '' : ` – ${localTime(run.ended)}`
  const others = run.steps.filter(({ kind }) => !isFileStep(kind))
  return [
    `${palette.bold(run.id)}  ${sanitizeLine(run.playbook)}  ${resultText(run, palette)}`,
    palette.dim(`${localTime(run.started)}${until}, by ${sanitizeLine(run.owner)}${digest}`),
    ...run.paths.map((path) => `  ${pathVerb(path)} ${sanitizeLine(path.path)}`),
    ...(others.length === 0 ? [] : ['other steps']),
    ...others.map(({ kind, title }) => `  ${kind === 'command' ? 'command of the task: ' : ''}${sanitizeLine(title)}`),
  ].join('\n')
}

function pathVerb({ before, after }: NodePath): string {
  if (after === 'absent') return 'removed'
  return before === 'absent' ? 'created' : 'changed'
}

function resultText({ result, alive, undoes }: NodeRun, palette: Palette): string {
  if (alive) return 'going on'
  const word = result === 'ok' ? 'changed' : result === 'reverted' ? 'rolled back' : (result ?? 'broke off')
  const shown = result === 'ok' ? palette.status('changed') : palette.status('failed', word)
  return undoes === undefined ? shown : `${shown} (rollback of ${undoes})`
}

function hostsText({ hosts, seconds }: RunSummary, palette: Palette): string {
  const entries = Object.entries(hosts) as [HostStatus, number][]
  const counts = entries.map(([status, count]) => palette.status(status, `${count} ${status}`)).join(', ')
  return seconds === undefined ? [counts, palette.status('unknown', 'no end')].filter(Boolean).join(', ') : counts
}

function hostLines({ name, status, tasks, notices, error }: PastHost, palette: Palette): string[] {
  const word = status === undefined ? palette.status('unknown', 'no end') : palette.status(status)
  const lines = tasks.flatMap(({ title, status: outcome, changes }) => [
    `${palette.status(outcome)}  ${sanitizeLine(title)}`,
    ...changes.map((change) => `    ${sanitizeLine(change)}`),
  ])
  const problems = (error?.problems ?? []).flatMap((problem) => problemLines(problem, palette))
  return [
    `${palette.bold(sanitizeLine(name))}  ${word}`,
    ...[...notices.map((notice) => `notice: ${sanitizeLine(notice)}`), ...lines, ...problems].map(
      (line) => `  ${line}`,
    ),
  ]
}

/** `2026-11-21 04:30:06`, by the clock of this machine. */
export function localTime(iso: string): string {
  const date = new Date(iso)
  if (Number.isNaN(date.getTime())) return '?'
  const two = (value: number) => String(value).padStart(2, '0')
  const day = [date.getFullYear(), two(date.getMonth() + 1), two(date.getDate())].join('-')
  return `${day} ${[date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':')}`
}
