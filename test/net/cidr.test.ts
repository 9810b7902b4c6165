import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  contains,
  formatCidr,
  type Ipv4Cidr,
  isReserved,
  networkOf,
  overlaps,
  parseCidr,
  parseMask,
} from '../../src/net/cidr.ts'

const test = suite('IPv4 networks')
function cidr(text: string): Ipv4Cidr {
  const parsed = parseCidr(text)
  if (parsed === undefined) throw new Error(text)
  return parsed
}

test('all spellings, and what is none', () => {
  const cases = [
    ['10.0.0.1/24', '10.0.0.1/24'],
    ['10.0.0.1/255.255.255.0', '10.0.0.1/24'],
    ['10.0.0.1', '10.0.0.1/32'],
    ['255.255.255.255/0', '255.255.255.255/0'],
    ['10.0.0.1/33', undefined],
    ['10.0.0.1/255.0.255.0', undefined],
    ['010.0.0.1/24', undefined],
    ['10.0.0/24', undefined],
    ['10.0.0.1/24/1', undefined],
    ['fe80::1/64', undefined],
  ] as const
  for (const [text, expected] of cases) {
    const parsed = parseCidr(text)
    assert.is(parsed === undefined ? undefined : formatCidr(parsed), expected, text)
  }
})

test('netmasks', () => {
  assert.equal(['24', '255.255.255.0', '0.0.0.0', '255.255.255.255', '08', '255.255.0.255'].map(parseMask), [
    24,
    24,
    0,
    32,
    undefined,
    undefined,
  ])
})

test('networks, overlaps, reserved addresses', () => {
  assert.is(formatCidr(networkOf(cidr('10.10.10.77/20'))), '10.10.0.0/20')
  assert.ok(overlaps(cidr('10.0.0.0/8'), cidr('10.1.2.3/24')))
  assert.not.ok(overlaps(cidr('10.0.0.0/24'), cidr('10.0.1.0/24')))
  assert.ok(contains(cidr('10.0.0.0/8'), cidr('10.1.2.3/24')))
  assert.not.ok(contains(cidr('10.1.2.0/24'), cidr('10.0.0.0/8')))
  const reserved = ['10.0.0.0/24', '10.0.0.255/24', '10.0.0.1/24', '10.0.0.0/31', '10.0.0.0/32', '255.255.255.255/8']
  assert.equal(
    reserved.map((text) => isReserved(cidr(text))),
    [true, true, false, false, false, true],
  )
})

test('an address lies in its network, and formatting is the inverse of parsing', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 2 ** 32 - 1 }), fc.integer({ min: 0, max: 32 }), (address, prefix) => {
      assert.equal(parseCidr(formatCidr({ address, prefix })), { address, prefix })
      assert.ok(contains(networkOf({ address, prefix }), { address, prefix: 32 }))
    }),
  )
})

test.run()
