/** The exchange with a node: one script that runs all probes, and its output as data. */
import { randomBytes } from 'node:crypto'
import { rawScript, type Script, sh } from '../../connection/script.ts'
import { PvectlError } from '../../errors.ts'
import { BASE } from './base.ts'
import { FACTS } from './facts.ts'
import { MAIN } from './main.ts'
import { NEIGHBOURS } from './neighbours.ts'
import { PACKETS } from './packets.ts'
import type { NodePlan, NodeReport } from './plan.ts'
import { SEAT } from './seat.ts'
import { WATCH } from './watch.ts'

/** The program, in Perl with nothing but what comes with it. */
export const PROGRAM = `use Cwd ();${BASE}${PACKETS}${NEIGHBOURS}${SEAT}${WATCH}${FACTS}${MAIN}`

/** A word that frames results; nothing else on a node prints it. */
export function probeMark(): string {
  return `pvectl-${randomBytes(12).toString('hex')}`
}

/** The script for a plan. */
export function probeScript(plan: NodePlan, mark: string): Script {
  return sh`PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C; export PATH LC_ALL
perl - ${mark} ${JSON.stringify(plan)} <<'PVECTL_PROBE'
${rawScript(PROGRAM)}
PVECTL_PROBE
`
}

/** Reads what the script printed. Throws OBSERVE_FAILED when it did not come to its end. */
export function parseReport(stdout: Buffer, stderr: Buffer, mark: string): NodeReport {
  const lines = stdout
    .toString('utf8')
    .split('\n')
    .filter((line) => line.startsWith(`${mark} `))
    .map((line) => line.slice(mark.length + 1))
  if (lines.at(-1) !== 'end') throw broken(stderr)
  const records = lines.slice(0, -1).map((line) => JSON.parse(line) as ReportLine)
  const of = (what: string) => new Map(records.filter((r) => r.what === what).map(({ id, value }) => [id, value]))
  return { probes: of('probe'), facts: of('fact'), defaultRoute: of('default').get('0') ?? {} }
}

interface ReportLine {
  readonly what: string
  readonly id: string
  readonly value: Readonly<Record<string, unknown>>
}

function broken(stderr: Buffer): PvectlError {
  const said = stderr.toString('utf8').trim().split('\n').slice(-3).join('; ')
  return new PvectlError('OBSERVE_FAILED', `the probes on the node broke off${said === '' ? '' : `: ${said}`}`, {
    hint: 'they need perl with JSON::PP, which every Proxmox VE node has, and iproute2',
  })
}
