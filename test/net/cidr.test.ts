import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  formatIpCidr,
  type Ipv4Cidr,
  ipContains,
  ipNetworkOf,
  ipOverlaps,
  isReserved,
  parseIpv4Cidr,
} from '../../src/net/ip-cidr.ts'
import { parseMask } from '../../src/net/subnet.ts'
import { draws } from '../helpers/draws.ts'

const test = suite('IPv4 networks')
function cidr(text: string): Ipv4Cidr {
  const parsed = parseIpv4Cidr(text)
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
    const parsed = parseIpv4Cidr(text)
    assert.is(parsed === undefined ? undefined : formatIpCidr(parsed), expected, text)
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
  assert.is(formatIpCidr(ipNetworkOf(cidr('10.10.10.77/20'))), '10.10.0.0/20')
  assert.ok(ipOverlaps(cidr('10.0.0.0/8'), cidr('10.1.2.3/24')))
  assert.not.ok(ipOverlaps(cidr('10.0.0.0/24'), cidr('10.0.1.0/24')))
  assert.ok(ipContains(cidr('10.0.0.0/8'), cidr('10.1.2.3/24')))
  assert.not.ok(ipContains(cidr('10.1.2.0/24'), cidr('10.0.0.0/8')))
  const reserved = ['10.0.0.0/24', '10.0.0.255/24', '10.0.0.1/24', '10.0.0.0/31', '10.0.0.0/32', '255.255.255.255/8']
  assert.equal(
    reserved.map((text) => isReserved(cidr(text))),
    [true, true, false, false, false, true],
  )
})

test('an address lies in its network, and formatting is the inverse of parsing', () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 32n - 1n }), fc.integer({ min: 0, max: 32 }), (address, prefix) => {
      const one: Ipv4Cidr = { family: 4, address, prefix }
      assert.equal(parseIpv4Cidr(formatIpCidr(one)), one)
      assert.ok(ipContains(ipNetworkOf(one), { ...one, prefix: 32 }))
    }),
    draws(),
  )
})

test.run()
