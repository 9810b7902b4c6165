import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { listenerFact, listenersOn } from '../../src/facts/listener.ts'
import { listener } from '../../src/resources/listener.ts'
import { fact, modelOf, planChange } from '../helpers/model.ts'

const test = suite('listener')

const OUTPUT = `LISTEN 0      511               0.0.0.0:80         0.0.0.0:*    users:(("nginx",pid=9,fd=6),("nginx",pid=8,fd=6))
LISTEN 0      4096                    *:8006             *:*    users:(("pveproxy worker",pid=7,fd=6),("pveproxy",pid=6,fd=6))
LISTEN 0      511                  [::]:80            [::]:*    users:(("nginx",pid=9,fd=7))
LISTEN 0      64                0.0.0.0:2049       0.0.0.0:*
`

test('names by port, once each', () => {
  const states = listenerFact.parse(Buffer.from(OUTPUT), ['80', '8006', '2049', '443', '6'], 'mark')
  assert.equal(states, [['nginx'], ['pveproxy', 'pveproxy worker'], ['the kernel'], [], []])
})

test('a port that is free or ours may be had, any other blocks', () => {
  const model = (...names: string[]) => modelOf(fact(listenersOn(80), names))
  assert.is(listener(80, 'nginx').plan(model('nginx')).kind, 'ok')
  planChange(listener(80, 'nginx'), model())
  const plan = listener(80, 'nginx').plan(model('apache2'))
  assert.is(plan.kind === 'blocked' && plan.reason, 'port 80 is taken by apache2')
})

test('reads the ports of this machine', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const id = String((server.address() as AddressInfo).port)
  const { stdout } = spawnSync('/bin/sh', ['-s'], {
    input: listenerFact.observe([id], 'mark').bytes(),
    timeout: 10_000,
  })
  server.close()
  assert.is(listenerFact.parse(stdout, [id], 'mark')[0]?.length, 1)
})

test.run()
