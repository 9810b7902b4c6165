import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { pveFirewallFact } from '../../src/facts/pve-firewall.ts'
import { machineBelow } from '../helpers/run-here.ts'

const test = suite('facts about the firewall of Proxmox VE')
let root = ''

test.before.each(() => {
  root = mkdtempSync(join(tmpdir(), 'pvefw-facts-'))
})
test.after.each(() => rmSync(root, { recursive: true, force: true }))

function observe() {
  const [state] = machineBelow(root, ['/etc/pve']).observe(pveFirewallFact, [''])
  if (state === undefined) throw new Error('no state')
  return state
}

test('a member of a cluster: names, quorum, host.fw of all nodes byte for byte', () => {
  const pve = join(root, 'etc/pve')
  for (const node of ['pve1', 'pve2', 'pve3']) mkdirSync(join(pve, 'nodes', node), { recursive: true })
  symlinkSync('nodes/pve1', join(pve, 'local'))
  writeFileSync(
    join(pve, '.members'),
    '{\n"nodename": "pve1",\n"version": 4,\n"cluster": { "name": "lab", "version": 3, "nodes": 2, "quorate": 1 },\n"nodelist": {\n  "pve1": { "id": 1, "online": 1, "ip": "10.0.0.1"},\n  "pve2": { "id": 2, "online": 0}\n  }\n}\n',
  )
  writeFileSync(join(pve, 'nodes/pve1/host.fw'), Buffer.from([0x23, 0xff, 0x0a]))
  writeFileSync(join(pve, 'nodes/pve2/host.fw'), '')
  const state = observe()
  assert.is(state.cluster.nodeName, 'pve1')
  assert.is(state.cluster.quorate, true)
  assert.equal(
    state.cluster.members.map(({ name, online, ip }) => [name, online, ip]),
    [
      ['pve1', true, '10.0.0.1'],
      ['pve2', false, undefined],
    ],
  )
  assert.is(state.writable, true)
  assert.equal([...state.hosts.keys()].sort(), ['pve1', 'pve2'])
  assert.equal([...state.hosts.values()].map((content) => content.length).sort(), [0, 3])
})

test('a node alone, and one that is no Proxmox VE node', () => {
  assert.is(observe().cluster.state, 'none')
  assert.is(observe().writable, false)
  mkdirSync(join(root, 'etc/pve/nodes/n1'), { recursive: true })
  symlinkSync('nodes/n1', join(root, 'etc/pve/local'))
  writeFileSync(join(root, 'etc/pve/.members'), '{\n"nodename": "n1",\n"version": 0\n}\n')
  const { cluster, writable } = observe()
  assert.equal([cluster.state, cluster.quorate, writable], ['alone', true, true])
})

test.run()
