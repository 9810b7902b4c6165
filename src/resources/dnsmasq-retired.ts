/** What becomes of dnsmasq when an interface no longer needs it. */
import { joinScripts, rawScript } from '../connection/script.ts'
import { fileAt } from '../facts/file.ts'
import { DNSMASQ_DIRECTORY, DNSMASQ_READS, dnsmasqOptions } from './dnsmasq-options.ts'
import { fileAbsent } from './file.ts'
import { OK, type Plan, type Resource } from './resource.ts'
import { unit } from './unit.ts'
import { dropInPath } from './unit-drop-in.ts'

/**
 * Ensures that a dnsmasq that pvectl set up (its drop-in tells) stops when its last interface is gone: without any, it
 * would answer on all of them. While others remain it is restarted without the removed file.
 */
export function dnsmasqRetired(service: string): Resource {
  const idle = unit({ unit: service, running: false, enabled: false })
  const busy = unit({ unit: service, watch: { paths: [DNSMASQ_DIRECTORY], verb: 'restart' } })
  const noDropIn = fileAbsent(dropInPath(service))
  return {
    kind: 'dnsmasq_retired',
    key: `unit:${service}`,
    shared: true,
    title: `unit ${service}`,
    reads: [...idle.reads, ...busy.reads, ...noDropIn.reads, ...DNSMASQ_READS],
    plan(model) {
      if (model.get(fileAt(dropInPath(service))).type === 'absent') return OK
      const bound = dnsmasqOptions(model).some(({ key }) => key === 'interface' || key === 'listen-address')
      if (bound) return busy.plan(model)
      const stop = idle.plan(model)
      if (stop.kind === 'blocked' || stop.kind === 'unknown') return stop
      return both(stop, noDropIn.plan(model.with(stop.kind === 'change' ? stop.after : [])))
    },
  }
}

function both(first: Plan, second: Plan): Plan {
  if (second.kind !== 'change') return second
  const script = joinScripts([second.script, rawScript('systemctl daemon-reload')])
  if (first.kind !== 'change') return { ...second, script }
  return {
    kind: 'change',
    changes: [...first.changes, ...second.changes],
    script: joinScripts([first.script, script]),
    after: [...first.after, ...second.after],
  }
}
