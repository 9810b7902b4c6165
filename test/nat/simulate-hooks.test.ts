import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type NatState, natRule } from '../../src/facts/nat.ts'
import { parseLines } from '../../src/interfaces/lines.ts'
import { rulesAfterUp } from '../../src/nat/simulate-hooks.ts'

const test = suite('foreseeing what hooks do')

const SPEC = ['-s', '10.10.10.0/24', '-o', 'vmbr0', '-j', 'MASQUERADE']
const A = `iptables -t nat -A POSTROUTING ${SPEC.join(' ')}`
const C = A.replace('-A', '-C')
const D = A.replace('-A', '-D')

function count(before: number, ...hooks: string[]): number | undefined {
  const state: NatState = { available: true, rules: Array.from({ length: before }, () => natRule('POSTROUTING', SPEC)) }
  const file = `iface vmbr1 inet static\n${hooks.map((hook) => `\t${hook}\n`).join('')}`
  const after = rulesAfterUp({ family: 4, table: 'nat' }, state, parseLines(Buffer.from(file)), 'vmbr1')
  return after?.available === true ? after.rules.length : undefined
}

test('additions, guards, deletions', () => {
  assert.is(count(0, `post-up ${A}`), 1)
  assert.is(count(1, `post-up ${A}`), 2)
  assert.is(count(1, `post-up ${C} 2>/dev/null || ${A}`), 1)
  assert.is(count(0, `post-up ${C} 2>/dev/null || ${A}`), 1)
  assert.is(count(2, `pre-up ${D} || true`, `up ${A}`), 2)
  assert.is(count(1, `post-down ${D}`), 1)
  assert.is(count(0, `up echo 1 > /proc/x && ${A}`), 1)
})

test('what nobody can foresee', () => {
  assert.is(count(0, `up if ! ${C}; then ${A}; fi`), undefined)
  assert.is(count(0, 'up iptables -t nat -F'), undefined)
  assert.is(count(0, 'up iptables -t nat -A POSTROUTING -s $NET -j MASQUERADE'), undefined)
  assert.is(count(0, 'up iptables-restore < /etc/rules'), undefined)
})

test('other tables and chains make no difference', () => {
  assert.is(count(1, 'up iptables -t raw -I PREROUTING -i fwbr+ -j CT --zone 1', 'up sysctl -p'), 1)
})

test.run()
