import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { pveFirewallClusterTask } from '../../src/tasks/pve-firewall-cluster.ts'
import { proverOf } from '../../src/verify/kinds/index.ts'
import { hostContext } from '../helpers/host-context.ts'
import { evidence, type NodeShape } from '../helpers/node-view.ts'

const test = suite('the firewall of Proxmox VE in the kernel')

const IN = '*filter\n:INPUT ACCEPT [0:0]\n:PVEFW-INPUT - [0:0]\n-A INPUT -j PVEFW-INPUT\nCOMMIT\n'
const LEFT = '*filter\n:INPUT ACCEPT [0:0]\n:PVEFW-INPUT - [0:0]\nCOMMIT\n'
const unit = (active: string, load = 'loaded') => ({
  'unit pve-firewall.service': { units: [{ name: 'pve-firewall.service', load, active, file: 'enabled', log: '' }] },
})

function judge(node: NodeShape): string {
  const {
    status,
    saw,
    cause = '',
  } = proverOf({ kind: 'pve_firewall' }).judge({ kind: 'pve_firewall' }, evidence({ node }))
  return `${status}: ${saw}; ${cause}`
}

test('only where its rules are asked, and somebody keeps them', () => {
  assert.match(judge({ iptables: IN, facts: unit('active') }), /^passed: its rules are in the chain PVEFW-INPUT/)
  const nft = JSON.stringify({ nftables: [{ table: { family: 'inet', name: 'proxmox-firewall' } }] })
  assert.match(judge({ iptables: '', nft, facts: unit('active') }), /^passed: .*table proxmox-firewall/)
  assert.match(
    judge({ iptables: LEFT, facts: unit('active') }),
    /^failed: no rules of it; .*cluster\.fw does not turn it on/,
  )
  assert.match(
    judge({ iptables: IN, facts: unit('inactive') }),
    /^failed: old rules in .*; pve-firewall\.service is not running/,
  )
  assert.match(judge({ iptables: '', facts: unit('inactive', 'not-found') }), /^skipped: this node has no pve-firewall/)
})

test('a node that is to have none is no failure', () => {
  const files = { '/etc/pve/local/host.fw': '[OPTIONS]\n\nenable: 0\n' }
  assert.match(judge({ iptables: '', files, facts: unit('active') }), /^skipped: .*host\.fw turns it off/)
})

test('the task that turns it on has it proven', () => {
  const checks = (options: object) =>
    pveFirewallClusterTask.checks?.(pveFirewallClusterTask.params.parse({ options }), hostContext()) ?? []
  assert.equal(checks({ enable: true }), [{ kind: 'pve_firewall' }])
  assert.equal(checks({ policy_in: 'DROP' }), [])
  assert.equal(checks({ enable: false }), [])
})

test.run()
