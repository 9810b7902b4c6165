/** Facts about the package that brings links up: Proxmox VE's ifupdown2, Debian's, or the classic one. */
import type { FactRef } from './fact.ts'
import type { Model } from './model.ts'
import { type PackageState, packageNamed } from './package.ts'

/** The installed package; undefined where there is neither. */
export interface IfupdownState {
  readonly name: 'ifupdown' | 'ifupdown2'
  readonly version: string
}

const NAMES = ['ifupdown2', 'ifupdown'] as const

/** What {@link ifupdownOf} has to have been read. Asking ifupdown2 itself (`ifreload -V`) would start Python. */
export const ifupdownRefs: readonly FactRef<PackageState>[] = NAMES.map(packageNamed)

/** The package that brings links up on a node. */
export function ifupdownOf(model: Model): IfupdownState | undefined {
  const found = NAMES.map((name) => ({ name, ...model.get(packageNamed(name)) }))
  return found.find((state): state is typeof state & IfupdownState => state.installed && state.version !== undefined)
}

/** True for the builds that PVE accepts before it applies a change (pve-manager, PVE::API2::Network). */
export function isPveBuild(state: IfupdownState | undefined): boolean {
  return state?.name === 'ifupdown2' && /pve|pmx|proxmox/.test(state.version)
}
