/**
 * Asks a node's `pvesh` about its cluster, in one exchange. pvesh starts a perl with all of Proxmox VE each time (most of
 * a second), and reaches other members by ssh (pve-manager:PVE/CLI/pvesh.pm), so four run at once, each with a deadline.
 */
import { rawScript, type Script, sh } from '../connection/script.ts'
import { PvectlError } from '../errors.ts'

/** What one call of pvesh came to. */
export interface Answer {
  /** Path in the API: `/cluster/status`. */
  readonly path: string
  /** Exit status; 124 after the deadline. */
  readonly code: number
  readonly stdout: string
  readonly stderr: string
}

/** Answers by path, in the order of the questions. */
export type Answers = ReadonlyMap<string, Answer>

/** Seconds for one call of pvesh. */
const DEADLINE_S = 30

/** The survey as a script. `mark`: a word that no answer contains. With `guests`, their configurations are asked for. */
export function surveyScript(mark: string, guests: boolean): Script {
  return sh`if ! command -v pvesh >/dev/null 2>&1; then printf '\n%s missing\n' ${mark}; exit 0; fi
d=$(mktemp -d) || exit 1
trap 'rm -rf "$d"' EXIT
trap 'exit 1' HUP INT PIPE TERM
ask() {
	timeout ${DEADLINE_S} pvesh get "$1" --output-format json >"$d/$2.out" 2>"$d/$2.err" </dev/null
	echo "$1 $?" >"$d/$2.end"
}
tell() {
	[ -s "$d/$1.end" ] || return 0
	read -r path code <"$d/$1.end"
	printf '\n%s %s %s %s %s\n' ${mark} "$path" "$code" "$(wc -c <"$d/$1.out")" "$(wc -c <"$d/$1.err")"
	cat "$d/$1.out" "$d/$1.err"
}
ask /cluster/status 1 &
ask /cluster/resources 2 &
wait
tell 1
tell 2
n=2
perl -e ${LIST_PATHS} "$d/1.out" "$d/2.out" ${guests ? 'guests' : ''} >"$d/paths"
while read -r path; do
	n=$((n+1))
	ask "$path" $n &
	[ $((n % 4)) -ne 0 ] || wait
done <"$d/paths"
wait
i=2
while [ $i -lt $n ]; do i=$((i+1)); tell $i; done
printf '\n%s end\n' ${mark}
`
}

/**
 * What else to ask, out of the first two answers: networks of the members that are online, and configurations of their
 * guests. All objects of both answers are flat, so no JSON module is needed, which perl-base does not have.
 */
const LIST_PATHS = rawScript(
  `'my ($status, $resources, $guests) = @ARGV;
sub objects { open my $file, "<", shift or return; local $/; <$file> =~ /\\{[^{}]*\\}/g }
sub field { $_[0] =~ /"$_[1]"\\s*:\\s*"?([A-Za-z0-9.-]+)/ ? $1 : "" }
my %online;
for (objects($status)) { $online{field($_, "name")} = 1 if field($_, "type") eq "node" && field($_, "online") eq "1" }
print "/nodes/$_/network\\n" for sort keys %online;
for (objects($resources)) {
	my ($type, $node, $id) = (field($_, "type"), field($_, "node"), field($_, "vmid"));
	print "/nodes/$node/$type/$id/config\\n" if $guests && $type =~ /^(qemu|lxc)$/ && $online{$node} && $id =~ /^\\d+$/;
}'`,
)

/** Reads the output of {@link surveyScript}. Throws OBSERVE_FAILED when it broke off or when there is no pvesh. */
export function parseSurvey(output: Buffer, mark: string): Answers {
  const answers = new Map<string, Answer>()
  const frame = Buffer.from(`\n${mark} `)
  let at = output.indexOf(frame)
  while (at !== -1) {
    const end = output.indexOf('\n', at + 1)
    const [path = '', code, out, err] = output
      .subarray(at + frame.length, end)
      .toString('utf8')
      .split(' ')
    if (path === 'end') return answers
    if (path === 'missing') {
      throw new PvectlError('OBSERVE_FAILED', 'there is no pvesh, so this is no node of Proxmox VE', {
        hint: 'name a node of the cluster; pvesh comes with pve-manager',
      })
    }
    const middle = end + 1 + Number(out)
    const stop = middle + Number(err)
    const stdout = output.subarray(end + 1, middle).toString('utf8')
    answers.set(path, { path, code: Number(code), stdout, stderr: output.subarray(middle, stop).toString('utf8') })
    at = output.indexOf(frame, stop)
  }
  throw new PvectlError('OBSERVE_FAILED', 'the answers of the node broke off before their end', {
    hint: 'check that the login shell of the user runs commands, and that the node is not overloaded',
  })
}

/**
 * The data of an answer. What something else printed before the JSON is passed over: pvesh itself writes it as one line.
 * Throws OBSERVE_FAILED with what pvesh said when it failed.
 */
export function answerData(answers: Answers, path: string): unknown {
  const answer = answers.get(path)
  if (answer === undefined) throw new PvectlError('OBSERVE_FAILED', `the node was not asked for ${path}`)
  if (answer.code !== 0) throw failed(answer)
  for (const text of [answer.stdout, ...answer.stdout.split('\n').reverse()]) {
    const trimmed = text.trim()
    if (!/^[[{]/.test(trimmed)) continue
    try {
      return JSON.parse(trimmed)
    } catch {
      // Not this line.
    }
  }
  throw new PvectlError('OBSERVE_FAILED', `pvesh get ${path} printed no JSON`, {
    hint: `try on the node: pvesh get ${path} --output-format json`,
  })
}

function failed({ path, code, stderr }: Answer): PvectlError {
  const said = stderr.trim().split('\n').slice(-2).join('; ')
  const what =
    code === 124 ? `did not answer within ${DEADLINE_S} s` : `failed: ${said === '' ? `exit status ${code}` : said}`
  return new PvectlError('OBSERVE_FAILED', `pvesh get ${path} ${what}`, { hint: failureHint(stderr) })
}

function failureHint(stderr: string): string {
  if (/ipcc_send_rec|access control list|Connection refused/.test(stderr)) {
    return 'pve-cluster does not run or /etc/pve is not there: systemctl status pve-cluster'
  }
  if (/no quorum/.test(stderr)) return 'the cluster has no quorum: pvecm status'
  if (/malformed JSON|proxy handler failed|Host key|Permission denied/.test(stderr)) {
    return 'pvesh asks other members by ssh as root: try `ssh root@MEMBER true` on the node; it must print nothing'
  }
  return 'run it on the node to see more'
}
