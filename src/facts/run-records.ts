/** Facts about earlier runs: what each of them left on the node about itself and about what it replaced. */
import { type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** Where runs keep their records and what they replaced. */
export const RECORDS_ROOT = '/var/lib/pvectl/runs'

/** What stood at a path before a run. */
export type BeforeKind = 'file' | 'link' | 'directory' | 'other' | 'absent'

/** A path that a run touched. */
export interface TouchedPath {
  readonly path: string
  readonly before: BeforeKind
  /** What stood there when the run ended: a SHA-256, `absent`, `link:` and the SHA-256 of its text, or `other`. */
  readonly after?: string
}

/** One execution on the node. A run has one a stage and one more after each barrier: `RUN-0`, `RUN-0.2`, `RUN-1`. */
export interface RunRecord {
  readonly id: string
  /** `user@controller`. */
  readonly owner: string
  readonly playbook: string
  /** SHA-256 of the playbook file. */
  readonly digest?: string
  /** Run that this one rolled back. */
  readonly undoes?: string
  /** ISO 8601, UTC, by the node's clock. */
  readonly started: string
  readonly ended?: string
  /** `ok`, `failed`, `stopped`, `reverted`, `interrupted`, …; undefined while it goes on, and after a crash. */
  readonly result?: string
  readonly alive: boolean
  /** In the order in which they were touched. */
  readonly paths: readonly TouchedPath[]
  /** What the run was going to do, in order, file changes included. */
  readonly steps: readonly RecordedStep[]
}

/** One step of a run. */
export interface RecordedStep {
  /** Kind of its resource: `file`, `unit`, `package`. */
  readonly kind: string
  /** Title of the resource; of a command, title of its task. */
  readonly title: string
  /** One line a change: `start nginx.service`. */
  readonly changes: readonly string[]
}

/** All records, oldest first. */
export const runRecordsFact: FactKind<readonly RunRecord[]> = {
  name: 'run-records',
  observe: (): Script => sh`cd ${RECORDS_ROOT} 2>/dev/null || exit 0
for pv_d in *; do
	[ -e "$pv_d/run" ] || continue
	echo "record $pv_d"
	${ALIVE}
	sed 's/^/run /' "$pv_d/run"
	for pv_f in result ended steps after; do [ ! -e "$pv_d/$pv_f" ] || sed "s/^/$pv_f /" "$pv_d/$pv_f"; done
	[ -e "$pv_d/.paths" ] || continue
	while IFS= read -r pv_p; do
		if [ -L "$pv_d/files$pv_p" ]; then pv_k=link
		elif [ -f "$pv_d/files$pv_p" ]; then pv_k=file
		elif [ -d "$pv_d/files$pv_p" ]; then pv_k=directory
		elif [ -e "$pv_d/files$pv_p" ]; then pv_k=other
		else pv_k=absent; fi
		printf 'before %s %s\n' $pv_k "$pv_p"
	done < "$pv_d/.paths"
done`,
  parse(output, ids) {
    const records = readRecords(output.toString('utf8').split('\n'))
    return ids.map(() => records)
  },
}

/** The one reference to all records. */
export const runRecordsRef: FactRef<readonly RunRecord[]> = { kind: runRecordsFact, id: '' }

/** A run that broke off: no result, and its worker is gone. */
export type UnfinishedRun = Pick<RunRecord, 'id' | 'owner' | 'playbook' | 'started'>

/** Runs that broke off and that no later run has noticed. Tests alone where there are none: no process is started. */
export const unfinishedRunsFact: FactKind<readonly UnfinishedRun[]> = {
  name: 'unfinished-runs',
  observe: (): Script => sh`[ -d ${RECORDS_ROOT} ] && cd ${RECORDS_ROOT} || exit 0
for pv_d in *; do
	[ -e "$pv_d/run" ] && [ ! -e "$pv_d/result" ] || continue
	[ -z "$(${ALIVE})" ] || continue
	echo "record $pv_d"
	sed 's/^/run /' "$pv_d/run"
done`,
  parse(output, ids) {
    const records = readRecords(output.toString('utf8').split('\n'))
    return ids.map(() => records)
  },
}

/** The one reference to runs that broke off. */
export const unfinishedRunsRef: FactRef<readonly UnfinishedRun[]> = { kind: unfinishedRunsFact, id: '' }

/** Prints `alive` while the worker of record `pv_d` runs. Process numbers come round again, so its script's name counts too. */
const ALIVE = sh`if [ ! -e "$pv_d/result" ]; then
		pv_w=$(sed -n 's/^pid=//p' "$pv_d/run")
		if grep -qsF "/$pv_d/script" "/proc/$pv_w/cmdline"; then echo alive; fi
	fi`

function readRecords(lines: readonly string[]): readonly RunRecord[] {
  const starts = lines.flatMap((line, i) => (line.startsWith('record ') ? [i] : []))
  return starts.map((start, i) => readRecord(lines.slice(start, starts[i + 1])))
}

function readRecord([head = '', ...lines]: readonly string[]): RunRecord {
  const rows = lines.map((line) => split(line))
  const all = (word: string) => rows.filter(([name]) => name === word).map(([, rest]) => rest)
  const fields = new Map(all('run').map((line) => split(line, '=')))
  const [digest, undoes] = [fields.get('digest'), fields.get('undoes')]
  const [ended] = all('ended')
  const result = all('result')[0]?.split(' ')[0]
  const after = new Map(all('after').map((line) => [split(line, '  ')[1], split(line, '  ')[0]]))
  return {
    id: split(head)[1],
    owner: fields.get('owner') ?? '',
    playbook: fields.get('playbook') ?? '',
    started: fields.get('started') ?? '',
    ...(digest === undefined ? {} : { digest }),
    ...(undoes === undefined ? {} : { undoes }),
    ...(ended === undefined ? {} : { ended }),
    ...(result === undefined ? {} : { result }),
    alive: lines.includes('alive'),
    paths: all('before').map((line) => readPath(line, after)),
    steps: all('steps').map(readStep),
  }
}

function readStep(line: string): RecordedStep {
  const [kind = '', title = '', ...changes] = line.split('\t')
  return { kind, title, changes }
}

function readPath(line: string, states: ReadonlyMap<string, string>): TouchedPath {
  const [before, path] = split(line)
  const after = states.get(path)
  return { path, before: before as BeforeKind, ...(after === undefined ? {} : { after }) }
}

/** Text before and after the first separator. */
function split(line: string, separator = ' '): readonly [string, string] {
  const at = line.indexOf(separator)
  return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + separator.length)]
}
