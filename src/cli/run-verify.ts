/** What `pvectl verify` does: load a playbook, then prove on every host that what it describes works. */
import pLimit from 'p-limit'
import { EXIT, worstExit } from '../errors.ts'
import type { Job } from '../playbook/job.ts'
import { maskData, maskError } from '../secrets/mask-data.ts'
import { SecretStore } from '../secrets/store.ts'
import { collectChecks } from '../verify/collect.ts'
import type { HostReport } from '../verify/report.ts'
import { readSettings } from '../verify/settings.ts'
import { hostReport, verifyHost } from '../verify/verify-host.ts'
import { withConnector } from './run-job.ts'
import { loadPlaybook, type PlaybookChoice } from './run-playbook.ts'
import { listenForInterrupts } from './signals.ts'
import { verifyProgress } from './verify-progress.ts'
import { hostText, sumText, verifyTextOptions } from './verify-text.ts'
import { waysTo } from './verify-ways.ts'

/** What the user asked for. */
export interface VerifyRun extends PlaybookChoice {
  readonly forks: number
  readonly json: boolean
}

/** What `--json` prints. */
export interface VerifyReport {
  readonly exitCode: number
  readonly playbook: string
  readonly inventory: string
  /** In inventory order. */
  readonly hosts: readonly HostReport[]
}

/** Verifies all hosts of a playbook. Throws what is wrong before any node is contacted. */
export async function runVerify(options: VerifyRun): Promise<VerifyReport> {
  const secrets = new SecretStore()
  try {
    const job = await loadPlaybook(options, secrets)
    const hosts = await verifyJob(job, options, (report) => maskData(report, secrets.mask))
    const codes = hosts.map(({ status }) => EXIT_OF[status])
    return { exitCode: worstExit(codes), playbook: job.playbook, inventory: job.inventory, hosts }
  } catch (error) {
    throw maskError(error, secrets.mask)
  }
}

const EXIT_OF = { passed: EXIT.ok, skipped: EXIT.ok, failed: EXIT.failed, unreachable: EXIT.unreachable } as const

async function verifyJob(
  job: Job,
  { forks, json }: VerifyRun,
  masked: (report: HostReport) => HostReport,
): Promise<readonly HostReport[]> {
  const settings = readSettings(job.hosts, job.verify)
  const text = verifyTextOptions()
  const progress = verifyProgress(job.hosts.map(({ name }) => name))
  const interrupts = listenForInterrupts({ notice: progress.notice })
  const { signal } = interrupts
  const limit = pLimit(forks)
  try {
    return await withConnector(
      job.hosts.map(({ target }) => target),
      async (connector) => {
        const verifyOne = async (host: Job['hosts'][number]): Promise<HostReport> => {
          const report = await hostReport(host.name, async () => {
            const own = settings.get(host.name)
            const tasks = job.stages.flatMap((stage) =>
              stage.hosts.filter((h) => h.host === host).flatMap((h) => h.tasks),
            )
            if (own === undefined) return []
            const connection: { close?: () => Promise<void> } = {}
            try {
              return await verifyHost(collectChecks(host, tasks, own), {
                connect: async () => {
                  const opened = await connector.connect(host.target, signal)
                  connection.close = () => opened.close()
                  return opened
                },
                ask: waysTo(host, own, connector, signal),
                onPhase: (phase) => progress.phase(host.name, phase),
              })
            } finally {
              await connection.close?.()
            }
          })
          const shown = masked(report)
          progress.done(host.name)
          if (!json) process.stdout.write(`${hostText(shown, text)}\n`)
          return shown
        }
        const reports = await Promise.all(job.hosts.map((host) => limit(() => verifyOne(host))))
        const sum = sumText(reports, text)
        if (!json && sum !== undefined) process.stdout.write(`${sum}\n`)
        return reports
      },
    )
  } finally {
    progress.end()
    interrupts.dispose()
  }
}
