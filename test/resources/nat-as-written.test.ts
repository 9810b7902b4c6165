import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { play, SPEC, WITH_INNER, WITH_VMBR1 } from '../helpers/network-node.ts'

const test = suite('masquerade: hooks as written')

const TASK = { masquerade: { source: '10.10.10.0/24', out: 'vmbr0', hooks: 'as_written' } }
const UP = `	post-up iptables -t nat -A POSTROUTING -s '10.10.10.0/24' -o vmbr0 -j MASQUERADE\n`

function withHook(hook: string): string {
  return WITH_INNER.replace('10.10.10.1/24\n', `10.10.10.1/24\n${hook}`)
}

test('an unguarded hook and doubles stay', () => {
  const { kinds } = play({ main: withHook(UP), links: WITH_VMBR1, rules: [SPEC, SPEC] }, TASK)
  assert.equal(kinds, ['ok', 'ok'])
})

test('other words for the same stay, and so does a hook after a blank line', () => {
  const words = '-s 10.10.10.0/24 ! -d 10.10.10.0/24 -o vmbr0 -j MASQUERADE'
  assert.equal(play({ main: withHook(`\n${UP}`), links: WITH_VMBR1, rules: [words] }, TASK).kinds, ['ok', 'ok'])
})

test('what is missing is set as tidily as ever', () => {
  const live = play({ main: withHook(UP), links: WITH_VMBR1, rules: [] }, TASK)
  assert.equal([live.kinds, live.nat], [['change', 'ok'], [SPEC]])
  const hook = play({ main: WITH_INNER, links: WITH_VMBR1, rules: [SPEC] }, TASK)
  assert.equal(hook.kinds, ['ok', 'change'])
  assert.match(hook.main, /post-up iptables -t nat -C POSTROUTING -s 10\.10\.10\.0\/24/)
  const down = UP.replace('post-up', 'post-down').replace('-A', '-D')
  assert.equal(play({ main: withHook(down), links: WITH_VMBR1, rules: [SPEC] }, TASK).kinds, ['ok', 'change'])
})

test('another target is no other spelling', () => {
  const snat = UP.replace('MASQUERADE', 'SNAT --to-source 192.168.1.10')
  const { kinds } = play({ main: withHook(snat), links: WITH_VMBR1, rules: [SPEC] }, TASK)
  assert.equal(kinds, ['ok', 'change'])
})

test('tidy is the default', () => {
  const { kinds } = play(
    { main: withHook(UP), links: WITH_VMBR1, rules: [SPEC, SPEC] },
    { masquerade: { source: '10.10.10.0/24', out: 'vmbr0' } },
  )
  assert.equal(kinds, ['change', 'change'])
})

test.run()
