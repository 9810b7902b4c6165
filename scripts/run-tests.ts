/**
 * Runs uvu test files, each in a process of its own, and fails where uvu itself would pass: no summary, no test run,
 * a hook that threw, a hanging test.
 *
 *   node --import tsx scripts/run-tests.ts PATH… [--exclude DIR] [--skip DIR] [--jobs N] [--timeout SECONDS] [FILTER]
 *
 * A PATH is a folder or a file; a word that is neither filters files by name. `--skip` counts the files of a folder as
 * skipped, `--exclude` leaves them out. Files under test/lab run one at a time, after the others.
 * Closes with `N passed, N failed, N skipped`.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { parseArgs, stripVTControlCharacters } from 'node:util'

const LAB_SECONDS = 20 * 60
const UNIT_SECONDS = 120

interface Outcome {
  readonly file: string
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly seconds: number
  /** Why the file failed; undefined when it is all right. */
  readonly problem?: string
  readonly output: string
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    exclude: { type: 'string', multiple: true, default: [] },
    skip: { type: 'string', multiple: true, default: [] },
    jobs: { type: 'string', default: String(availableParallelism()) },
    timeout: { type: 'string' },
  },
})
const running = new Set<ChildProcess>()
for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.on(signal, () => {
    for (const child of running) killTree(child, 'SIGTERM')
    process.exit(130)
  })
}
process.exitCode = await main()

async function main(): Promise<number> {
  const roots = positionals.filter((word) => existsSync(word))
  const filters = positionals.filter((word) => !existsSync(word))
  const files = [...new Set((roots.length > 0 ? roots : ['test']).flatMap(testFiles))]
    .filter((file) => !values.exclude.some((dir) => isUnder(file, dir)))
    .filter((file) => filters.length === 0 || filters.some((word) => file.includes(word)))
    .sort()
  const skipped = files.filter((file) => values.skip.some((dir) => isUnder(file, dir)))
  const wanted = files.filter((file) => !skipped.includes(file))
  if (wanted.length === 0) say(`no test files found${filters.length > 0 ? ` that match ${filters.join(' ')}` : ''}`)
  const print = inOrder(wanted.filter((file) => !isLab(file)))
  const units = await pool(
    wanted.filter((file) => !isLab(file)),
    Math.max(1, Number(values.jobs)),
    print,
  )
  const labs = await pool(wanted.filter(isLab), 1, report)
  for (const file of skipped) say(`skip ${file}`)
  return conclude([...units, ...labs], skipped.length)
}

function conclude(outcomes: readonly Outcome[], skippedFiles: number): number {
  const bad = outcomes.filter((outcome) => outcome.problem !== undefined)
  for (const { file, problem, output } of bad) {
    say(`\n──── ${file}: ${problem}\n${output.trimEnd()}`)
  }
  const sum = (key: 'passed' | 'failed' | 'skipped') => outcomes.reduce((total, outcome) => total + outcome[key], 0)
  const failed = outcomes.length === 0 ? 1 : sum('failed')
  say(`\n${sum('passed')} passed, ${failed} failed, ${sum('skipped') + skippedFiles} skipped`)
  return failed === 0 ? 0 : 1
}

async function pool(files: readonly string[], jobs: number, done: (outcome: Outcome) => void): Promise<Outcome[]> {
  const outcomes: Outcome[] = []
  const queue = files.entries()
  const worker = async () => {
    for (const [index, file] of queue) {
      const outcome = await runFile(file)
      outcomes[index] = outcome
      done(outcome)
    }
  }
  await Promise.all(Array.from({ length: jobs }, worker))
  return outcomes
}

/** Reports outcomes in the order of `files`, whichever ends first, so that two runs read the same. */
function inOrder(files: readonly string[]): (outcome: Outcome) => void {
  const waiting = new Map<string, Outcome>()
  let next = 0
  return (outcome) => {
    waiting.set(outcome.file, outcome)
    for (let ready = waiting.get(files[next] ?? ''); ready; ready = waiting.get(files[next] ?? '')) {
      report(ready)
      next++
    }
  }
}

function report({ file, passed, skipped, seconds, problem }: Outcome): void {
  const skips = skipped > 0 ? `, ${skipped} skipped` : ''
  say(
    `${problem === undefined ? 'ok  ' : 'FAIL'} ${file}  ${problem ?? `${passed} passed${skips}`}  (${seconds.toFixed(1)} s)`,
  )
}

function runFile(file: string): Promise<Outcome> {
  const limit = Number(values.timeout ?? (isLab(file) ? LAB_SECONDS : UNIT_SECONDS))
  const started = performance.now()
  const { FORCE_COLOR: _, ...env } = process.env
  // A group of its own, so that a hanging test takes the servers it started with it.
  const child = spawn(process.execPath, ['--import', 'tsx', file], {
    detached: true,
    env: { ...env, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(child)
  const chunks: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => chunks.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => chunks.push(chunk))
  let timedOut = false
  const timer = setTimeout(() => {
    timedOut = true
    killTree(child, 'SIGTERM')
    setTimeout(() => killTree(child, 'SIGKILL'), 3000).unref()
  }, limit * 1000)
  return new Promise((resolve) => {
    child.on('error', (error) => chunks.push(Buffer.from(error.message)))
    // 'exit' and a grace period, not 'close': a child left behind by the test may hold the pipes open.
    child.on('exit', (code, signal) => {
      clearTimeout(timer)
      const end = () => {
        running.delete(child)
        killTree(child, 'SIGKILL')
        const output = stripVTControlCharacters(Buffer.concat(chunks).toString('utf8'))
        const ended = timedOut ? `still running after ${limit} s` : signal ? `killed by ${signal}` : `exit code ${code}`
        resolve({
          file,
          ...judge(output, code === 0 && !timedOut, ended),
          seconds: (performance.now() - started) / 1000,
        })
      }
      const grace = setTimeout(end, 1000)
      child.on('close', () => {
        clearTimeout(grace)
        end()
      })
    })
  })
}

function judge(output: string, cleanExit: boolean, ended: string): Omit<Outcome, 'file' | 'seconds'> {
  const total = count(output, 'Total')
  const passed = count(output, 'Passed') ?? 0
  const skipped = count(output, 'Skipped') ?? 0
  const verdict = (problem: string, failed: number) => ({
    passed,
    skipped,
    output,
    problem,
    failed: Math.max(1, failed),
  })
  if (total === undefined) return verdict(`${ended}, without a summary`, 1)
  if (passed < total) {
    const silent = output.includes(' FAIL ') ? '' : ', and no reason printed: did a before or after hook throw?'
    return verdict(`${total - passed} of ${total} failed${silent}`, total - passed)
  }
  if (total + skipped === 0) return verdict('no test ran: is .run() missing?', 1)
  if (!cleanExit) return verdict(ended, 1)
  return { passed, skipped, output, failed: 0 }
}

/** A figure of uvu's summary, the last one in the output. */
function count(output: string, label: string): number | undefined {
  const found = [...output.matchAll(new RegExp(`^ {2}${label}: +(\\d+)$`, 'gm'))].at(-1)?.[1]
  return found === undefined ? undefined : Number(found)
}

function killTree(child: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (child.pid !== undefined) process.kill(-child.pid, signal)
  } catch {
    // The group is gone already.
  }
}

function testFiles(root: string): string[] {
  if (statSync(root).isFile()) return [path.normalize(root)]
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.test.ts'))
    .map((name) => path.join(root, name))
}

function isUnder(file: string, dir: string): boolean {
  return !path.relative(dir, file).startsWith('..')
}

function isLab(file: string): boolean {
  return isUnder(file, 'test/lab')
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
