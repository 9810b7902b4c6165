/** What a run writes down on the node about itself: who, what, when, and what became of each path. */
import { joinScripts, rawScript, type Script, sh } from '../connection/script.ts'
import { RECORDS_ROOT } from '../facts/run-records.ts'
import type { RunInfo } from './compile.ts'
import type { PlannedStep } from './plan.ts'

/** Runs whose records a node keeps. */
export const KEEP_RUNS = 30

/** Sets `pv_boot`, which is another after each boot, of a container too. Builtins alone. */
export const BOOT = rawScript(
  `read -r pv_boot < /proc/sys/kernel/random/boot_id; read -r ${'pv_x '.repeat(21)}pv_x2 pv_x < /proc/1/stat; pv_boot=$pv_boot-$pv_x2`,
)

/**
 * Opens the record within the worker, once it holds the lock, and `PV_KEEP` and `pv_started` are set. Records without a result belong to
 * runs that broke off: the lock says that nobody is working on them any more.
 */
export function openRecord(steps: readonly PlannedStep[], run: RunInfo): Script {
  const { digest, undoes } = run
  const fields = [
    sh`printf 'id=%s\nowner=%s\nplaybook=%s\n' ${run.id} ${run.owner} ${run.playbook}`,
    ...(digest === undefined ? [] : [sh`printf 'digest=%s\n' ${digest}`]),
    ...(undoes === undefined ? [] : [sh`printf 'undoes=%s\n' ${undoes}`]),
    sh`printf 'started=%s\npid=%s\nboot=%s\n' "$pv_started" $$ "$pv_boot"`,
  ]
  return sh`${BOOT}
for pv_d in ${RECORDS_ROOT}/*/; do
	[ ! -e "$pv_d/run" ] || [ -e "$pv_d/result" ] || echo interrupted > "$pv_d/result"
done
mkdir -p -m 700 "$PV_KEEP" && { ${joinScripts(fields)}
} > "$PV_KEEP/run.new" && mv "$PV_KEEP/run.new" "$PV_KEEP/run" && printf '%s' ${stepLines(steps)} > "$PV_KEEP/steps" || pv_end unrecorded`
}

/**
 * Defines `pv_close RESULT…`: completes the record with what stands at each touched path now, so that a rollback can
 * tell later whether somebody changed it since, and drops the oldest runs' records. Needs nothing but `PV_KEEP`.
 */
export const CLOSE_RECORD = sh`pv_states() {
	set --
	while IFS= read -r pv_p; do
		if [ -L "$pv_p" ]; then printf 'link:%s  %s\n' "$(readlink -n -- "$pv_p" | sha256sum | cut -c 1-64)" "$pv_p"
		elif [ -f "$pv_p" ]; then set -- "$@" "$pv_p"
		elif [ -e "$pv_p" ]; then printf 'other  %s\n' "$pv_p"
		else printf 'absent  %s\n' "$pv_p"; fi
	done
	[ $# -eq 0 ] || sha256sum -z -- "$@" | tr '\000' '\n'
}
pv_prune() {
	ls -1r ${RECORDS_ROOT} | awk '{ run = $0; sub(/-[0-9]+([.][0-9]+)?$/, "", run) } run != last { n++; last = run } n > '${KEEP_RUNS} |
		while IFS= read -r pv_d; do rm -rf -- ${RECORDS_ROOT}"/$pv_d" /run/pvectl/"$pv_d" /var/lib/pvectl/guard/"$pv_d.reverted" /var/lib/pvectl/guard/"$pv_d.confirmed"; done
}
pv_close() {
	[ -d "$PV_KEEP" ] || return 0
	[ ! -e "$PV_KEEP/.paths" ] || pv_states < "$PV_KEEP/.paths" > "$PV_KEEP/after"
	date -u +%Y-%m-%dT%H:%M:%SZ > "$PV_KEEP/ended"
	printf '%s\n' "$*" > "$PV_KEEP/result"
	pv_prune
} 2>/dev/null`

/** Kind, title and changes of each step, parted by tabs. What a command runs stays out: it may hold what should not be kept. */
function stepLines(steps: readonly PlannedStep[]): string {
  const line = ({ resource, task, plan }: PlannedStep) => {
    const said = plan.changes.map(({ summary }) => summary)
    const words = resource.kind === 'command' ? [task.task.title] : [resource.title, ...said]
    return `${[resource.kind, ...words].map((word) => word.replace(/\s+/g, ' ')).join('\t')}\n`
  }
  return steps.map(line).join('')
}
