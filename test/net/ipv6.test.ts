import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { formatIpCidr, ipNetworkOf, ipOverlaps, parseIpv6Cidr } from '../../src/net/ip-cidr.ts'
import { formatIpv6, isIpv6Host, isLinkLocal, parseIpv6 } from '../../src/net/ipv6.ts'

const test = suite('IPv6 addresses')

const cidr = (text: string) => {
  const parsed = parseIpv6Cidr(text)
  if (parsed === undefined) throw new Error(text)
  return parsed
}

const SPELLINGS: readonly (readonly [string, string])[] = [
  ['::', '::'],
  ['::1', '::1'],
  ['2001:DB8::0001', '2001:db8::1'],
  ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['1:2:3:4:5:6:7::', '1:2:3:4:5:6:7:0'],
  ['fd00:0:0:0:0:0:0:0', 'fd00::'],
  ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
  ['64:ff9b::192.0.2.1', '64:ff9b::c000:201'],
]
for (const [text, expected] of SPELLINGS)
  test(`${text} is ${expected}`, () => assert.is(formatIpv6(parseIpv6(text) ?? -1n), expected))

for (const text of [
  '',
  ':',
  ':::',
  '1::2::3',
  '1:2:3:4:5:6:7',
  '1:2:3:4:5:6:7:8:9',
  '1:2:3:4:5:6:7:8::',
  'g::',
  '12345::',
  'fe80::1%eno1',
  '::1.2.3',
  '::1.2.3.400',
  '1.2.3.4',
])
  test(`${JSON.stringify(text)} is none`, () => assert.is(parseIpv6(text), undefined))

test('prefixes', () => {
  assert.is(formatIpCidr(cidr('2001:db8::1/64')), '2001:db8::1/64')
  assert.is(formatIpCidr(cidr('2001:db8::1')), '2001:db8::1/128')
  for (const text of ['::1/129', '::1/064', '::1/', '::1/64/2']) assert.is(parseIpv6Cidr(text), undefined, text)
  assert.is(formatIpCidr(ipNetworkOf(cidr('2001:db8:1:2:3::1/48'))), '2001:db8:1::/48')
})

test('networks overlap, hosts are told from what none may have', () => {
  assert.ok(ipOverlaps(cidr('fd00::1/64'), cidr('fd00:0:0:0:1::/80')))
  assert.not(ipOverlaps(cidr('fd00::1/64'), cidr('fd00:0:0:1::1/64')))
  assert.ok(isLinkLocal(cidr('fe80::1/64')))
  assert.not(isLinkLocal(cidr('fec0::1/64')))
  for (const text of ['::', '::1', 'ff02::1']) assert.not(isIpv6Host(cidr(text)), text)
  assert.ok(isIpv6Host(cidr('2001:db8::1')))
})

test.run()
