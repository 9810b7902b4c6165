/** A service that keeps the clock right: the one that is there, or chrony. */
import type { Model } from '../facts/model.ts'
import { unitNamed } from '../facts/unit.ts'
import { debianPackage } from './package.ts'
import { OK, type Resource } from './resource.ts'
import { unit } from './unit.ts'

/** Units that keep the clock, the one that Proxmox VE installs first. */
const UNITS = [
  'chrony.service',
  'systemd-timesyncd.service',
  'ntpsec.service',
  'ntp.service',
  'openntpd.service',
] as const

const CHRONY = debianPackage({ name: 'chrony', state: 'present', units: ['chrony.service'] })
const REFS = UNITS.map(unitNamed)

/** Ensures that a time service runs and starts at boot; chrony is installed where there is none. Two resources. */
export function timeService(): readonly Resource[] {
  return [installed(), running()]
}

function installed(): Resource {
  return {
    ...CHRONY,
    title: 'a time service',
    reads: [...CHRONY.reads, ...REFS],
    plan: (model) => (serviceOf(model) === undefined ? CHRONY.plan(model) : OK),
  }
}

function running(): Resource {
  const candidates = new Map(UNITS.map((name) => [name, unit({ unit: name, running: true, enabled: true })]))
  return {
    kind: 'unit',
    key: 'time-service',
    shared: true,
    title: 'time service runs',
    reads: [...candidates.values()].flatMap(({ reads }) => reads),
    plan: (model) => candidates.get(serviceOf(model) ?? UNITS[0])?.plan(model) ?? OK,
  }
}

/** The one that runs, else one that could. */
function serviceOf(model: Model): (typeof UNITS)[number] | undefined {
  const states = UNITS.map((name) => ({ name, state: model.get(unitNamed(name)) }))
  const active = states.find(({ state }) => state.active === 'active')
  return (active ?? states.find(({ state }) => state.load === 'loaded'))?.name
}
