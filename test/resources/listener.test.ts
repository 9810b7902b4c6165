import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type ListeningSocket, socketsRef } from '../../src/facts/sockets.ts'
import { listener } from '../../src/resources/listener.ts'
import { fact, modelOf, planChange } from '../helpers/model.ts'

const test = suite('listener')

const on80 = (...names: string[]) =>
  modelOf(
    fact(
      socketsRef,
      names.map((process): ListeningSocket => ({ protocol: 'tcp', address: '0.0.0.0', port: 80, process })),
    ),
  )

test('a port that is free or ours may be had, any other blocks', () => {
  assert.is(listener(80, 'nginx').plan(on80('nginx', 'nginx')).kind, 'ok')
  planChange(listener(80, 'nginx'), on80())
  planChange(listener(443, 'nginx'), on80('apache2'))
  const plan = listener(80, 'nginx').plan(on80('nginx', 'lighttpd', 'apache2'))
  assert.is(plan.kind === 'blocked' && plan.reason, 'port 80 is taken by apache2, lighttpd')
})

test('once it listens, nobody else may have the port', () => {
  const { after } = planChange(listener(80, 'nginx'), on80())
  assert.is(listener(80, 'haproxy').plan(on80().with(after)).kind, 'blocked')
})

test.run()
