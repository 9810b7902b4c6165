/** Open vSwitch itself: its package, and its daemon, without which links of it neither come up nor boot quickly. */
import { becomes, type FactUpdate } from '../facts/fact.ts'
import { EMPTY_OVS, ovsRef } from '../facts/ovs.ts'
import { debianPackage } from './package.ts'
import type { Resource } from './resource.ts'
import { unit } from './unit.ts'

const UNIT = 'openvswitch-switch.service'
const BROUGHT: FactUpdate = becomes(ovsRef, EMPTY_OVS)

/** Ensures that Open vSwitch runs, now and at boot. It listens on no port of the network. */
export function openVswitch(): readonly Resource[] {
  return [
    debianPackage({ name: 'openvswitch-switch', state: 'present', units: [UNIT], brings: [BROUGHT] }),
    unit({ unit: UNIT, running: true, enabled: true }),
  ]
}
