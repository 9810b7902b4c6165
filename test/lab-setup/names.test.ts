import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { labNames, nodeNames } from '../../src/lab/names.ts'

const test = suite('names of lab things')

test('interface names stay within 15 characters, whatever the names', () => {
  const names = labNames('a-name-of-20-letters')
  assert.ok(names.bridge.length <= 15)
  assert.ok(nodeNames(names, 'a-very-long-name.of.a-host.example.org', 244).veth.length <= 15)
})

test('no lab finds the things of another', () => {
  const [dev, dev2] = [labNames('dev'), labNames('dev-2')]
  assert.not(nodeNames(dev2, 'node1', 1).netns.startsWith(dev.netnsPrefix))
  assert.not(dev2.bridge.startsWith(dev.bridge))
})

test('names that would lead elsewhere are refused', () => {
  for (const name of ['', '..', 'a/b', 'a.b', 'Dev', '-a', 'a'.repeat(21)])
    assert.throws(() => labNames(name), /no name/)
})

test('a node calls itself as a PVE node does: one label, and a name with a domain', () => {
  const named = (name: string) => {
    const { hostname, fqdn } = nodeNames(labNames('lab'), name, 3)
    return [hostname, fqdn]
  }
  assert.equal(named('node3'), ['node3', 'node3.lab.internal'])
  assert.equal(named('pve.example.org'), ['pve', 'pve.example.org'])
  assert.equal(named('pve_1'), ['pve-1', 'pve-1.lab.internal'])
  assert.equal(named('192.0.2.7'), ['node3', 'node3.lab.internal'])
})

test('MAC addresses are locally administered unicast and differ', () => {
  const names = labNames('lab')
  const macs = Array.from({ length: 244 }, (_, i) => nodeNames(names, `node${i + 1}`, i + 1).mac)
  assert.is(new Set(macs).size, 244)
  for (const mac of macs) assert.match(mac, /^02(:[0-9a-f]{2}){5}$/)
})

test.run()
