import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fileAt } from '../../src/facts/file.ts'
import { linkNamed, linksRef } from '../../src/facts/links.ts'
import { fact } from '../helpers/model.ts'
import { MAIN, type Node, type Outcome, play } from '../helpers/network-node.ts'

const test = suite('management_network: plans')

const FILES = ['/etc/pve/corosync.conf', '/etc/hosts'].map((path) => fact(fileAt(path), { type: 'absent' }))
const NODE: Node = { main: MAIN.replace('source', 'iface eno2 inet manual\n\nsource'), more: FILES }
const ELSEWHERE = { interface: 'eno2', address: '192.0.2.9/24', gateway: '192.0.2.1' }

const addresses = ({ links }: Outcome, name: string) => linkNamed(links, name)?.addresses.map(({ cidr }) => cidr)
const defaultBy = ({ links }: Outcome) =>
  links.routes.filter(({ destination }) => destination === 'default').flatMap(({ devices }) => devices)
/** The node as a run left it. */
const left = ({ main, links }: Outcome): Node => ({ main, more: [...FILES, fact(linksRef, links)] })

test('the same address on another link', () => {
  const same = { interface: 'eno2', address: '192.168.1.10/24', gateway: '192.168.1.1' }
  const moved = play(NODE, { management_network: same })
  assert.equal(moved.kinds, ['change!', 'change!'])
  assert.equal([addresses(moved, 'vmbr0'), addresses(moved, 'eno2')], [[], ['192.168.1.10/24']])
  assert.equal(defaultBy(moved), ['eno2'])
})

test('another address in two runs: the second takes the old one away, in the file and live', () => {
  const first = play(NODE, { management_network: { ...ELSEWHERE, keep: true } })
  assert.equal(addresses(first, 'vmbr0'), ['192.168.1.10/24'])
  assert.match(first.main, /iface vmbr0 inet static\n\taddress 192\.168\.1\.10\/24\n\tbridge-ports/)
  assert.equal(defaultBy(first), ['eno2'])
  const second = play(left(first), { management_network: { ...ELSEWHERE, from: 'vmbr0' } })
  assert.equal(second.summaries, [
    'move 192.0.2.9/24, gateway 192.0.2.1 from vmbr0 to eno2',
    'vmbr0: remove address 192.168.1.10/24',
  ])
  assert.not.match(second.main, /192\.168\.1/)
  assert.equal(addresses(second, 'vmbr0'), [])
  assert.equal(play(left(second), { management_network: { ...ELSEWHERE, from: 'vmbr0' } }).kinds, ['ok', 'ok'])
})

test('an address that a hook gives the old link stays there', () => {
  const hook = '\tup ip addr add 203.0.113.5/32 dev vmbr0\n'
  const main = MAIN.replace('\tbridge-fd 0\n', `\tbridge-fd 0\n${hook}`).replace(
    'source',
    'iface eno2 inet manual\n\nsource',
  )
  const first = play({ ...NODE, main }, { management_network: { ...ELSEWHERE, keep: true } })
  const links = first.links.links.map((one) =>
    one.name === 'vmbr0'
      ? { ...one, addresses: [...one.addresses, { cidr: '203.0.113.5/32', family: 4 as const, scope: 'global' }] }
      : one,
  )
  const node = { main: first.main, more: [...FILES, fact(linksRef, { ...first.links, links })] }
  const second = play(node, { management_network: { ...ELSEWHERE, from: 'vmbr0' } })
  assert.equal(addresses(second, 'vmbr0'), ['203.0.113.5/32'])
})

test.run()
