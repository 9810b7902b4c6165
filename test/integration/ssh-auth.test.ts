import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { appendFileSync, chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { checkKeyFiles } from '../../src/connection/keys.ts'
import { sh } from '../../src/connection/script.ts'
import { Secret } from '../../src/connection/secret.ts'
import { createSshConnector, type SshConnectorOptions } from '../../src/connection/ssh-connector.ts'
import type { Target } from '../../src/connection/target.ts'
import { makeKey, startSshd } from '../helpers/sshd.ts'
import { failureOf, within } from '../helpers/within.ts'

const test = suite('ssh auth')
const sshd = await startSshd({ config: ['MaxAuthTries 4'] })
const agents: ChildProcess[] = []
test.after(async () => {
  for (const agent of agents) agent.kill()
  await sshd.stop()
})

const PASSPHRASE = 'correct horse'
const wrongKey = await makeKey(join(sshd.dir, 'wrong'))

/** A key that may log in. */
async function authorized(name: string, ...args: readonly string[]): Promise<string> {
  const key = await makeKey(join(sshd.dir, name), ...args)
  appendFileSync(join(sshd.dir, 'authorized_keys'), readFileSync(`${key}.pub`))
  return key
}

/** An agent of our own with these keys; gives its socket. */
async function agentWith(...keys: readonly string[]): Promise<string> {
  const socket = join(sshd.dir, `agent-${agents.length}`)
  agents.push(spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' }))
  for (let i = 0; i < 100 && !existsSync(socket); i++) await sleep(20)
  const env = { ...process.env, SSH_AUTH_SOCK: socket }
  for (const key of keys) execFileSync('ssh-add', ['-q', key], { env, stdio: 'ignore' })
  return socket
}

/** Options without the agent and keys of whoever runs the tests. */
function isolated(options: SshConnectorOptions = {}): SshConnectorOptions {
  return { env: {}, homeDir: join(sshd.dir, 'nobody'), ...options }
}

/** Logs in with a fresh connector, runs something and logs out. */
async function visit(changes: Partial<Target>, options: SshConnectorOptions = {}): Promise<string> {
  const connector = createSshConnector(isolated(options))
  try {
    const connection = await connector.connect(sshd.target(changes))
    const result = await connection.run(sh`echo in`)
    await connection.close()
    return result.stdout.toString()
  } finally {
    await connector.close()
  }
}

const enters = async (changes: Partial<Target>, options?: SshConnectorOptions) =>
  assert.is(await within(15_000, visit(changes, options)), 'in\n')

/** Answers passphrase questions from a list and remembers who asked. */
function answers(...given: readonly (string | undefined)[]) {
  const asked: string[] = []
  const askPassphrase = async (file: string) => {
    const answer = given[asked.length]
    asked.push(file)
    return answer === undefined ? undefined : new Secret(answer)
  }
  return { asked, askPassphrase }
}

test('logs in with keys of every usual type and format', async () => {
  const makers: readonly (readonly string[])[] = [
    ['-t', 'ed25519'],
    ['-t', 'ecdsa'],
    ['-t', 'rsa', '-b', '2048'],
    ['-t', 'rsa', '-b', '2048', '-m', 'PEM'],
    ['-t', 'ecdsa', '-m', 'PEM'],
  ]
  for (const [i, args] of makers.entries()) await enters({ keyFiles: [await authorized(`type-${i}`, ...args)] })
})

test('logs in with keys that only the agent holds, of every type', async () => {
  for (const type of ['ed25519', 'ecdsa', 'rsa']) {
    const key = await authorized(`held-${type}`, '-t', type)
    const env = { SSH_AUTH_SOCK: await agentWith(key) }
    await enters({ keyFiles: [] }, { env })
    await enters({ keyFiles: [`${key}.pub`] }, { env })
    await enters({ keyFiles: [], identityAgent: env.SSH_AUTH_SOCK })
  }
})

test('without named keys it tries the usual files', async () => {
  const homeDir = join(sshd.dir, 'home-usual')
  mkdirSync(join(homeDir, '.ssh'), { recursive: true })
  copyFileSync(sshd.key, join(homeDir, '.ssh', 'id_ed25519'))
  chmodSync(join(homeDir, '.ssh', 'id_ed25519'), 0o600)
  await enters({ keyFiles: [] }, { homeDir })
  await enters({ keyFiles: ['~/.ssh/id_ed25519'] }, { homeDir })
  await enters({ keyFiles: [] }, { homeDir, env: { SSH_AUTH_SOCK: join(sshd.dir, 'stale-socket') } })
})

test('goes on to the next key after a wrong one', async () => {
  await enters({ keyFiles: [wrongKey, sshd.key] })
})

test('the agent key of a usual file goes first, so that a full agent does not use up the tries', async () => {
  const homeDir = join(sshd.dir, 'home-full')
  mkdirSync(join(homeDir, '.ssh'), { recursive: true })
  for (const suffix of ['', '.pub']) copyFileSync(`${sshd.key}${suffix}`, join(homeDir, '.ssh', `id_ed25519${suffix}`))
  const others = await Promise.all(Array.from({ length: 6 }, (_, i) => makeKey(join(sshd.dir, `other-${i}`))))
  const env = { SSH_AUTH_SOCK: await agentWith(...others, sshd.key) }
  await enters({ keyFiles: [] }, { homeDir, env })
  const error = await failureOf(visit({ keyFiles: [] }, { env }))
  assert.is(error.code, 'AUTH_FAILED')
  assert.match(error.problems[0]?.hint ?? '', /MaxAuthTries/)
})

test('a wrong key fails once, naming user, address and keys', async () => {
  const before = sshd.count(/Connection from/)
  const error = await failureOf(visit({ keyFiles: [wrongKey] }))
  assert.is(error.code, 'AUTH_FAILED')
  assert.is(error.exitCode, 4)
  assert.is(error.message, `node1: ${sshd.user}@127.0.0.1:${sshd.port} accepts no key: tried ${wrongKey}`)
  assert.match(error.problems[0]?.hint ?? '', /authorized_keys/)
  assert.is(sshd.count(/Connection from/) - before, 1)
})

test('with nothing to offer the node is not even contacted', async () => {
  const before = sshd.count(/Connection from/)
  const error = await failureOf(visit({ keyFiles: [] }))
  assert.is(error.code, 'AUTH_FAILED')
  assert.match(error.message, 'there is no SSH key to log in with')
  assert.is(sshd.count(/Connection from/), before)
})

test('asks for the passphrase of a key once in a run, up to three times', async () => {
  const key = await authorized('locked', '-N', PASSPHRASE)
  const { asked, askPassphrase } = answers('wrong', 'wrong again', PASSPHRASE)
  const connector = createSshConnector(isolated({ askPassphrase }))
  const connections = await within(
    15_000,
    Promise.all(Array.from({ length: 5 }, () => connector.connect(sshd.target({ keyFiles: [key] })))),
  )
  assert.equal(asked, [key, key, key])
  await Promise.all(connections.map((connection) => connection.close()))
})

test('the time the user takes to type does not count against the connection', async () => {
  const key = join(sshd.dir, 'locked')
  const askPassphrase = async () => {
    await sleep(900)
    return new Secret(PASSPHRASE)
  }
  await enters({ keyFiles: [key], connectTimeoutMs: 600 }, { askPassphrase })
})

test('an encrypted PEM key is unlocked before the login', async () => {
  const key = await authorized('locked-pem', '-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', PASSPHRASE)
  await enters({ keyFiles: [key] }, answers(PASSPHRASE))
})

test('does not ask for an encrypted key that the node does not accept', async () => {
  const key = await makeKey(join(sshd.dir, 'locked-wrong'), '-N', PASSPHRASE)
  const { asked, askPassphrase } = answers(PASSPHRASE)
  await enters({ keyFiles: [key, sshd.key] }, { askPassphrase })
  assert.equal(asked, [])
})

test('does not ask for an encrypted key that the agent holds', async () => {
  const key = join(sshd.dir, 'locked')
  const open = join(sshd.dir, 'locked-copy')
  copyFileSync(key, open)
  chmodSync(open, 0o600)
  execFileSync('ssh-keygen', ['-q', '-p', '-P', PASSPHRASE, '-N', '', '-f', open])
  const { asked, askPassphrase } = answers()
  const env = { SSH_AUTH_SOCK: await agentWith(open) }
  await enters({ keyFiles: [key] }, { askPassphrase, env })
  assert.equal(asked, [])
  assert.equal(await checkKeyFiles([sshd.target({ keyFiles: [key] })], isolated({ env })), [])
})

test('a passphrase that stays wrong, is refused, or cannot be asked for is KEY_UNREADABLE', async () => {
  const keyFiles = [join(sshd.dir, 'locked')]
  const wrong = await failureOf(visit({ keyFiles }, answers('a', 'b', 'c', 'd')))
  assert.match(wrong.message, 'the passphrase was wrong')
  const none = await failureOf(visit({ keyFiles }, answers(undefined)))
  assert.match(none.message, 'no passphrase was given')
  const mute = await failureOf(visit({ keyFiles }))
  assert.match(mute.message, 'there is no terminal to ask')
  for (const error of [wrong, none, mute]) {
    assert.is(error.code, 'KEY_UNREADABLE')
    assert.match(error.problems[0]?.hint ?? '', `ssh-add ${keyFiles[0]}`)
  }
})

test('key files are checked before any node is contacted', async () => {
  const before = sshd.count(/Connection from/)
  const missing = join(sshd.dir, 'no-such-key')
  const pkcs8 = await makeKey(join(sshd.dir, 'pkcs8'), '-t', 'ecdsa', '-m', 'PKCS8')
  const chacha = await makeKey(join(sshd.dir, 'chacha'), '-N', PASSPHRASE, '-Z', 'chacha20-poly1305@openssh.com')
  const text = join(sshd.dir, 'notes.txt')
  writeFileSync(text, 'hello\n')
  const bad = [missing, pkcs8, chacha, text, sshd.dir, `${wrongKey}.pub`, join(sshd.dir, 'locked')]
  const jump = sshd.target({ name: 'bastion', keyFiles: [missing] })
  const targets = [sshd.target({ keyFiles: [sshd.key, ...bad] }), sshd.target({ keyFiles: bad, jump })]
  const problems = await within(10_000, checkKeyFiles(targets, isolated()))
  const reasons = [
    /no-such-key: there is no such file/,
    /PKCS#8 format/,
    /encrypted with chacha20/,
    /notes.txt: it is not a private key/,
    /it is a directory/,
    /it is a public key/,
    /there is no terminal to ask/,
  ]
  for (const reason of reasons) {
    assert.is(problems.filter((problem) => reason.test(problem.message)).length, 1, String(reason))
  }
  assert.is(problems.length, reasons.length)
  assert.ok(problems.every((problem) => problem.hint !== undefined))
  assert.is(sshd.count(/Connection from/), before)
  assert.equal(await checkKeyFiles([sshd.target()], isolated()), [])
})

test('the advice for unsupported formats works', async () => {
  const key = await authorized('advice', '-t', 'ecdsa', '-m', 'PKCS8')
  const [problem] = await checkKeyFiles([sshd.target({ keyFiles: [key] })], isolated())
  const command = /ssh-keygen .*/.exec(problem?.hint ?? '')?.[0] ?? 'false'
  execFileSync('/bin/sh', ['-c', `${command} -P '' -N ''`], { stdio: 'ignore' })
  await enters({ keyFiles: [key] })
})

test('keys can be unlocked before the run', async () => {
  const key = join(sshd.dir, 'locked')
  const { asked, askPassphrase } = answers(PASSPHRASE)
  const connector = createSshConnector(isolated({ askPassphrase }))
  const targets = [sshd.target({ keyFiles: [key, sshd.key] }), sshd.target({ keyFiles: [key] })]
  assert.equal(await within(5000, connector.unlockKeys(targets)), [])
  assert.equal(asked, [key])
  const connection = await within(10_000, connector.connect(sshd.target({ keyFiles: [key] })))
  assert.equal(asked, [key])
  await connection.close()
})

test.run()
