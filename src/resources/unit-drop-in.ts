/** Additions to systemd units. */
import { joinScripts, rawScript } from '../connection/script.ts'
import { file } from './file.ts'
import type { Resource } from './resource.ts'

const RELOAD = rawScript('systemctl daemon-reload')

/** Path of pvectl's drop-in of a unit. */
export function dropInPath(unit: string): string {
  return `/etc/systemd/system/${unit}.d/pvectl.conf`
}

/** Ensures the drop-in of a unit, loaded by systemd. Several tasks may ask for the same one. */
export function unitDropIn(unit: string, text: string): Resource {
  const resource = file({ path: dropInPath(unit), content: Buffer.from(text), mode: '0644', owner: 'root:root' })
  return {
    ...resource,
    shared: true,
    plan(model) {
      const plan = resource.plan(model)
      return plan.kind === 'change' ? { ...plan, script: joinScripts([plan.script, RELOAD]) } : plan
    },
  }
}
