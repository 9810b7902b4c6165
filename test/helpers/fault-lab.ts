/** Guarded runs on a lab node into which faults are injected, and what a node looks like afterwards. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import type { Connector } from '../../src/connection/connection.ts'
import { joinScripts, rawScript, sh } from '../../src/connection/script.ts'
import { createSshConnector } from '../../src/connection/ssh-connector.ts'
import type { Target } from '../../src/connection/target.ts'
import type { RunEvent, ShownError } from '../../src/engine/events.ts'
import { type RunOptions, type RunReport, run } from '../../src/engine/run.ts'
import { execInNode } from '../../src/lab/exec.ts'
import type { HostTask } from '../../src/playbook/job.ts'
import { command } from '../../src/resources/command.ts'
import { file } from '../../src/resources/file.ts'
import type { Resource } from '../../src/resources/resource.ts'
import { testHost, testTask } from './job.ts'
import { labUp, type TestLab } from './pvectl.ts'

/** The only node of such a lab. */
export const NODE = 'node1'

/** Revert timer of its runs, seconds. */
export const TIMEOUT_S = 6

const CONF = '/etc/pvectl-fault.conf'

/** What one run came to. */
export interface FaultOutcome {
  readonly report: RunReport
  readonly status: string | undefined
  readonly error: ShownError | undefined
  readonly events: readonly RunEvent[]
}

/** How to run. */
export interface FaultOptions {
  readonly connector?: Connector<Target>
  readonly signal?: AbortSignal
  /** File that the injected step leaves, so that it runs once. */
  readonly marker?: string
  /** Default: the guard with {@link TIMEOUT_S}. */
  readonly guard?: RunOptions['guard']
  /** Default: the injected step can cut the connection. */
  readonly risky?: boolean
  /** Tasks in place of the usual three. */
  readonly tasks?: readonly HostTask[]
}

/** A lab of one node, and a round number that makes each run change something. */
export class FaultLab {
  readonly lab: TestLab
  readonly name: string
  readonly target: Target
  /** Lines of the table. */
  readonly outcomes: string[] = []
  round = 0

  constructor(name: string, dir: string) {
    this.name = name
    this.lab = labUp(name, 1, dir)
    const { all } = parse(readFileSync(this.lab.inventory, 'utf8'))
    this.target = {
      ...testHost(NODE).target,
      address: this.lab.addresses[NODE] ?? '',
      keyFiles: [all.connection.key],
      knownHostsFiles: [join(dir, all.connection.known_hosts)],
      connectTimeoutMs: 3000,
    }
  }

  /** A harmless step, the injected one, and a harmless one. */
  async apply(text: string, options: FaultOptions = {}): Promise<FaultOutcome> {
    const { marker = `/run/fault-${this.round}`, risky = true, signal, guard } = options
    const conf = (path: string) => file({ path, content: Buffer.from(`round ${this.round}\n`) })
    const tasks = options.tasks ?? [
      testTask('1', conf(CONF)),
      testTask('2', inject(text, marker, risky)),
      testTask('3', conf(`${CONF}.2`)),
    ]
    const host = { ...testHost(NODE), target: this.target }
    const stage = { title: 'fault', serial: [], hosts: [{ host, tasks }] }
    const events: RunEvent[] = []
    const report = await run({
      job: { playbook: 'fault', inventory: this.name, stages: [stage], hosts: [host] },
      connector: options.connector ?? createSshConnector(),
      mode: 'apply',
      guard: guard ?? { timeoutSeconds: TIMEOUT_S },
      emit: (event) => events.push(event),
      ...(signal === undefined ? {} : { signal }),
    })
    const end = events.find((event) => event.event === 'host:finished')
    return { report, status: end?.status, error: end?.error, events }
  }

  /** Runs a script on the node by the machine, not over its network. */
  async exec(script: string): Promise<string> {
    const { stdout } = await execInNode(NODE, ['sh', '-c', script], { lab: this.name })
    return stdout.toString()
  }

  /** The parts of a node that a fault breaks: files of the test, links, addresses, routes, rules, sshd. */
  essence(): Promise<string> {
    return this.exec(`cat ${CONF} ${CONF}.2 2>/dev/null; ls /etc/ssh/sshd_config.d; cat /etc/network/interfaces
cat /etc/network/interfaces.new 2>/dev/null
for l in /sys/class/net/*; do echo "$l $(cat $l/mtu) $(readlink $l/master)"; done
ip -4 -o address | awk '{print $2,$4}'; ip -4 route; iptables-save | grep -E '^-|DROP'; nft list tables | grep -v 'ip6\\? \\(filter\\|nat\\)'
nft -s list table inet mine 2>/dev/null
systemctl is-active ssh; cat /proc/sys/net/ipv4/ip_forward /proc/sys/net/ipv4/conf/all/arp_ignore`)
  }

  /** Empty once no revert is armed any more. */
  armed(): Promise<string> {
    return this.exec(
      'ls -d /var/lib/pvectl/guard/armed 2>/dev/null; ls /etc/systemd/system/sysinit.target.wants | grep pvectl || :',
    )
  }

  /** A further run without fault brings all about. */
  async converges(): Promise<void> {
    const again = await this.apply('true', { marker: `/run/good-${this.round}` })
    assert.is(again.report.exitCode, 0, JSON.stringify(again.error))
    assert.is(again.status, 'changed')
  }

  /** All that was told of a run's failure, and of the node. */
  static told({ error, events }: FaultOutcome): string {
    const notices = events.flatMap((event) => (event.event === 'host:notice' ? [event.message] : []))
    const problems = (error?.problems ?? []).map(({ message, hint }) => `${message} ${hint ?? ''}`)
    return [...notices, ...problems].join('\n')
  }

  /** Prints the table. */
  printTable(): void {
    const rows = this.outcomes.map((row) => `| ${row} |`).join('\n')
    process.stdout.write(`\n| fault | outcome |\n|---|---|\n${rows}\n`)
  }
}

/** A step that runs `text` once, as a change of links would. */
function inject(text: string, marker: string, risky: boolean): Resource {
  const inner = command({ run: text, creates: marker, touches: [] })
  return {
    ...inner,
    plan(model) {
      const plan = inner.plan(model)
      // In the worker's own shell, so that the injected text may use the functions of the prelude.
      const script = joinScripts([sh`touch ${marker}`, rawScript(text)])
      return plan.kind === 'change' ? { ...plan, script, ...(risky ? { risk: 'link' } : {}) } : plan
    },
  }
}
