import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { ShownHostKey } from '../../src/connection/shown-host-key.ts'
import { PvectlError } from '../../src/errors.ts'
import { addressText, parseAddress } from '../../src/onboard/address.ts'
import { parseFingerprints } from '../../src/onboard/fingerprints.ts'
import { agreeOnHostKey } from '../../src/onboard/host-key.ts'
import { failureOf } from '../helpers/within.ts'

const test = suite('first contact')

const PRINT = `SHA256:${'A'.repeat(43)}`
const OTHER = `SHA256:${'B'.repeat(43)}`
const RSA = `SHA256:${'C'.repeat(43)}`

function key(fingerprint: string, type: string, refusal: ShownHostKey['refusal']): ShownHostKey {
  return { fingerprint, type, line: `node ${type} ${fingerprint}`, refusal }
}

const unknown = new PvectlError('HOST_KEY_UNKNOWN', 'not known')
const mismatch = new PvectlError('HOST_KEY_MISMATCH', 'another one is pinned')

/** A server with two keys; what known_hosts says of the first. */
function question(refusal: ShownHostKey['refusal'], more: Partial<Parameters<typeof agreeOnHostKey>[0]> = {}) {
  const looked: (string | undefined)[] = []
  const look = async (type?: string) => {
    looked.push(type)
    return type === 'ssh-rsa' ? key(RSA, 'ssh-rsa', unknown) : key(PRINT, 'ssh-ed25519', refusal)
  }
  return { looked, asked: { name: 'pve4', look, expected: undefined, ask: undefined, ...more } }
}

test('the fingerprint that was given settles it, also of a key that the server does not show first', async () => {
  const first = await agreeOnHostKey(question(unknown, { expected: PRINT }).asked)
  assert.equal([first.key.fingerprint, first.wasPinned], [PRINT, false])
  const second = await agreeOnHostKey(question(unknown, { expected: RSA }).asked)
  assert.is(second.key.type, 'ssh-rsa')
})

test('another fingerprint than the one given is refused, even when known_hosts vouches for the key', async () => {
  for (const refusal of [undefined, unknown]) {
    const error = await failureOf(agreeOnHostKey(question(refusal, { expected: OTHER }).asked))
    assert.is(error.code, 'HOST_KEY_MISMATCH')
    assert.match(error.message, PRINT)
    assert.match(error.message, OTHER)
  }
})

test('a pinned key needs no question; a key that contradicts what is pinned is refused whatever is said', async () => {
  assert.is((await agreeOnHostKey(question(undefined).asked)).wasPinned, true)
  const yes = async () => true
  const error = await failureOf(agreeOnHostKey(question(mismatch, { expected: PRINT, ask: yes }).asked))
  assert.is(error, mismatch)
})

test('an unknown key is asked about, and without anybody to ask the flag is required', async () => {
  const asked: string[] = []
  const ask = async ({ fingerprint }: ShownHostKey) => asked.push(fingerprint) > 0
  assert.is((await agreeOnHostKey(question(unknown, { ask }).asked)).wasPinned, false)
  assert.equal(asked, [PRINT])
  const no = await failureOf(agreeOnHostKey(question(unknown, { ask: async () => false }).asked))
  assert.is(no.code, 'HOST_KEY_UNKNOWN')
  const nobody = await failureOf(agreeOnHostKey(question(unknown).asked))
  assert.is(nobody.code, 'USAGE')
  assert.match(nobody.problems[0]?.hint ?? '', `--fingerprint ${PRINT}`)
})

test('fingerprints are read with and without prefix, padding and address', () => {
  const bare = 'A'.repeat(43)
  assert.equal([...parseFingerprints([bare], ['192.0.2.1'])], [['192.0.2.1', PRINT]])
  assert.equal([...parseFingerprints([`SHA256:${bare}=`], ['192.0.2.1'])], [['192.0.2.1', PRINT]])
  const two = ['192.0.2.1', '2001:db8::1']
  assert.equal([...parseFingerprints([`2001:db8::1=SHA256:${bare}`], two)], [['2001:db8::1', PRINT]])
})

test('a fingerprint without a node to belong to, and what is none, are mistakes', () => {
  const usage = (values: string[], addresses: string[], text: RegExp) => {
    try {
      parseFingerprints(values, addresses)
    } catch (error) {
      assert.ok(error instanceof PvectlError)
      assert.is(error.code, 'USAGE')
      assert.match(error.message, text)
      return
    }
    throw new Error('expected a failure')
  }
  usage([PRINT], ['a.example', 'b.example'], /which node/)
  usage([`c.example=${PRINT}`], ['a.example'], /which node/)
  usage(['SHA256:short'], ['a.example'], /no fingerprint/)
  usage(['MD5:aa:bb'], ['a.example'], /no fingerprint/)
})

test('addresses are read as ssh users write them', () => {
  assert.equal(parseAddress('192.0.2.1'), { address: '192.0.2.1', port: undefined })
  assert.equal(parseAddress('pve4.example.org:2222'), { address: 'pve4.example.org', port: 2222 })
  assert.equal(parseAddress('2001:db8::1'), { address: '2001:db8::1', port: undefined })
  assert.equal(parseAddress('[2001:db8::1]:22'), { address: '2001:db8::1', port: 22 })
  assert.is(addressText(parseAddress('[2001:db8::1]:22')), '[2001:db8::1]:22')
  for (const wrong of ['root@192.0.2.1', '192.0.2.1/24', '300.1.1.1', 'pve4:0', '']) {
    assert.throws(() => parseAddress(wrong), /no address/, wrong)
  }
})

test.run()
