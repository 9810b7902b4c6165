import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { natAdopter } from '../../src/adopt/adopters/nat.ts'
import { Chooser, expandFindings } from '../../src/adopt/choose.ts'
import { plainParams } from '../../src/adopt/expand.ts'
import { arrivalRef } from '../../src/facts/arrival.ts'
import { natRef, natRule } from '../../src/facts/nat.ts'
import { socketsRef } from '../../src/facts/sockets.ts'
import { sshdFor } from '../../src/facts/sshd.ts'
import { sysctlNamed } from '../../src/facts/sysctl.ts'
import { taskTypes } from '../../src/tasks/index.ts'
import { fact } from '../helpers/model.ts'
import { modelOfNode, WITH_INNER, WITH_VMBR1 } from '../helpers/network-node.ts'

const test = suite('adopt: forwards and routes')

function adopt(hooks: string, rules: readonly string[], routes: readonly string[] = []) {
  const main = WITH_INNER.replace('bridge-fd 0\n\nsource', `bridge-fd 0\n${hooks}\nsource`)
  const live = rules.map((rule) => natRule('PREROUTING', rule.split(' ')))
  const model = modelOfNode({
    main,
    links: WITH_VMBR1,
    routes: routes.map((destination) => ({ family: 4, destination, devices: ['vmbr1'] })),
  }).with([
    fact(natRef, { available: true, rules: live }),
    fact(socketsRef, []),
    fact(arrivalRef, undefined),
    fact(sshdFor('root'), { port: ['22'] }),
    fact(sysctlNamed('net.ipv4.ip_forward'), '1'),
  ])
  const { findings, leftOvers } = natAdopter.adopt({ host: 'node1', model })
  const chooser = new Chooser(model)
  const chosen = chooser.choose(expandFindings(findings, { host: 'node1', registry: taskTypes, template: () => '' }))
  return {
    tasks: chosen.tasks.map((task) => [task.type, plainParams(task)]),
    left: [...chosen.leftOvers, ...leftOvers].map(({ what }) => what),
  }
}

test("the guides' forward as it is, and what more there could be", () => {
  const guide = '-i vmbr0 -p tcp -m tcp --dport 2222 -j DNAT --to-destination 10.10.10.2:22'
  const { tasks, left } = adopt(
    '\tpost-up iptables -t nat -A PREROUTING -i vmbr0 -p tcp --dport 2222 -j DNAT --to 10.10.10.2:22\n',
    [guide],
  )
  assert.equal(tasks, [['port_forward', { port: 2222, to: '10.10.10.2:22', hooks: 'as_written' }]])
  assert.match(left.join(), /an answer for the node itself and for guests/)
})

test('routes to additional addresses', () => {
  const { tasks, left } = adopt(
    '\tpost-up ip route replace 203.0.113.9/32 dev vmbr1\n\tpost-down ip route del 203.0.113.9/32 dev vmbr1 || true\n',
    [],
    ['203.0.113.9'],
  )
  assert.equal(tasks, [['additional_ip', { address: '203.0.113.9', mode: 'routed', bridge: 'vmbr1' }]])
  assert.equal(left, [])
})

test.run()
