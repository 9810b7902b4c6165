import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { interfaces } from '../../src/lab/identity.ts'
import { run } from '../../src/lab/run.ts'
import type { LabState } from '../../src/lab/state.ts'
import { EMULATION } from '../../src/lab/vm/accelerator.ts'
import { peerOf, portsOf } from '../../src/lab/vm/cables.ts'
import { createIdentityDrive } from '../../src/lab/vm/disk.ts'
import { machineArguments } from '../../src/lab/vm/machine.ts'
import { connectQmp } from '../../src/lab/vm/qmp.ts'
import { failureOf, within } from '../helpers/within.ts'

const test = suite('VMs of a lab')
const dir = mkdtempSync(join(tmpdir(), 'pvectl-vm-'))
test.after(() => rmSync(dir, { recursive: true, force: true }))

function labOf(count: number, cables: LabState['cables'] = 'pairs'): LabState {
  const nodes = Array.from({ length: count }, (_, i) => {
    return { name: `node${i + 1}`, number: i + 1, address: `198.18.0.${11 + i}`, image: '/cache/vm-1' }
  })
  return { name: 'lab', kind: 'vm', pve: '8', cables, network: '198.18.0', rehearses: null, nodes, inventories: [] }
}

const at = (lab: LabState, index: number) => {
  const node = lab.nodes[index]
  if (node === undefined) throw new RangeError(`no node ${index}`)
  return node
}
const cablesOf = (lab: LabState, index: number) => portsOf(lab, at(lab, index)).map(({ cable }) => cable)

test('cables of pairs lead to each other, and the one for management to this machine', () => {
  const lab = labOf(3)
  const [first, second] = [cablesOf(lab, 0), cablesOf(lab, 1)]
  assert.is(first[0]?.kind, 'tap')
  for (const nic of [1, 2]) {
    const [a, b] = [first[nic], second[nic]]
    assert.ok(a?.kind === 'direct' && b?.kind === 'direct')
    assert.equal([a.here, a.there], [b.there, b.here])
  }
  assert.is(peerOf(lab, at(lab, 1))?.name, 'node1')
  assert.is(peerOf(lab, at(lab, 2)), undefined, 'node4 is not there')
})

test('links of a switch are told apart, fit into 15 characters, and go with the lab', () => {
  const lab = labOf(244, 'switch')
  const links = lab.nodes.flatMap((_, i) => cablesOf(lab, i)).map((cable) => (cable.kind === 'tap' ? cable.link : ''))
  assert.is(new Set(links).size, 3 * 244)
  for (const link of links) assert.match(link, /^pvl[0-9a-f]{6}n\d{1,3}(?:e[23])?$/)
  assert.ok(links.every((link) => link.length <= 15))
})

test('no MAC address is there twice', () => {
  const lab = labOf(20)
  const macs = lab.nodes.flatMap((node) => portsOf(lab, node).map(({ mac }) => mac))
  assert.is(new Set(macs).size, 60)
  for (const mac of macs) assert.match(mac, /^02(?::[0-9a-f]{2}){5}$/)
})

test('a template waits for its identity and leaves the NICs alone; other machines do neither', () => {
  const lab = labOf(1)
  const machine = { accelerator: EMULATION, image: '/i', disk: 'd', identity: 'v', control: 'c' }
  const args = (start: 'cold' | 'restored' | 'template') =>
    machineArguments({ ...machine, ports: portsOf(lab, at(lab, 0)), start })
  const kernelOf = (list: readonly string[]) => list[list.indexOf('-append') + 1] ?? ''
  assert.match(kernelOf(args('template')), / lab\.template modprobe\.blacklist=virtio_net$/)
  for (const start of ['cold', 'restored'] as const) assert.not.match(kernelOf(args(start)), /template|blacklist/)
  assert.equal(args('restored').slice(-2), ['-incoming', 'fd:3'])
  assert.not.ok(args('cold').includes('-incoming'))
  // Saved memory fits only the same devices.
  const devices = (list: readonly string[]) => list.filter((_, i) => list[i - 1] === '-device')
  assert.equal(devices(args('template')), devices(args('restored')))
})

test('NICs that the node does not use come after the bridge, as PVE has them', () => {
  assert.ok(
    interfaces('10.0.0.2/24', '10.0.0.1', ['eno2', 'eno3']).endsWith(
      '\tbridge-fd 0\n\niface eno2 inet manual\n\niface eno3 inet manual\n\nsource /etc/network/interfaces.d/*\n',
    ),
  )
})

test('the identity drive is an archive of one size, with modes and no owner of this machine', async () => {
  const drive = join(dir, 'identity.img')
  await createIdentityDrive(drive, 'mark', [{ path: 'etc/ssh/key', content: 'secret\n', mode: 0o600 }])
  const list = await run('tar', ['-tvf', drive, '--numeric-owner'])
  assert.match(list, /^-rw------- 0\/0 +7 .* etc\/ssh\/key$/m)
  assert.is(await run('tar', ['-xOf', drive, 'usr/local/lib/pvectl-lab/identity']), 'mark\n')
  assert.is((await run('stat', ['-c', '%s', drive])).trim(), '262144')
})

test('answers of QEMU find their commands, past events and split lines; refusals and an end are errors', async () => {
  const socket = join(dir, 'qmp')
  const server = createServer((peer) => {
    peer.write('{"QMP": {}}\r\n')
    peer.on('data', (data) => {
      const { execute } = JSON.parse(data.toString())
      if (execute === 'die') return peer.destroy()
      const answer = execute === 'bad' ? { error: { desc: 'no such thing' } } : { return: { command: execute } }
      const text = `{"event": "STOP"}\r\n${JSON.stringify(answer)}\r\n`
      peer.write(text.slice(0, 25))
      setTimeout(() => peer.write(text.slice(25)), 20)
    })
  }).listen(socket)
  try {
    const qmp = await within(5000, connectQmp(socket))
    assert.equal(await within(5000, qmp.execute('query-status')), { command: 'query-status' })
    assert.match((await failureOf(qmp.execute('bad'))).message, /refuses bad: no such thing/)
    assert.match((await failureOf(qmp.execute('die'))).message, /has ended/)
    assert.match((await failureOf(qmp.execute('query-status'))).message, /has ended/)
  } finally {
    server.close()
  }
  assert.match((await failureOf(connectQmp(join(dir, 'nobody'), { timeoutMs: 50 }))).message, /no QEMU answers/)
})

test.run()
