import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { RunEvent } from '../../src/engine/events.ts'
import { pvectl } from '../helpers/cli.ts'
import { project } from '../helpers/project.ts'
import { freePort, type PrivateSshd, startSshd } from '../helpers/sshd.ts'

const test = suite('check over SSH')
let sshd: PrivateSshd
let cwd: string

function inventory({ user, key, knownHosts }: PrivateSshd, port: number): string {
  const connection = { user, port, key, known_hosts: knownHosts }
  return JSON.stringify({ all: { connection, hosts: { node1: { address: '127.0.0.1' } } } })
}

test.before(async () => {
  sshd = await startSshd()
  const task = (file: string, content: string) => ({ file: { path: `${sshd.dir}/${file}`, content } })
  cwd = project({
    'inventory/prod.yml': inventory(sshd, sshd.port),
    'inventory/down.yml': inventory(sshd, await freePort()),
    'playbooks/site.yml': JSON.stringify([{ hosts: 'all', tasks: [task('new', 'one\n')] }]),
    'playbooks/nothing.yml': JSON.stringify([
      { hosts: 'all', tasks: [{ file: { path: `${sshd.dir}/none`, state: 'absent' } }] },
    ]),
  })
})

test.after(async () => {
  await sshd.stop()
})

test('a dry run ends well with changes to make, and with 6 where that was asked for', async () => {
  const [plain, strict, clean] = await Promise.all([
    pvectl(['check'], cwd),
    pvectl(['check', '--exit-code', '--no-diff'], cwd),
    pvectl(['check', 'nothing', '--exit-code'], cwd),
  ])
  assert.equal([plain.code, strict.code, clean.code], [0, 6, 0], plain.stderr + strict.stderr + clean.stderr)
  assert.match(plain.stdout, /^node1 \| {5}\+one$/m)
  assert.not.match(strict.stdout, '+one')
  assert.match(clean.stdout, /^node1 {2}ok=1 {2}would-change=0 /m)
})

test('--json streams events, the last one with the exit code of the process', async () => {
  const { code, stdout } = await pvectl(['check', '--json', '--exit-code'], cwd)
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as RunEvent)
  assert.is(code, 6)
  assert.is(events[0]?.event, 'run:started')
  const last = events.at(-1)
  assert.ok(last?.event === 'run:finished' && last.exitCode === 6)
  assert.ok(events.some((event) => event.event === 'task:planned' && event.status === 'would change'))
})

test('a node that is down ends with 4', async () => {
  const { code, stdout } = await pvectl(['apply', '--inventory', 'down'], cwd)
  assert.is(code, 4)
  assert.match(stdout, /^node1 \| unreachable\b/m)
  assert.match(stdout, /^node1 \| {3}hint: /m)
})

test('an inventory by environment variable', async () => {
  const { code } = await pvectl(['check'], cwd, { PVECTL_INVENTORY: 'down' })
  assert.is(code, 4)
})

test('a reader that goes away neither stops nor crashes the run', async () => {
  const dev = fileURLToPath(new URL('../../bin/dev.js', import.meta.url))
  const script = '"$0" "$1" check --json --exit-code 2>&3 | head -c 10 >/dev/null; exit "${PIPESTATUS[0]}"'
  const child = spawn('bash', ['-c', script, process.execPath, dev], {
    cwd,
    stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    timeout: 20_000,
  })
  let stderr = ''
  child.stdio[3]?.on('data', (chunk) => {
    stderr += chunk
  })
  const code = await new Promise((resolve) => child.on('close', resolve))
  assert.is(stderr, '')
  assert.is(code, 6)
})

test.run()
