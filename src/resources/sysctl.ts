/** A kernel parameter, live. What makes it last is a `file` resource in /etc/sysctl.d. */
import { sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { sysctlNamed, sysctlPath } from '../facts/sysctl.ts'
import { OK, type Resource } from './resource.ts'
import { riskOfParameter, withRisk } from './risk.ts'

/**
 * Ensures the live value. Writes only on a difference: setting `net.ipv4.ip_forward` again resets the per-interface
 * values to their defaults (kernel, ip-sysctl).
 */
export function liveSysctl(name: string, value: string): Resource {
  const ref = sysctlNamed(name)
  return {
    kind: 'sysctl',
    key: `sysctl:${name}`,
    title: `sysctl ${name}`,
    reads: [ref],
    plan(model) {
      const state = model.get(ref)
      if (state === value) return OK
      if (state === undefined) return { kind: 'blocked', reason: `this kernel has no parameter ${name}` }
      return {
        kind: 'change',
        changes: [{ summary: `${name}: ${state} → ${value}` }],
        script: sh`pv_parameter ${sysctlPath(name)} ${value}`,
        after: [becomes(ref, value)],
        ...withRisk(riskOfParameter(name)),
      }
    },
  }
}
