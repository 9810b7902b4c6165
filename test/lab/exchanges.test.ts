/** Counts, in sshd's own log, what a run costs: handshakes and exchanges must not grow with the number of tasks. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { execInNode } from '../../src/lab/exec.ts'
import { labUp, pvectl, ROOT, type TestLab } from '../helpers/pvectl.ts'

const LAB = 'exchanges'
const NODE = 'node1'
const dir = mkdtempSync(join(tmpdir(), 'pvectl-exchanges-'))
const test = suite('exchanges per node')
let lab: TestLab

test.before(() => {
  lab = labUp(LAB, 1, dir)
  lab.ssh(NODE, "echo 'LogLevel VERBOSE' > /etc/ssh/sshd_config.d/00-verbose.conf; systemctl restart ssh")
})
test.after(() => {
  lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

/** Runs pvectl and counts what sshd saw of it. */
async function count(args: string[]): Promise<{ code: number | null; handshakes: number; exchanges: number }> {
  const since = await node('date +%s.%N')
  await new Promise((resolve) => setTimeout(resolve, 1100))
  const { code, stdout, stderr } = pvectl([...args, '-i', lab.inventory])
  if (code !== 0) throw new Error(stdout + stderr)
  await new Promise((resolve) => setTimeout(resolve, 300))
  const log = await node(`journalctl -u ssh -o cat --since "@${Math.ceil(Number(since))}"`)
  return {
    code,
    handshakes: log.match(/^Accepted publickey/gm)?.length ?? 0,
    exchanges: log.match(/^Starting session: command/gm)?.length ?? 0,
  }
}

async function node(script: string): Promise<string> {
  const { stdout } = await execInNode(NODE, ['sh', '-c', script], { lab: LAB })
  return stdout.toString()
}

function filesPlaybook(name: string, tasks: number): string {
  const path = join(dir, name)
  const list = Array.from({ length: tasks }, (_, i) => `    - file: { path: /etc/${name}.${i}, content: "${i}\\n" }`)
  writeFileSync(path, ['- name: files', '  hosts: all', '  tasks:', ...list, ''].join('\n'))
  return path
}

const six = join(ROOT, 'bench/job/site.yml')
const cases: [string, () => string, number][] = [
  ['the six tasks of a node network', () => six, 2],
  ['6 tasks', () => filesPlaybook('six.yml', 6), 1],
  ['60 tasks', () => filesPlaybook('sixty.yml', 60), 1],
]

for (const [name, playbook, handshakes] of cases) {
  test(`${name}: check, apply and no-op`, async () => {
    assert.equal(await count(['check', playbook()]), { code: 0, handshakes: 1, exchanges: 1 })
    const apply = await count(['apply', playbook()])
    assert.ok(apply.exchanges <= 4, `${apply.exchanges} exchanges`)
    // A risky plan (sshd is among the six) is confirmed over a second connection.
    assert.is(apply.handshakes, handshakes)
    assert.equal(await count(['apply', playbook()]), { code: 0, handshakes: 1, exchanges: 1 })
  })
}

test.run()
