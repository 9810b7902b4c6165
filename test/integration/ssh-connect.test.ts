import { createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sh } from '../../src/connection/script.ts'
import { createSshConnector } from '../../src/connection/ssh-connector.ts'
import type { Target } from '../../src/connection/target.ts'
import { freePort, type PrivateSshd, startSshd } from '../helpers/sshd.ts'
import { failureOf, within } from '../helpers/within.ts'

const test = suite('ssh connect')
const warnings: string[] = []
process.on('warning', (warning) => warnings.push(warning.message))
const sshd = await startSshd()
const connector = createSshConnector()
test.after(async () => {
  await connector.close()
  await sshd.stop()
})

/** A server that is not sshd, while `use` runs. */
async function impostor<T>(greet: (socket: Socket) => void, use: (port: number) => Promise<T>): Promise<T> {
  const sockets: Socket[] = []
  const server: Server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    greet(socket)
  })
  const port = await freePort()
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve))
  try {
    return await use(port)
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

/** Connects, runs `echo NAME`, closes. */
async function visit(target: Target, through = connector): Promise<string> {
  const connection = await through.connect(target)
  const result = await connection.run(sh`echo ${target.name}`)
  await connection.close()
  return result.stdout.toString()
}

const problemOf = async (changes: Partial<Target>) => {
  const error = await failureOf(connector.connect(sshd.target(changes)))
  assert.is(error.host, 'node1')
  return { code: error.code, message: error.message, hint: error.problems[0]?.hint ?? '' }
}

test('a closed port, an unknown name and silence are told apart', async () => {
  const port = await freePort()
  const refused = await problemOf({ port })
  assert.is(refused.code, 'HOST_UNREACHABLE')
  assert.is(refused.message, `node1: nothing answers at 127.0.0.1:${port} (connection refused)`)
  assert.match(refused.hint, `try: ssh -p ${port} ${sshd.user}@127.0.0.1`)
  const unknown = await problemOf({ address: 'no-such-node.invalid' })
  assert.is(unknown.message, 'node1: the name no-such-node.invalid cannot be resolved')
  const silent = await impostor(
    () => {},
    (silentPort) => problemOf({ port: silentPort, connectTimeoutMs: 300 }),
  )
  assert.match(silent.message, /accepts connections but says nothing within 0.3 s/)
})

test('what is no SSH server is named as that', async () => {
  const web = (socket: Socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')
  const problem = await impostor(web, (port) => problemOf({ port }))
  assert.match(problem.message, /what answers at .* is no SSH server: "HTTP\/1.1 400/)
})

test('a server that locks this machine out is left alone', async () => {
  let visits = 0
  const penal = (socket: Socket) => {
    visits += 1
    socket.end('Not allowed at this time\r\n')
  }
  const problem = await impostor(penal, (port) => problemOf({ port }))
  assert.match(problem.message, /turns this machine away for a while/)
  assert.match(problem.hint, /PerSourcePenalties/)
  assert.is(visits, 1)
})

test('a server that drops connections is tried some times, then given up', async () => {
  let visits = 0
  const drop = (socket: Socket) => {
    visits += 1
    socket.destroy()
  }
  const problem = await impostor(drop, (port) => problemOf({ port }))
  assert.is(problem.code, 'HOST_UNREACHABLE')
  assert.match(problem.hint, /MaxStartups/)
  assert.is(visits, 5)
})

test('a login that takes too long is bounded', async () => {
  const stuck = (socket: Socket) => void socket.write('SSH-2.0-OpenSSH_9.2\r\n')
  const start = performance.now()
  const problem = await impostor(stuck, (port) => problemOf({ port, connectTimeoutMs: 300 }))
  assert.match(problem.message, /the SSH handshake with .* takes more than 0.3 s/)
  assert.ok(performance.now() - start < 1000)
})

test('a server without a common algorithm is explained', async () => {
  const old = await startSshd({ config: ['KexAlgorithms diffie-hellman-group14-sha1'] })
  try {
    const error = await failureOf(connector.connect(old.target()))
    assert.match(error.message, 'have no SSH algorithm in common')
  } finally {
    await old.stop()
  }
})

test('a server that comes back within a second is waited for', async () => {
  const port = await freePort()
  const connecting = connector.connect(sshd.target({ port, knownHostsFiles: [sshd.knownHosts] }))
  const answer = within(5000, connecting).then(
    () => 'connected',
    (error: Error) => error.message,
  )
  await sleep(100)
  const server = await startSshd({ port })
  try {
    // Its host key is another one: being refused for that shows that it was reached.
    assert.match(await answer, 'host key')
  } finally {
    await server.stop()
  }
})

test('an abort ends connecting at once', async () => {
  const abort = new AbortController()
  const start = performance.now()
  await impostor(
    () => {},
    async (port) => {
      setTimeout(() => abort.abort(), 100)
      const error = await failureOf(connector.connect(sshd.target({ port }), abort.signal))
      assert.is(error.code, 'INTERRUPTED')
    },
  )
  assert.ok(performance.now() - start < 1000)
  assert.is((await failureOf(connector.connect(sshd.target(), abort.signal))).code, 'INTERRUPTED')
})

test('closing does not wait for a peer that is gone', async () => {
  const connection = await within(10_000, connector.connect(sshd.target()))
  const sessions = await sshd.sessionPids()
  for (const pid of sessions) process.kill(pid, 'SIGSTOP')
  const start = performance.now()
  await within(3000, connection.close())
  assert.ok(performance.now() - start < 1500)
  for (const pid of sessions) process.kill(pid, 'SIGKILL')
})

test('every connect is a new connection', async () => {
  const before = sshd.count(/Connection from/)
  await within(10_000, visit(sshd.target()))
  await within(10_000, visit(sshd.target()))
  assert.is(sshd.count(/Connection from/) - before, 2)
})

/** Runs with a second server as the node and the first as the way there. */
async function withJump(config: readonly string[], use: (node: PrivateSshd, jump: PrivateSshd) => Promise<void>) {
  const [node, jump] = await Promise.all([startSshd(), startSshd({ config })])
  try {
    await use(node, jump)
  } finally {
    await Promise.all([node.stop(), jump.stop()])
  }
}

test('goes through a jump host, with one connection to it for all nodes', async () => {
  await withJump([], async (node, jump) => {
    const own = createSshConnector()
    const bastion = jump.target({ name: 'bastion' })
    const targets = ['a', 'b', 'c', 'd'].map((name) => node.target({ name, jump: bastion }))
    const outputs = await within(15_000, Promise.all(targets.map((target) => visit(target, own))))
    assert.equal(outputs, ['a\n', 'b\n', 'c\n', 'd\n'])
    assert.is(jump.count(/Connection from/), 1)
    assert.is(node.count(/Connection from/), 4)
    const far = node.target({ jump: node.target({ name: 'inner', jump: bastion }) })
    assert.is(await within(15_000, visit(far, own)), 'node1\n')
    assert.is(jump.count(/Connection from/), 1)
    await within(3000, own.close())
    await sleep(100)
    assert.is(jump.count(/Disconnected from user/), 1)
  })
})

test('the host key of a jump host is verified too', async () => {
  await withJump([], async (node, jump) => {
    const bastion = jump.target({ name: 'bastion', knownHostsFiles: [node.knownHosts] })
    const error = await failureOf(createSshConnector().connect(node.target({ jump: bastion })))
    assert.is(error.code, 'HOST_KEY_UNKNOWN')
    assert.is(error.host, 'node1')
    assert.match(error.message, /^node1: the way through its jump host is closed: bastion: the host key of/)
    assert.match(error.problems[0]?.hint ?? '', 'ssh-keygen -lf')
  })
})

test('failures behind a jump host say which leg failed', async () => {
  await withJump([], async (node, jump) => {
    const own = createSshConnector()
    const bastion = jump.target({ name: 'bastion' })
    const port = await freePort()
    const attempt = (target: Target) => failureOf(own.connect(target))
    const [refused, unknown, closed] = await Promise.all([
      attempt(node.target({ port, jump: bastion })),
      attempt(node.target({ address: 'no-such-node.invalid', jump: bastion })),
      attempt(node.target({ jump: { ...bastion, port } })),
    ])
    assert.is(refused.message, `node1: nothing answers at 127.0.0.1:${port} through bastion (connection refused)`)
    assert.is(unknown.code, 'HOST_UNREACHABLE')
    assert.match(closed.message, `jump host is closed: bastion: nothing answers at 127.0.0.1:${port}`)
    await own.close()
  })
})

test('a jump host that may not forward is named', async () => {
  await withJump(['AllowTcpForwarding no'], async (node, jump) => {
    const own = createSshConnector()
    const error = await failureOf(own.connect(node.target({ jump: jump.target({ name: 'bastion' }) })))
    assert.match(error.message, /the jump host bastion does not forward to 127.0.0.1/)
    await own.close()
  })
})

test('when a jump host dies, its nodes are lost, and it is connected to again', async () => {
  await withJump([], async (node, jump) => {
    const own = createSshConnector()
    const target = node.target({ jump: jump.target({ name: 'bastion' }) })
    const connection = await within(10_000, own.connect(target))
    const running = failureOf(connection.run(sh`exec sleep 5`))
    await sleep(200)
    for (const pid of await jump.sessionPids()) process.kill(pid, 'SIGKILL')
    assert.is((await running).code, 'CONNECTION_LOST')
    await within(2000, connection.close())
    assert.is(await within(10_000, visit(target, own)), 'node1\n')
    await own.close()
  })
})

test('a wrong key for a jump host is tried once for all nodes', async () => {
  await withJump([], async (node, jump) => {
    const own = createSshConnector()
    const bastion = jump.target({ name: 'bastion', keyFiles: [node.key] })
    const targets = ['a', 'b', 'c'].map((name) => node.target({ name, jump: bastion }))
    for (const target of targets) assert.is((await failureOf(own.connect(target))).code, 'AUTH_FAILED')
    assert.is(jump.count(/Connection from/), 1)
  })
})

test('12 connects at once get through a server that admits 2 unauthenticated ones', async () => {
  const server = await startSshd({ config: ['MaxStartups 2:30:10'] })
  try {
    const targets = Array.from({ length: 12 }, (_, i) => server.target({ name: `n${i}` }))
    const outputs = await within(15_000, Promise.all(targets.map((target) => visit(target))))
    assert.is(outputs.length, 12)
    assert.match(server.log(), /beginning MaxStartups throttling/)
  } finally {
    await server.stop()
  }
})

test('50 connections at once work, without a warning', async () => {
  const abort = new AbortController()
  const own = createSshConnector()
  const targets = Array.from({ length: 50 }, (_, i) => sshd.target({ name: `n${i}` }))
  const open = targets.map((target) => own.connect(target, abort.signal))
  const connections = await within(15_000, Promise.all(open))
  const results = await within(
    15_000,
    Promise.all(connections.map((connection, i) => connection.run(sh`echo ${i}`, { signal: abort.signal }))),
  )
  assert.equal(
    results.map((result) => result.stdout.toString()),
    targets.map((_, i) => `${i}\n`),
  )
  await within(5000, Promise.all(connections.map((connection) => connection.close())))
  await own.close()
  assert.equal(warnings, [])
})

test.run()
