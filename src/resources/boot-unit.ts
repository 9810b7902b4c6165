/** Units of our own that do something once at boot: the file and that it is enabled, as one step. */
import { joinScripts, sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { unitNamed } from '../facts/unit.ts'
import { file, fileAbsent } from './file.ts'
import { OK, type Plan, type Resource } from './resource.ts'

/** A unit and its text. */
export interface BootUnit {
  /** With suffix: `pvectl-partition.service`. */
  readonly unit: string
  readonly content: string
}

/** Ensures the unit's file, and that it runs at the next boot. It is not started: what it does is seen to live. */
export function bootUnit({ unit, content }: BootUnit): Resource {
  const path = unitPath(unit)
  const text = file({ path, content: Buffer.from(content), mode: '0644', owner: 'root:root' })
  const ref = unitNamed(unit)
  return {
    kind: 'unit',
    key: `unit:${unit}`,
    claims: [`file:${path}`],
    title: `unit ${unit}`,
    reads: [...text.reads, ref],
    plan(model) {
      const write = text.plan(model)
      if (write.kind !== 'ok' && write.kind !== 'change') return write
      const state = model.get(ref)
      const enabled = state.load === 'loaded' && state.enabled === 'enabled'
      if (write.kind === 'ok' && enabled) return OK
      return {
        kind: 'change',
        changes: [
          ...(write.kind === 'change' ? write.changes : []),
          ...(enabled ? [] : [{ summary: `enable ${unit}` }]),
        ],
        script: joinScripts([
          ...(write.kind === 'change' ? [write.script] : []),
          sh`systemctl daemon-reload`,
          ...(enabled
            ? []
            : [
                sh`pv_backup ${wantsLink(unit)}
pv_unit enable ${unit}`,
              ]),
        ]),
        after: [
          ...(write.kind === 'change' ? write.after : []),
          becomes(ref, { ...state, load: 'loaded', enabled: 'enabled', needsDaemonReload: false }),
        ],
      }
    },
  }
}

/** Ensures that there is no such unit. */
export function bootUnitAbsent(unit: string): Resource {
  const path = unitPath(unit)
  const gone = fileAbsent(path)
  const ref = unitNamed(unit)
  return {
    kind: 'unit',
    key: `unit:${unit}`,
    claims: [`file:${path}`],
    title: `no unit ${unit}`,
    reads: [...gone.reads, ref],
    plan(model): Plan {
      const remove = gone.plan(model)
      if (remove.kind !== 'change') return remove
      return {
        ...remove,
        script: joinScripts([
          sh`pv_backup ${wantsLink(unit)}
systemctl --no-reload disable ${unit} >/dev/null 2>&1 || :
systemctl stop ${unit} 2>/dev/null || :`,
          remove.script,
          sh`systemctl daemon-reload`,
        ]),
        after: [
          ...remove.after,
          becomes(ref, { ...model.get(ref), load: 'not-found', enabled: '', active: 'inactive' }),
        ],
      }
    },
  }
}

/** What enabling makes; kept for rollback and guard, as any file. */
function wantsLink(unit: string): string {
  return `/etc/systemd/system/multi-user.target.wants/${unit}`
}

function unitPath(unit: string): string {
  return `/etc/systemd/system/${unit}`
}
