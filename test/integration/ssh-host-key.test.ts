import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sh } from '../../src/connection/script.ts'
import { createSshConnector } from '../../src/connection/ssh-connector.ts'
import type { Target } from '../../src/connection/target.ts'
import { makeKey, startSshd } from '../helpers/sshd.ts'
import { failureOf, within } from '../helpers/within.ts'

const test = suite('ssh host key')
const sshd = await startSshd({ hostKeys: ['ed25519', 'ecdsa', 'rsa'] })
test.after(() => sshd.stop())

const place = `[127.0.0.1]:${sshd.port}`
const [ed25519 = '', ecdsa = '', rsa = ''] = sshd.hostKeyLines
const foreign = readFileSync(`${await makeKey(join(sshd.dir, 'foreign'))}.pub`, 'utf8').trim()

/** A known_hosts file of these lines. */
function known(name: string, ...lines: readonly string[]): string {
  const file = join(sshd.dir, name)
  writeFileSync(file, `${lines.join('\n')}\n`)
  return file
}

/** Logs in with a fresh connector, runs something and logs out. */
async function visit(changes: Partial<Target>, homeDir = sshd.dir): Promise<string> {
  const connector = createSshConnector({ homeDir })
  const connection = await connector.connect(sshd.target(changes))
  const result = await connection.run(sh`echo in`)
  await connection.close()
  await connector.close()
  return result.stdout.toString()
}

const accepts = async (file: string) => assert.is(await within(10_000, visit({ knownHostsFiles: [file] })), 'in\n')
const refusal = (...files: readonly string[]) => failureOf(visit({ knownHostsFiles: files }))

test('accepts a pinned key of any type, asking for that type', async () => {
  await accepts(known('one', `${place} ${ed25519}`))
  await accepts(known('two', `${place} ${rsa}`))
  await accepts(known('three', `other,${place} ${ecdsa}`))
})

test('accepts hashed names, wildcards, several keys, and the plain name for another port', async () => {
  const hashed = known('hashed', `${place} ${ed25519}`)
  execFileSync('ssh-keygen', ['-q', '-H', '-f', hashed], { stdio: 'ignore' })
  assert.match(readFileSync(hashed, 'utf8'), /^\|1\|/)
  await accepts(hashed)
  await accepts(known('wild', `[127.0.0.*]:* ${ed25519}`))
  await accepts(known('several', `${place} ${foreign}`, `${place} ${ed25519}`))
  await accepts(known('plain', `127.0.0.1 ${ed25519}`))
})

test('looks in the usual files when none are named', async () => {
  execFileSync('mkdir', ['-p', join(sshd.dir, '.ssh')])
  known('.ssh/known_hosts', `${place} ${ed25519}`)
  assert.is(await within(10_000, visit({ knownHostsFiles: [] })), 'in\n')
  known('.ssh/known_hosts', '')
  assert.is((await failureOf(visit({ knownHostsFiles: [] }))).code, 'HOST_KEY_UNKNOWN')
})

test('goes by the alias where there is one', async () => {
  const file = known('alias', `cluster ${ed25519}`)
  assert.is(await within(10_000, visit({ knownHostsFiles: [file], hostKeyAlias: 'cluster' })), 'in\n')
})

test('an unknown key is refused with its fingerprint and the line that would pin it', async () => {
  const file = known('empty', `somebody-else ${ed25519}`)
  const error = await refusal(file)
  const shown = execFileSync('ssh-keygen', ['-lf', join(sshd.dir, 'host_ed25519.pub')], { encoding: 'utf8' })
  const fingerprint = shown.split(' ')[1] ?? '?'
  assert.is(error.code, 'HOST_KEY_UNKNOWN')
  assert.is(error.message, `node1: the host key of ${place} is not known: ssh-ed25519 ${fingerprint}`)
  const hint = error.problems[0]?.hint ?? ''
  assert.match(hint, 'ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub')
  const line = hint.split('\n').at(-1) ?? ''
  await accepts(known('pinned', line))
})

test('a key that is not the pinned one is refused, with the place of the pin and how to forget it', async () => {
  const file = known('wrong', '# first', `${place} ${foreign}`)
  const error = await refusal(file)
  assert.is(error.code, 'HOST_KEY_MISMATCH')
  assert.equal(error.problems[0]?.location, { file, line: 2 })
  assert.match(error.problems[0]?.hint ?? '', `ssh-keygen -R '${place}' -f ${file}`)
  execFileSync('ssh-keygen', ['-R', place, '-f', file], { stdio: 'ignore' })
  assert.is((await refusal(file)).code, 'HOST_KEY_UNKNOWN')
})

test('a key of a type that the host no longer shows is a mismatch too', async () => {
  const server = await startSshd({ hostKeys: ['ed25519'] })
  try {
    const file = known('type', `[127.0.0.1]:${server.port} ${rsa}`)
    const connector = createSshConnector()
    const error = await failureOf(connector.connect(server.target({ knownHostsFiles: [file] })))
    assert.is(error.code, 'HOST_KEY_MISMATCH')
    assert.match(error.message, /ssh-rsa SHA256:\S+ is pinned/)
  } finally {
    await server.stop()
  }
})

test('a revoked key is refused although it is pinned', async () => {
  const file = known('revoked', `${place} ${ed25519}`, `@revoked * ${ed25519}`)
  const error = await refusal(file)
  assert.is(error.code, 'HOST_KEY_MISMATCH')
  assert.match(error.message, 'shows a revoked host key')
  assert.equal(error.problems[0]?.location, { file, line: 2 })
})

test('a certificate authority is named as the reason when nothing else is known', async () => {
  const file = known('authority', `@cert-authority [127.0.0.1]:* ${foreign}`)
  const error = await refusal(file)
  assert.is(error.code, 'HOST_KEY_UNKNOWN')
  assert.match(error.problems[0]?.hint ?? '', `${file}:1 names a certificate authority`)
})

test('a refused host learns nothing about the user', async () => {
  const before = sshd.count(/Accepted key|Failed publickey/)
  await refusal(known('nobody', ''))
  assert.is(sshd.count(/Accepted key|Failed publickey/), before)
})

test('missing files are empty, unreadable ones an error', async () => {
  assert.is((await refusal(join(sshd.dir, 'not-there'))).code, 'HOST_KEY_UNKNOWN')
  assert.match((await refusal(sshd.dir)).message, 'cannot read the known_hosts file')
})

test.run()
