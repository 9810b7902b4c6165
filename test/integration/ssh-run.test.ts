import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Connection } from '../../src/connection/connection.ts'
import { createHostKeys } from '../../src/connection/host-key.ts'
import { createKeyChain } from '../../src/connection/keys.ts'
import { login } from '../../src/connection/login.ts'
import { joinScripts, sh } from '../../src/connection/script.ts'
import { sshConnection } from '../../src/connection/ssh-connection.ts'
import { createSshConnector } from '../../src/connection/ssh-connector.ts'
import type { Target } from '../../src/connection/target.ts'
import { type PrivateSshd, startSshd } from '../helpers/sshd.ts'
import { failureOf, within } from '../helpers/within.ts'

const test = suite('ssh run')
const sshd = await startSshd()
const connector = createSshConnector()
test.after(async () => {
  await connector.close()
  await sshd.stop()
})

/** Opens a connection, closes it afterwards, and bounds it all. */
function connected<T>(use: (connection: Connection) => Promise<T>, changes?: Partial<Target>): Promise<T> {
  const all = async () => {
    const connection = await connector.connect(sshd.target(changes))
    try {
      return await use(connection)
    } finally {
      await connection.close()
    }
  }
  return within(15_000, all())
}

test('gives exit status and both outputs', async () => {
  await connected(async (connection) => {
    const result = await connection.run(sh`echo out; echo err >&2; exit 7`)
    assert.equal([result.code, result.signal], [7, null])
    assert.is(result.stdout.toString(), 'out\n')
    assert.is(result.stderr.toString(), 'err\n')
    assert.is((await connection.run(sh`true`)).code, 0)
    assert.is(connection.peer, `127.0.0.1:${sshd.port}`)
  })
})

test('a script killed by a signal is an outcome, not a success', async () => {
  await connected(async (connection) => {
    const result = await connection.run(sh`kill -KILL $$`)
    assert.equal([result.code, result.signal], [null, 'SIGKILL'])
  })
})

test('noise of ~/.bashrc stays out of the output', async () => {
  writeFileSync(join(sshd.dir, '.bashrc'), 'echo welcome\n')
  try {
    await connected(async (connection) => {
      assert.is((await connection.run(sh`echo real`)).stdout.toString(), 'real\n')
    })
  } finally {
    writeFileSync(join(sshd.dir, '.bashrc'), '')
  }
})

test('a ~/.bashrc that swallows the script is an error, never a success', async () => {
  for (const noise of ['exit 0', 'cat >/dev/null; exit 0', 'exec true']) {
    writeFileSync(join(sshd.dir, '.bashrc'), `${noise}\n`)
    try {
      const error = await failureOf(connected((connection) => connection.run(sh`echo real`)))
      assert.is(error.code, 'HOST_UNREACHABLE')
      assert.match(error.message, /node1: logged in, but the node ran no shell/)
    } finally {
      writeFileSync(join(sshd.dir, '.bashrc'), '')
    }
  }
})

test('carries binary data both ways', async () => {
  const all = Buffer.from(Array.from({ length: 255 }, (_, i) => i + 1))
  const value = Buffer.concat(Array.from({ length: 400 }, () => all))
  await connected(async (connection) => {
    assert.ok((await connection.run(sh`printf %s ${value}`)).stdout.equals(value))
    const zeros = await connection.run(sh`head -c 300000 /dev/zero`)
    assert.ok(zeros.stdout.equals(Buffer.alloc(300_000)))
  })
})

test('keeps characters whole that fall between two packets', async () => {
  const text = '€'.repeat(400_000)
  await connected(async (connection) => {
    const chunks: Buffer[] = []
    const script = sh`i=0; while [ $i -lt 4000 ]; do printf %s ${'€'.repeat(100)}; i=$((i+1)); done`
    const result = await connection.run(script, { onStdout: (chunk) => chunks.push(chunk) })
    assert.is(result.stdout.toString(), text)
    assert.ok(chunks.length > 1)
    assert.ok(Buffer.concat(chunks).equals(result.stdout))
  })
})

test('runs a script of 1 MB whose commands cannot eat it', async () => {
  const step = sh`cat >/dev/null; read -r gone; x=${'data '.repeat(200)}`
  const script = joinScripts([...Array.from({ length: 1000 }, () => step), sh`echo "end:$gone:"; exit 3`])
  assert.ok(script.bytes().length > 1_000_000)
  await connected(async (connection) => {
    const result = await connection.run(script)
    assert.is(result.stdout.toString(), 'end::\n')
    assert.is(result.code, 3)
  })
})

