import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fileAt } from '../../src/facts/file.ts'
import { hostsEntry, withEntry } from '../../src/resources/hosts-entry.ts'
import { knownHost, withKeys } from '../../src/resources/known-host.ts'
import { fact, fileState, modelOf, planChange } from '../helpers/model.ts'

const test = suite('names and host keys')

const entry = (names: readonly string[], address = '192.0.2.14', state: 'present' | 'absent' = 'present') => ({
  address,
  names,
  state,
})
const IPV6 = '\n# The following lines are desirable for IPv6 capable hosts\n::1 ip6-localhost ip6-loopback\n'

test('a loopback line loses the name, and the entry follows the loopback lines', () => {
  const text = `127.0.0.1 localhost\n127.0.1.1 pve4.example.org pve4\n${IPV6}`
  const result = `127.0.0.1 localhost\n192.0.2.14 pve4.example.org pve4\n${IPV6}`
  assert.is(withEntry(text, entry(['pve4.example.org', 'pve4'])), result)
  assert.is(withEntry(result, entry(['pve4.example.org', 'pve4'])), result)
})

test('only our names go from lines that contradict; other names, comments and families stay', () => {
  const text = '127.0.0.1 localhost pve4 # local\n198.51.100.9 pve4 old\n2001:db8::4 pve4\n'
  assert.is(
    withEntry(text, entry(['pve4'])),
    '127.0.0.1 localhost # local\n192.0.2.14 pve4\n198.51.100.9 old\n2001:db8::4 pve4\n',
  )
  assert.is(withEntry('::1 localhost pve4\n', entry(['pve4'])), '192.0.2.14 pve4\n::1 localhost\n')
})

test('a line of the same address takes the names in and keeps its own', () => {
  assert.is(
    withEntry('192.0.2.14\tpve4 alias # mine\n', entry(['pve4.example.org', 'pve4'])),
    '192.0.2.14 pve4.example.org pve4 alias # mine\n',
  )
})

test('what holds is left byte for byte, also without a newline at the end', () => {
  for (const text of [
    '192.0.2.14   pve4.example.org\tpve4',
    '# 127.0.1.1 pve4\n192.0.2.14 PVE4.example.org pve4 more\n',
  ]) {
    assert.is(withEntry(text, entry(['pve4.example.org', 'pve4'])), text)
  }
})

test('an entry that is to go takes its names along and leaves the rest', () => {
  assert.is(
    withEntry('192.0.2.14 pve4 other\n192.0.2.15 pve4\n', entry(['pve4'], '192.0.2.14', 'absent')),
    '192.0.2.14 other\n192.0.2.15 pve4\n',
  )
})

test('the plan of an entry is ok on its own outcome', () => {
  const model = modelOf(fact(fileAt('/etc/hosts'), fileState('127.0.0.1 localhost\n127.0.1.1 pve4\n')))
  const plan = planChange(hostsEntry(entry(['pve4'])), model)
  assert.match(plan.changes[0]?.summary ?? '', 'pve4 is 192.0.2.14')
})

const A = 'ssh-ed25519 AAAA'
const B = 'ssh-ed25519 BBBB'
const R = 'ssh-rsa RRRR'

test('a key of the same type is replaced, others stay, and lines with further names keep those', () => {
  const keys = { names: ['pve2', '192.0.2.12'], keys: [A] }
  assert.is(withKeys('', keys), `pve2,192.0.2.12 ${A}\n`)
  assert.is(
    withKeys(`pve2,pve9 ${B} comment\npve2 ${R}\n`, keys),
    `pve9 ${B} comment\npve2 ${R}\npve2,192.0.2.12 ${A}\n`,
  )
  assert.is(withKeys(`pve2 ${B}\n`, keys), `pve2,192.0.2.12 ${A}\n`)
})

test('what is known is left alone, wherever it stands; comments, markers and hashes are never touched', () => {
  const keys = { names: ['pve2', '192.0.2.12'], keys: [A] }
  const text = `# mine\n|1|salt|hash ${B}\n@revoked pve2 ${B}\nPVE2 ${A}\n192.0.2.12 ${A} c`
  assert.is(withKeys(text, keys), text)
  assert.is(withKeys(`pve2 ${A}\n`, keys), `pve2,192.0.2.12 ${A}\n`)
})

test('without keys the names are forgotten', () => {
  assert.is(withKeys(`pve2,pve9 ${A}\npve2 ${R}\n`, { names: ['pve2'], keys: [] }), `pve9 ${A}\n`)
})

test('a file that is not there is made, and the plan is ok on its own outcome', () => {
  const file = '/root/.ssh/known_hosts'
  const plan = planChange(
    knownHost({ file, names: ['pve2'], keys: [A, R] }),
    modelOf(fact(fileAt(file), { type: 'absent' })),
  )
  assert.match(plan.changes[0]?.summary ?? '', 'create /root/.ssh/known_hosts: know pve2')
})

test.run()
