import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PvectlError } from '../../src/errors.ts'
import { linksOf, linksToCreate, linksToJoin } from '../../src/onboard/links.ts'
import { goodMember, goodNode } from '../helpers/node-survey.ts'

const test = suite('links of corosync')

const TWO = goodNode({
  basics: {
    addresses: [
      { cidr: '192.0.2.14/24', device: 'vmbr0' },
      { cidr: '10.99.7.14/16', device: 'eno2' },
    ],
  },
})

function refused(work: () => unknown, text: RegExp, hint: RegExp): void {
  try {
    work()
  } catch (error) {
    assert.ok(error instanceof PvectlError)
    assert.is(error.code, 'BLOCKED')
    assert.match(error.message, text)
    assert.match(error.problems[0]?.hint ?? '', hint)
    return
  }
  throw new Error('expected a refusal')
}

test('addresses of a member are read from corosync.conf', () => {
  const conf = goodMember().cluster.corosyncConf ?? ''
  assert.equal(
    [...linksOf(conf, 'pve2')],
    [
      [0, '192.0.2.12'],
      [1, '10.99.0.12'],
    ],
  )
  assert.equal([...linksOf(conf, 'pve')], [])
})

test('each link of the cluster gets the address in the same network', () => {
  assert.equal(
    [...linksToJoin(TWO, '192.0.2.14', new Map(), goodMember())],
    [
      [0, '192.0.2.14'],
      [1, '10.99.7.14'],
    ],
  )
})

test('what is given outranks what could be derived', () => {
  const given = new Map([[0, '10.99.7.14']])
  assert.equal([...linksToJoin(TWO, '192.0.2.14', given, goodMember())][0], [0, '10.99.7.14'])
})

test('a link that nobody can derive, one too many, and a foreign address are refused', () => {
  refused(() => linksToJoin(goodNode(), '192.0.2.14', new Map(), goodMember()), /network of link 1/, /--link1/)
  refused(
    () => linksToJoin(TWO, '192.0.2.14', new Map([[2, '192.0.2.14']]), goodMember()),
    /no link 2/,
    /link1 \(10\.99/,
  )
  refused(() => linksToJoin(TWO, '192.0.2.14', new Map([[0, '192.0.2.99']]), goodMember()), /192\.0\.2\.99/, /vmbr0/)
  refused(() => linksToCreate(TWO, '192.0.2.14', new Map([[0, '192.0.2.99']])), /192\.0\.2\.99/, /vmbr0/)
})

test("a cluster with one link in another network is joined by the node's own address", () => {
  const routed = goodMember({
    cluster: { corosyncConf: 'nodelist {\n node {\n  name: pve1\n  ring0_addr: 198.51.100.1\n }\n}\n' },
  })
  assert.equal([...linksToJoin(goodNode(), '192.0.2.14', new Map(), routed)], [[0, '192.0.2.14']])
})

test('a cluster is founded on the address that the node is reached at, if it is its own', () => {
  assert.equal([...linksToCreate(TWO, '192.0.2.14', new Map())], [[0, '192.0.2.14']])
  assert.equal([...linksToCreate(TWO, '203.0.113.9', new Map())], [[0, '192.0.2.14']])
})

test.run()