test('nothing of a script shows in argument lists', async () => {
  await connected(async (connection) => {
    const script = sh`: hidden-word; cat /proc/$$/cmdline /proc/$PPID/cmdline | tr '\0' ' '`
    const { stdout } = await connection.run(script)
    assert.match(stdout.toString(), /\/bin\/sh -c eval/)
    assert.not.match(stdout.toString(), /hidden-word/)
  })
})

test('output comes while the script still runs', async () => {
  await connected(async (connection) => {
    let first = 0
    const start = performance.now()
    await connection.run(sh`echo now; sleep 0.5; echo later`, {
      onStdout: () => {
        first ||= performance.now() - start
      },
    })
    assert.ok(first > 0 && first < 400, `first output after ${first} ms`)
    assert.ok(performance.now() - start >= 500)
  })
})

test('a background process that keeps the output open does not hold up the result', async () => {
  await connected(async (connection) => {
    const start = performance.now()
    const result = await connection.run(sh`sleep 20 & echo $!; exit 4`)
    const elapsed = performance.now() - start
    process.kill(Number(result.stdout.toString()))
    assert.is(result.code, 4)
    assert.ok(elapsed < 5000, `took ${elapsed} ms`)
  })
})

test('a script that hangs ends in TIMEOUT, and the connection is still good', async () => {
  await connected(async (connection) => {
    const error = await failureOf(connection.run(sh`exec sleep 3`, { timeoutMs: 200 }))
    assert.is(error.code, 'TIMEOUT')
    assert.is(error.host, 'node1')
    assert.match(error.message, /node1: a script did not end within 0.2 s/)
    assert.is((await connection.run(sh`echo still`)).stdout.toString(), 'still\n')
  })
})

test('an abort rejects at once with INTERRUPTED', async () => {
  await connected(async (connection) => {
    const abort = new AbortController()
    setTimeout(() => abort.abort(), 100)
    const start = performance.now()
    const error = await failureOf(connection.run(sh`exec sleep 3`, { signal: abort.signal }))
    assert.is(error.code, 'INTERRUPTED')
    assert.ok(performance.now() - start < 1000)
    assert.is((await failureOf(connection.run(sh`true`, { signal: abort.signal }))).code, 'INTERRUPTED')
  })
})

test('a link that breaks in mid run is CONNECTION_LOST, not a result', async () => {
  const connection = await within(10_000, connector.connect(sshd.target()))
  const running = connection.run(sh`echo begun; exec sleep 5`, { onStdout: () => void cut() })
  const cut = async () => {
    for (const pid of await sshd.sessionPids()) process.kill(pid, 'SIGKILL')
  }
  const error = await failureOf(running)
  assert.is(error.code, 'CONNECTION_LOST')
  assert.match(error.message, /node1: the connection broke off while a script ran/)
  assert.match(error.problems[0]?.hint ?? '', /how far the script got is unknown/)
  assert.is((await failureOf(connection.run(sh`true`))).code, 'CONNECTION_LOST')
  await within(2000, connection.close())
})

test('the exit status of a script whose link broke is not trusted', async () => {
  const connection = await within(10_000, connector.connect(sshd.target()))
  // The background process holds the channel open after the exit status was sent.
  const running = connection.run(sh`sleep 5 & echo $!; exit 0`)
  await sleep(400)
  for (const pid of await sshd.sessionPids()) process.kill(pid, 'SIGKILL')
  assert.is((await failureOf(running)).code, 'CONNECTION_LOST')
  await within(2000, connection.close())
})

test('after close nothing runs', async () => {
  const connection = await within(10_000, connector.connect(sshd.target()))
  await within(2000, connection.close())
  await within(2000, connection.close())
  assert.is((await failureOf(connection.run(sh`true`))).code, 'CONNECTION_LOST')
})

test('too much output is an error', async () => {
  const small = createSshConnector({ maxOutput: 100_000 })
  const connection = await within(10_000, small.connect(sshd.target()))
  try {
    const error = await failureOf(connection.run(sh`head -c 200000 /dev/zero; sleep 5`))
    assert.match(error.message, /printed more than 0.1 MiB/)
    assert.is((await connection.run(sh`head -c 50000 /dev/zero`)).stdout.length, 50_000)
  } finally {
    await connection.close()
  }
})

