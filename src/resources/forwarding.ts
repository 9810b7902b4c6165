/** Whether a node routes: the kernel's switch for all interfaces and those of single ones. */
import { becomes } from '../facts/fact.ts'
import { sysctlNamed } from '../facts/sysctl.ts'
import { OK, type Resource } from './resource.ts'
import { liveSysctl } from './sysctl.ts'

/** Address families, as /proc/sys/net names them. */
export type Family = 'ipv4' | 'ipv6'

/** Name of the switch for all interfaces. */
export function forwardingSwitch(family: Family): string {
  return family === 'ipv4' ? 'net.ipv4.ip_forward' : 'net.ipv6.conf.all.forwarding'
}

/** A parameter of one interface, e.g. `net.ipv4.conf.vmbr1.forwarding`; a dot in its name is spelled `/`. */
export function interfaceParameter(family: Family, name: string, parameter: string): string {
  return `net.${family}.conf.${name.replaceAll('.', '/')}.${parameter}`
}

/**
 * Ensures the switch for all interfaces. Changing it sets every interface to the same value (kernel, ip-sysctl), which
 * the model learns for `interfaces`.
 */
export function forwarding(family: Family, on: boolean, interfaces: readonly string[]): Resource {
  const all = liveSysctl(forwardingSwitch(family), on ? '1' : '0')
  const followers = interfaces.map((name) => sysctlNamed(interfaceParameter(family, name, 'forwarding')))
  return {
    ...all,
    reads: [...all.reads, ...followers],
    plan(model) {
      const plan = all.plan(model)
      if (plan.kind !== 'change') return plan
      const present = followers.filter((ref) => model.get(ref) !== undefined)
      return { ...plan, after: [...plan.after, ...present.map((ref) => becomes(ref, on ? '1' : '0'))] }
    },
  }
}

/**
 * Ensures a parameter of an interface. One that does not exist yet gets the kernel's default and, from udev, what
 * sysctl.d says when it comes up.
 */
export function interfaceSysctl(family: Family, name: string, parameter: string, value: string): Resource {
  const resource = liveSysctl(interfaceParameter(family, name, parameter), value)
  const ref = sysctlNamed(interfaceParameter(family, name, parameter))
  return { ...resource, plan: (model) => (model.get(ref) === undefined ? OK : resource.plan(model)) }
}
