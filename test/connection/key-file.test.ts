import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { keyFormat } from '../../src/connection/key-file.ts'

const test = suite('key file')
const dir = mkdtempSync(join(tmpdir(), 'pvectl-keys-'))
test.after(() => rmSync(dir, { recursive: true }))

/** A fresh key file with its public half in wire format. */
function generate(name: string, ...args: readonly string[]): { readonly file: Buffer; readonly blob: Buffer } {
  const path = join(dir, name)
  execFileSync('ssh-keygen', ['-q', '-f', path, ...args])
  const blob = Buffer.from(readFileSync(`${path}.pub`, 'utf8').split(' ')[1] ?? '', 'base64')
  return { file: readFileSync(path), blob }
}

const plain = generate('plain', '-t', 'ed25519', '-N', '')

test('OpenSSH keys tell their public half, encrypted or not', () => {
  assert.equal(keyFormat(plain.file), { kind: 'private', encrypted: false, publicKey: plain.blob })
  const locked = generate('locked', '-t', 'ecdsa', '-N', 'secret')
  assert.equal(keyFormat(locked.file), { kind: 'private', encrypted: true, publicKey: locked.blob })
})

test('PEM keys are told apart by their header', () => {
  const open = generate('pem', '-t', 'rsa', '-b', '2048', '-m', 'PEM', '-N', '')
  const locked = generate('pem-locked', '-t', 'ecdsa', '-m', 'PEM', '-N', 'secret')
  assert.equal(keyFormat(open.file), { kind: 'private', encrypted: false })
  assert.equal(keyFormat(locked.file), { kind: 'private', encrypted: true })
})

test('a public key is recognised', () => {
  const format = keyFormat(readFileSync(join(dir, 'plain.pub')))
  assert.equal(format, { kind: 'public', publicKey: plain.blob })
})

test('unsupported formats say so and what to do', () => {
  const pkcs8 = generate('pkcs8', '-t', 'ecdsa', '-m', 'PKCS8', '-N', '')
  assert.equal(keyFormat(pkcs8.file), { kind: 'unusable', reason: 'it is in PKCS#8 format', remedy: 'convert' })
  const chacha = generate('chacha', '-t', 'ed25519', '-N', 'secret', '-Z', 'chacha20-poly1305@openssh.com')
  const format = keyFormat(chacha.file)
  assert.is(format.kind === 'unusable' && format.remedy, 'convert')
})

test('damaged files and other files are unusable', () => {
  const cut = Buffer.from(`${plain.file.toString().slice(0, 60)}\n-----END OPENSSH PRIVATE KEY-----\n`)
  for (const bytes of [cut, Buffer.from(''), Buffer.from('hello\n'), Buffer.from([0, 1, 2, 255])]) {
    assert.is(keyFormat(bytes).kind, 'unusable')
  }
  const certificate = Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
  assert.equal(keyFormat(certificate), { kind: 'unusable', reason: 'it holds a certificate' })
})

test.run()
