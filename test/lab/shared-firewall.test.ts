/** One file of the firewall for a whole cluster: who writes it answers for the others, whatever part of a run they are in. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { labUp, type Outcome, pvectl, type TestLab } from '../helpers/pvectl.ts'
import { sharePve } from '../helpers/shared-pve.ts'

const test = suite('a firewall file of the whole cluster')
const dir = mkdtempSync(join(tmpdir(), 'pvectl-shared-'))
const FILE = '/etc/pve/firewall/cluster.fw'
let lab: TestLab

test.before(async () => {
  process.env.XDG_STATE_HOME = join(dir, 'state')
  lab = labUp('sharedfw', 2, dir)
  await sharePve(lab, ['node1', 'node2'])
})
test.after(() => {
  lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

function apply(play: string, rule: string, more = ''): Outcome {
  const file = join(dir, 'playbook.yml')
  const cluster = `pve_firewall_cluster: { allow_lockout: true, options: { enable: true }, rules: [${rule}] }`
  writeFileSync(file, `- name: firewall\n  hosts: all\n${play}  tasks:\n    - ${cluster}\n${more}`)
  return pvectl(['apply', file, '-i', lab.inventory, '--confirm-timeout', '25'])
}

const SHUTS = (node: string) => `{ action: DROP, dest: ${lab.addresses[node]}, proto: tcp, dport: 22 }`
const POLICY = (rule: string) => rule.replace(' }', ', comment: test }')

test('it shuts out a node of a later batch: the one that wrote it puts it back', () => {
  const { code, stdout, stderr } = apply('  serial: 1\n', SHUTS('node2'))
  assert.is(code, 7, stdout + stderr)
  assert.match(
    stdout,
    /node1 \| error: after the change, node2 lets no new connection in: .*; the node is back as it was/,
  )
  assert.match(stdout, /^node2 .*changed=0 .*skipped$/m)
  assert.is(lab.try('node2', `cat ${FILE}`).code, 1, 'node2 answers, and the file is gone')
})

test('a harmless one: written by one, in effect on both, and one that fails by itself later does not take it back', () => {
  const broken =
    '    - command: { run: "[ ! -e /etc/pve/first ] && touch /etc/pve/first /run/first", creates: /run/first, touches: [] }\n'
  const { code, stdout } = apply('  serial: 2\n', POLICY('{ action: DROP, proto: tcp, dport: 9 }'), broken)
  assert.is(code, 5, stdout)
  assert.match(lab.ssh('node2', `cat ${FILE}`), 'IN DROP -p tcp -dport 9 # test')
  for (const node of ['node1', 'node2']) assert.match(lab.ssh(node, 'iptables -S'), '--dport 9 -j DROP')
  const wrote = (node: string) =>
    lab.ssh(node, `grep -l cluster.fw $(ls -dt /var/lib/pvectl/runs/*/ | head -1).paths 2>/dev/null || :`) !== ''
  const first = lab.ssh('node1', 'ls /run/first 2>/dev/null || :') !== '' ? 'node1' : 'node2'
  assert.ok(wrote(first), stdout)
  assert.not(wrote(first === 'node1' ? 'node2' : 'node1'), stdout)
})

test.run()
