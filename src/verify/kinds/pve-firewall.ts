/** The firewall of Proxmox VE, as the kernel has it. */
import { unitCause, unitFact } from '../causes.ts'
import type { PveFirewallCheck } from '../check.ts'
import type { NodeView } from '../node.ts'
import { failed, type Prover, passed, skipped } from '../prover.ts'

const UNIT = 'pve-firewall.service'
const HOST_FILE = '/etc/pve/local/host.fw'

/** Proves {@link PveFirewallCheck}. */
export const pveFirewall: Prover<PveFirewallCheck> = {
  title: () => 'the firewall of Proxmox VE is in force',
  proves: 'the daemon of the firewall runs, and packets to the node go through its rules in the kernel',
  facts: () => [unitFact(UNIT), { id: `file ${HOST_FILE}`, kind: 'files', args: [HOST_FILE] }],
  judge(_, { node }) {
    const unit = node.unit(UNIT)
    if (unit === undefined || unit.load === 'not-found') return skipped('this node has no pve-firewall')
    const isOff = /^\s*enable:\s*0\b/im.test(node.file(`file ${HOST_FILE}`, HOST_FILE) ?? '')
    if (isOff) return skipped(`${HOST_FILE} turns it off on this node`)
    const where = placeOf(node)
    const stopped = unitCause(node, UNIT)
    if (stopped !== undefined) return failed(where === undefined ? 'no rules of it' : `old rules in ${where}`, stopped)
    if (where !== undefined) return passed(`its rules are in ${where}`)
    return failed('no rules of it', {
      cause:
        'pve-firewall runs, and no packet goes through its rules: cluster.fw does not turn it on, or it cannot be compiled',
      hint: 'pve-firewall status; pve-firewall compile; pvectl check shows a difference',
    })
  },
}

/** The chains of pve-firewall, or the table of proxmox-firewall; undefined where there is neither. */
function placeOf(node: NodeView): string | undefined {
  const input = node.iptables.get('filter')?.get('INPUT')?.rules ?? []
  if (input.some(({ text }) => /-[jg] PVEFW-INPUT\b/.test(text))) return 'the chain PVEFW-INPUT'
  return String(node.fact('nft').text ?? '').includes('"proxmox-firewall"') ? 'the table proxmox-firewall' : undefined
}
