/** Facts about the package that brings links up: Proxmox VE's ifupdown2, Debian's, or the classic one. */
import { type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** The installed package; undefined where there is neither. */
export interface IfupdownState {
  readonly name: 'ifupdown' | 'ifupdown2'
  readonly version: string
}

/** One instance: the id is always empty. One process; asking ifupdown2 itself (`ifreload -V`) starts Python. */
export const ifupdownFact: FactKind<IfupdownState | undefined> = {
  name: 'ifupdown',
  observe: (): Script =>
    sh`sed -n '/^Package: ifupdown2\{0,1\}$/,/^$/{s/^\(Package\|Status\|Version\): //p;}' /var/lib/dpkg/status 2>/dev/null || :`,
  parse(output, ids) {
    const found = [...output.toString('utf8').matchAll(/^(ifupdown2?)\n(.*)\n(\S+)$/gm)]
    const installed = found.filter(([, , status]) => status?.endsWith(' installed'))
    const states = installed.map(([, name = '', , version = '']) => ({ name, version }) as IfupdownState)
    const state = states.find(({ name }) => name === 'ifupdown2') ?? states[0]
    return ids.map(() => state)
  },
}

/** The one reference to it. */
export const ifupdownRef: FactRef<IfupdownState | undefined> = { kind: ifupdownFact, id: '' }

/** True for the builds that PVE accepts before it applies a change (pve-manager, PVE::API2::Network). */
export function isPveBuild(state: IfupdownState | undefined): boolean {
  return state?.name === 'ifupdown2' && /pve|pmx|proxmox/.test(state.version)
}
