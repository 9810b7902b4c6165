/** Compiles steps to one script that runs detached on the node and writes a framed log. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import { RECORDS_ROOT } from '../facts/run-records.ts'
import { PRELUDE } from '../resources/prelude.ts'
import { armScript, GUARD_ROOT, HOLD_NO_MORE, holdMeanwhile, REFUSE_WHILE_ARMED } from './guard.ts'
import { ENVIRONMENT } from './observe.ts'
import type { PlannedStep } from './plan.ts'
import { BOOT, CLOSE_RECORD, openRecord } from './record.ts'

/** Who runs what, for the lock and the record on the node. */
export interface RunInfo {
  /** Unique and sortable by time: `20261121T043006-1a2b3c`. */
  readonly id: string
  /** `user@controller`. */
  readonly owner: string
  readonly playbook: string
  /** SHA-256 of the playbook file. */
  readonly digest?: string
  /** Id of the run that this one rolls back. */
  readonly undoes?: string
}

/** Asks for the guard round a run of steps. */
export interface GuardOptions {
  /** Seconds without progress or confirmation after which the node reverts by itself. */
  readonly timeoutSeconds: number
}

/** Where runs keep their script and log until the next boot. */
export const RUN_ROOT = '/run/pvectl'

/**
 * The second exchange: puts the worker script on the node, starts it in a session of its own and follows its log up to
 * the end mark. If the connection drops, the worker goes on.
 */
export function executeScript(steps: readonly PlannedStep[], run: RunInfo, mark: string, guard?: GuardOptions): Script {
  const worker = workerScript(steps, run, mark, guard)
  return sh`${ENVIRONMENT}umask 022
d=${RUN_ROOT}/${run.id}
mkdir -p -m 700 ${RUN_ROOT} && mkdir -m 700 "$d" || { echo "cannot make $d" >&2; exit 1; }
(umask 077; printf '%s' ${worker.bytes()} > "$d/script"; : > "$d/log") || { echo "cannot write to $d" >&2; exit 1; }
setsid sh "$d/script" </dev/null >>"$d/log" 2>&1 &
printf '%s' $! > "$d/pid"
${followScript(run.id, mark)}`
}

/**
 * Follows the log of a run from its start to its end mark, or to the death of the worker; also how a broken connection
 * is taken up again. A run whose record is there and whose log is gone was ended by a reboot, or somebody emptied /run;
 * without either, it never began.
 * `torn` means that following ended while the worker lives: to be taken up again, unless the end mark came before.
 */
export function followScript(runId: string, mark: string): Script {
  const run = `${RUN_ROOT}/${runId}`
  const record = `${RECORDS_ROOT}/${runId}/run`
  return sh`if [ -e ${`${run}/log`} ]; then
	pv_w=$(cat ${`${run}/pid`})
	tail -n +1 -s 0.05 --pid "$pv_w" -f ${`${run}/log`} 2>/dev/null | sed -u ${`/^${mark} end /q7`}
	if [ $? -ne 7 ]; then
		if grep -qsF ${run} "/proc/$pv_w/cmdline"; then printf '\n%s torn\n' ${mark}
		elif [ "$(systemctl is-system-running 2>/dev/null)" = stopping ]; then printf '\n%s end rebooted\n' ${mark}; fi
	fi
elif [ -e ${record} ]; then
	${BOOT}
	if grep -qxF "boot=$pv_boot" ${record}; then printf '\n%s end vanished\n' ${mark}; else printf '\n%s end rebooted\n' ${mark}; fi
else printf '\n%s end absent\n' ${mark}; fi
`
}

/** Asks a running worker to stop before its next step. */
export function stopScript(runId: string): Script {
  return sh`: > ${`${RUN_ROOT}/${runId}/stop`}
`
}

/** The first thing the script does is to remove itself, as it may hold secrets; the shell has it open and reads on. */
function workerScript(steps: readonly PlannedStep[], run: RunInfo, mark: string, guard?: GuardOptions): Script {
  const keep = `${RECORDS_ROOT}/${run.id}`
  return sh`${ENVIRONMENT}umask 022
PV_RUN=${`${RUN_ROOT}/${run.id}`} PV_KEEP=${keep}
rm -f -- "$PV_RUN/script"
${CLOSE_RECORD}
pv_end() { pv_close "$@"; printf '\n%s end %s\n' ${mark} "$*"; exit 0; }
exec 9>>/run/pvectl/lock
if ! flock -n 9; then printf '\n%s locked %s\n' ${mark} "$(cat /run/pvectl/owner 2>/dev/null)"; pv_end locked; fi
pv_started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
printf '%s since %s (run %s)\n' ${run.owner} "$pv_started" ${run.id} > /run/pvectl/owner
${REFUSE_WHILE_ARMED}
${openRecord(steps, run)}
${PRELUDE}
${guard === undefined ? sh`` : armScript(run.id, guard.timeoutSeconds, mark)}
pv_step() {
	[ ! -e "$PV_RUN/stop" ] || pv_end stopped "$1"
	${
    guard === undefined
      ? sh``
      : sh`[ -e ${GUARD_ROOT}/armed/revert ] || pv_end guardless "$1"
	pv_hold ${Math.max(1, Math.floor(guard.timeoutSeconds / 8))}`
  }
	printf '\n%s start %s\n' ${mark} "$1"
}
pv_done() {
	printf '\n%s done %s %s\n' ${mark} "$1" "$2"
	[ "$2" -eq 0 ] || pv_end failed "$1"
}
${joinScripts(guardedSteps(steps, run.id, guard))}
${guard === undefined ? sh`` : sh`pv_hold ${Math.max(1, Math.floor(guard.timeoutSeconds / 30))}`}
pv_end ok
`
}

/** Installing packages takes its time: before anything can have cut the link, that is no reason to revert. */
function guardedSteps(steps: readonly PlannedStep[], runId: string, guard?: GuardOptions): readonly Script[] {
  const firstRisky = steps.findIndex(({ plan: { risk } }) => risk !== undefined)
  return steps.map((step, i) => {
    const script = stepScript(step, i)
    const patient = guard !== undefined && i < firstRisky && step.resource.kind === 'package'
    return patient ? joinScripts([holdMeanwhile(runId, guard.timeoutSeconds), script, HOLD_NO_MORE]) : script
  })
}

function stepScript(step: PlannedStep, index: number): Script {
  return sh`pv_step ${index}
( set -e
${step.plan.script}
) </dev/null 9>&-
pv_done ${index} $?`
}