test('each run costs one session and nothing else', async () => {
  const sessions = sshd.count(/Starting session/)
  const connections = sshd.count(/Connection from/)
  await connected(async (connection) => {
    await connection.run(sh`true`)
    await connection.run(sh`true`)
  })
  assert.is(sshd.count(/Starting session/) - sessions, 2)
  assert.is(sshd.count(/Connection from/) - connections, 1)
})

test('more runs at a time than the server allows sessions still all run', async () => {
  const narrow = await startSshd({ config: ['MaxSessions 2'] })
  try {
    const connection = await within(10_000, connector.connect(narrow.target()))
    const runs = Array.from({ length: 6 }, (_, i) => connection.run(sh`echo ${i}`))
    const results = await within(10_000, Promise.all(runs))
    assert.equal(
      results.map((result) => result.stdout.toString()),
      ['0\n', '1\n', '2\n', '3\n', '4\n', '5\n'],
    )
    await connection.close()
  } finally {
    await narrow.stop()
  }
})

test('a server that allows no sessions is explained', async () => {
  const closed = await startSshd({ config: ['MaxSessions 0'] })
  try {
    const connection = await within(10_000, connector.connect(closed.target()))
    const error = await failureOf(connection.run(sh`true`))
    assert.is(error.code, 'HOST_UNREACHABLE')
    assert.match(error.message, 'node1: the node refuses to run commands')
    await connection.close()
  } finally {
    await closed.stop()
  }
})

/** A connection that takes the login for one of another user, since tests may run as root, who needs no sudo. */
async function asAdmin(server: PrivateSshd): Promise<Connection> {
  const target = server.target()
  const link = await login({
    target,
    identities: await createKeyChain({}).identities.of(target),
    hostKey: await createHostKeys(server.dir).check(target),
    dial: () => connect({ host: target.address, port: target.port, noDelay: true }),
    peerOf: () => 'node1',
  })
  return sshConnection({ ...target, user: 'admin', become: true }, link)
}

test('becomes root by sudo, and explains when it cannot', async () => {
  const server = await startSshd()
  const stub = join(server.dir, 'bin', 'sudo')
  mkdirSync(join(server.dir, 'bin'))
  writeFileSync(join(server.dir, '.bashrc'), `PATH=${server.dir}/bin:$PATH\n`)
  const sudoIs = (text: string) => writeFileSync(stub, `#!/bin/sh\n${text}\n`, { mode: 0o755 })
  const connection = await within(10_000, asAdmin(server))
  const run = () => connection.run(sh`echo ran`)
  try {
    sudoIs(`printf "%s\\n" "$*" >${server.dir}/args; shift 2; exec "$@"`)
    assert.is((await within(5000, run())).stdout.toString(), 'ran\n')
    assert.match(readFileSync(`${server.dir}/args`, 'utf8'), /^-n -- \/bin\/sh -c /)
    assert.is((await within(5000, connection.run(sh`exit 1`))).code, 1)

    sudoIs('echo "sudo: a password is required" >&2; exit 1')
    const locked = await failureOf(run())
    assert.is(locked.code, 'BECOME_FAILED')
    assert.is(locked.message, 'node1: cannot become root: sudo wants a password of admin')
    assert.match(locked.problems[0]?.hint ?? '', /admin ALL=\(root\) NOPASSWD: ALL/)

    sudoIs('echo "sudo: sorry, you must have a tty to run sudo" >&2; exit 1')
    const noTty = await failureOf(run())
    assert.match(noTty.message, /sudo wants a terminal \(requiretty\)/)
    assert.match(noTty.problems[0]?.hint ?? '', /Defaults:admin !requiretty/)

    sudoIs('echo "Sorry, user admin is not allowed to execute \'/bin/sh\' as root on pve1." >&2; exit 1')
    const forbidden = await failureOf(run())
    assert.is(forbidden.code, 'BECOME_FAILED')
    assert.match(forbidden.message, /cannot become root by sudo -n as admin: Sorry, user admin/)

    writeFileSync(join(server.dir, '.bashrc'), 'PATH=/nonexistent\n')
    const missing = await failureOf(run())
    assert.is(missing.code, 'BECOME_FAILED')
    assert.match(missing.message, /sudo is not installed/)
  } finally {
    await connection.close()
    await server.stop()
  }
})

test.run()
