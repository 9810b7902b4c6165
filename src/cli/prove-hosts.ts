/** The checks of `apply --verify`, for the engine to call. */
import type { SshConnector } from '../connection/ssh-connector.ts'
import type { Job } from '../playbook/job.ts'
import { collectChecks } from '../verify/collect.ts'
import { readSettings } from '../verify/settings.ts'
import { verifyHost } from '../verify/verify-host.ts'
import type { JobRun } from './run-job.ts'
import { waysTo } from './verify-ways.ts'

/** Reads the settings of all hosts, then gives what proves a host. Throws INVENTORY_INVALID. */
export function proveHosts(job: Job): (connector: SshConnector) => NonNullable<JobRun['prove']> {
  const settings = readSettings(job.hosts, job.verify)
  return (connector) =>
    async ({ host, tasks }, connection, signal) => {
      const own = settings.get(host.name)
      if (own === undefined) return []
      const view = collectChecks(host, tasks, own)
      const reports = await verifyHost(view, {
        connect: async () => connection,
        ask: waysTo(host, own, connector, signal),
      })
      return reports.map(({ kind: _, proves: __, ...shown }) => shown)
    }
}
