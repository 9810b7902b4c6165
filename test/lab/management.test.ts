import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { labUp, pvectl, type TestLab } from '../helpers/pvectl.ts'

const test = suite<{ lab: TestLab; dir: string; address: string }>('management network')
const NODE = 'node1'

/** A second card on the same wire, and a third one whose cable leads nowhere. */
const CARDS = `ip link add eno2 type veth peer name wire2; ip link set wire2 master vmbr0 up
ip link add eno3 type veth peer name wire3
printf '\\niface eno2 inet manual\\n\\niface eno3 inet manual\\n' >> /etc/network/interfaces`

test.before((context) => {
  context.dir = mkdtempSync(path.join(tmpdir(), 'pvectl-management-'))
  context.lab = labUp('management', 1, context.dir)
  context.address = context.lab.addresses[NODE] ?? ''
  context.lab.ssh(NODE, CARDS)
})

test.after(({ lab, dir }) => {
  lab.down()
  rmSync(dir, { recursive: true })
})

function apply({ lab, dir }: { lab: TestLab; dir: string }, link: string, address: string, ...flags: string[]) {
  const file = path.join(dir, 'site.yml')
  const gateway = address.replace(/\d+$/, '1')
  const task = { interface: link, address: `${address}/24`, gateway }
  writeFileSync(file, JSON.stringify([{ name: 'Management', hosts: 'all', tasks: [{ management_network: task }] }]))
  return pvectl(['apply', file, '--inventory', lab.inventory, '--yes', ...flags])
}

const network = (lab: TestLab) =>
  lab.ssh(NODE, 'cat /etc/network/interfaces; ip -4 -o addr | sed "s/valid.*//"; ip route')

test('a link that leads nowhere: the node comes back by itself', (context) => {
  const before = network(context.lab)
  const { code, stdout } = apply(context, 'eno3', context.address, '--confirm-timeout', '6')
  assert.is(code, 7, stdout)
  // The order of what `ip` lists is the kernel's business.
  assert.equal(network(context.lab).split('\n').sort(), before.split('\n').sort())
})

test('to a card of its own, over the connection that it carries', (context) => {
  const { lab, address } = context
  const { code, stdout } = apply(context, 'eno2', address)
  assert.is(code, 0, stdout)
  assert.match(lab.ssh(NODE, 'ip -4 -o addr show dev eno2'), `${address}/24`)
  assert.is(lab.ssh(NODE, 'ip -4 -o addr show dev vmbr0'), '')
  assert.match(lab.ssh(NODE, 'ip route show default'), 'dev eno2')
  assert.match(apply(context, 'eno2', address).stdout, /ok=1 +changed=0/)
})

test('an address that the inventory does not know is refused before anything is touched', (context) => {
  const other = context.address.replace(/\d+$/, '99')
  const { code, stderr } = apply(context, 'eno2', other)
  assert.is(code, 3)
  assert.match(stderr, 'is not the address by which the inventory reaches the node')
  assert.match(stderr, 'run once with `keep: true`')
})

test.run()
