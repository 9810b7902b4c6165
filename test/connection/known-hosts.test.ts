import { execFileSync, spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  entriesFor,
  fingerprint,
  hostNames,
  judge,
  knownKeyTypes,
  parseKnownHosts,
} from '../../src/connection/known-hosts.ts'

const test = suite('known hosts')
const dir = mkdtempSync(join(tmpdir(), 'pvectl-known-'))
const file = join(dir, 'known_hosts')
test.after(() => rmSync(dir, { recursive: true }))

/** A key nobody has the other half of, in wire format. */
function key(type = 'ssh-ed25519'): Buffer {
  const string = (value: Buffer) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(value.length)
    return Buffer.concat([length, value])
  }
  return Buffer.concat([string(Buffer.from(type)), string(randomBytes(32))])
}

const line = (hosts: string, value: Buffer, type = 'ssh-ed25519') => `${hosts} ${type} ${value.toString('base64')}`
const names = (address: string, port = 22) => hostNames(address, port)

/** Line numbers that ssh-keygen finds for a host. */
function oracle(host: string): number[] {
  const { stdout } = spawnSync('ssh-keygen', ['-F', host, '-f', file], { encoding: 'utf8', timeout: 10_000 })
  return [...stdout.matchAll(/^# Host .* found: line (\d+)/gm)].map((match) => Number(match[1]))
}

function ours(host: string): number[] {
  return entriesFor(parseKnownHosts(readFileSync(file, 'utf8'), file), host).map((entry) => entry.line)
}

const HOSTS = [
  'pve1',
  'pve2',
  'pve1.example.net',
  'other.example.net',
  'bad.example.net',
  '10.0.0.5',
  '10.0.10.5',
  '[pve1]:2222',
  '[10.0.0.5]:2222',
  '2001:db8::1',
  '[2001:db8::1]:2222',
  'hashed.example.net',
  '[hashed.example.net]:2222',
  'nobody',
]

test('finds the lines that ssh-keygen -F finds', () => {
  const lines = [
    '# a comment',
    '',
    line('pve1', key()),
    line('pve1,10.0.0.5', key()),
    line('*.example.net,!bad.example.net', key()),
    line('!pve2,pve*', key()),
    line('10.0.?.5', key()),
    line('[pve1]:2222,[10.0.0.5]:2222', key()),
    line('[*]:2222', key()),
    line('2001:db8::1,[2001:db8::1]:2222', key()),
    `@revoked ${line('pve2', key())}`,
    `@cert-authority ${line('*.example.net', key())}`,
    `  ${line('pve2', key())} with a comment`,
    line('PVE1', key()),
    line('pve1', key('ecdsa-sha2-nistp256'), 'ecdsa-sha2-nistp256'),
  ]
  writeFileSync(file, `${lines.join('\n')}\n`)
  for (const host of HOSTS) assert.equal(ours(host), oracle(host), host)
})

test('finds hashed lines', () => {
  const plain = join(dir, 'plain')
  const hosts = ['hashed.example.net', '[hashed.example.net]:2222', '10.0.0.5', 'pve1,2001:db8::1']
  writeFileSync(plain, `${hosts.map((host) => line(host, key())).join('\n')}\n`)
  execFileSync('ssh-keygen', ['-q', '-H', '-f', plain], { stdio: 'ignore' })
  writeFileSync(file, readFileSync(plain))
  assert.match(readFileSync(file, 'utf8'), /^\|1\|/)
  for (const host of HOSTS) assert.equal(ours(host), oracle(host), host)
  assert.equal(ours('hashed.example.net').length, 1)
})

test('matches patterns as ssh-keygen does', () => {
  const pattern = fc.array(fc.constantFrom('a', 'b', '.', '*', '?', '!', ',', '**'), { minLength: 1, maxLength: 7 })
  const host = fc.array(fc.constantFrom('a', 'b', '.'), { minLength: 1, maxLength: 5 })
  const cases = fc.sample(fc.tuple(pattern, host), { numRuns: 60, seed: 7 })
  const usable = cases.filter(([parts]) => !/^,|,$|,,|!!|!,|!$/.test(parts.join('')))
  assert.ok(usable.length > 20)
  for (const [parts, chars] of usable) {
    writeFileSync(file, `${line(parts.join(''), key())}\n`)
    assert.equal(ours(chars.join('')), oracle(chars.join('')), `${parts.join('')} for ${chars.join('')}`)
  }
})

test('a pattern full of stars does not take long', () => {
  const entries = parseKnownHosts(line(`${'*a'.repeat(40)}b`, key()), file)
  const start = performance.now()
  assert.equal(entriesFor(entries, 'a'.repeat(200)), [])
  assert.ok(performance.now() - start < 200)
})

test('passes over lines it cannot use', () => {
  const wrongType = `pve1 ssh-rsa ${key().toString('base64')}`
  const text = ['pve1', 'pve1 ssh-ed25519', 'pve1 1024 35 123456789', 'pve1 ssh-ed25519 AAAA', wrongType].join('\n')
  assert.equal(parseKnownHosts(text, file), [])
  assert.equal(parseKnownHosts(`@unheard-of ${line('pve1', key())}`, file), [])
  assert.equal(parseKnownHosts(`${line('pve1', key())}\r\n`, file).length, 1)
})

test('judges a key by the entries of its host', () => {
  const [own, other] = [key(), key()]
  const entries = parseKnownHosts([line('pve1', own), line('pve2', other)].join('\n'), file)
  assert.is(judge(entries, names('pve1'), own).kind, 'trusted')
  assert.is(judge(entries, names('PVE1'), own).kind, 'trusted')
  const verdict = judge(entries, names('pve1'), other)
  assert.is(verdict.kind === 'mismatch' && verdict.entry.line, 1)
  assert.is(judge(entries, names('pve3'), own).kind, 'unknown')
})

test('one of several keys is enough; a mismatch points at the key of the same type', () => {
  const [first, second, rsa] = [key(), key(), key('ssh-rsa')]
  const lines = [line('pve1', rsa, 'ssh-rsa'), line('pve1', first), line('pve1', second)]
  const entries = parseKnownHosts(lines.join('\n'), file)
  assert.is(judge(entries, names('pve1'), second).kind, 'trusted')
  const verdict = judge(entries, names('pve1'), key())
  assert.is(verdict.kind === 'mismatch' && verdict.entry.line, 2)
  assert.equal([...knownKeyTypes(entries, names('pve1'))], ['ssh-rsa', 'ssh-ed25519'])
})

test('a revoked key is refused even where another line trusts it', () => {
  const bad = key()
  const entries = parseKnownHosts([line('pve1', bad), `@revoked ${line('*', bad)}`].join('\n'), file)
  const verdict = judge(entries, names('pve1'), bad)
  assert.is(verdict.kind === 'revoked' && verdict.entry.line, 2)
  assert.is(judge(entries, names('pve1', 2222), bad).kind, 'revoked')
})

test('a certificate authority alone vouches for nothing', () => {
  const ca = key()
  const entries = parseKnownHosts(`@cert-authority ${line('*.example.net', ca)}`, file)
  const verdict = judge(entries, names('pve1.example.net'), ca)
  assert.is(verdict.kind === 'unknown' && verdict.authority?.line, 1)
  assert.equal([...knownKeyTypes(entries, names('pve1.example.net'))], [])
})

test('on another port, the plain host may vouch but not accuse', () => {
  const own = key()
  const entries = parseKnownHosts(line('pve1', own), file)
  assert.is(judge(entries, names('pve1', 2222), own).kind, 'trusted')
  assert.is(judge(entries, names('pve1', 2222), key()).kind, 'unknown')
  assert.equal([...knownKeyTypes(entries, names('pve1', 2222))], ['ssh-ed25519'])
})

test('an alias stands for address and port', () => {
  assert.equal(hostNames('10.0.0.5', 2222, 'Cluster'), { name: 'cluster' })
})

test('shows fingerprints as ssh-keygen does', () => {
  const value = key()
  writeFileSync(file, `${line('pve1', value)}\n`)
  const shown = execFileSync('ssh-keygen', ['-lf', file], { encoding: 'utf8' })
  assert.ok(shown.includes(fingerprint(value)), shown)
})

test.run()
