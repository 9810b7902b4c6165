import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  formatIp,
  formatIpCidr,
  ipContains,
  ipNetworkOf,
  ipOverlaps,
  ipSpan,
  parseIp,
  parseIpCidr,
} from '../../src/net/ip-cidr.ts'

const test = suite('addresses of either family')

const read = (text: string) => {
  const cidr = parseIpCidr(text)
  return cidr === undefined ? undefined : formatIpCidr(cidr)
}

test('read and written as the kernel does', () => {
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['10.0.0.1/24', '10.0.0.1/24'],
    ['10.0.0.1/255.255.255.0', '10.0.0.1/24'],
    ['10.0.0.1', '10.0.0.1/32'],
    ['fd00:0010::0/64', 'fd00:10::/64'],
    ['FD00::1', 'fd00::1/128'],
    ['::', '::/128'],
    ['::1/128', '::1/128'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1/128'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1/128'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1/128'],
    ['1:2:3:4:5:6:7:8/0', '1:2:3:4:5:6:7:8/0'],
    ['fd00::/129', undefined],
    ['fd00:::1', undefined],
    ['fd00::1::2', undefined],
    ['1:2:3:4:5:6:7', undefined],
    ['1:2:3:4:5:6:7:8::', undefined],
    ['12345::', undefined],
    ['::1.2.3.456', undefined],
    ['10.0.0.256/24', undefined],
    ['10.0.0.1/33', undefined],
    ['', undefined],
    ['fd00::/64/1', undefined],
  ]
  for (const [text, expected] of cases) assert.is(read(text), expected, text)
})

test('networks', () => {
  const cidr = (text: string) => {
    const parsed = parseIpCidr(text)
    if (parsed === undefined) throw new Error(text)
    return parsed
  }
  assert.is(formatIpCidr(ipNetworkOf(cidr('fd00:10::5/64'))), 'fd00:10::/64')
  assert.is(formatIpCidr(ipNetworkOf(cidr('10.1.2.3/16'))), '10.1.0.0/16')
  assert.ok(ipOverlaps(cidr('fd00::/16'), cidr('fd00:10::1/64')))
  assert.not.ok(ipOverlaps(cidr('0.0.0.0/0'), cidr('::/0')))
  assert.ok(ipContains(cidr('10.0.0.0/8'), cidr('10.9.0.0/16')))
  assert.not.ok(ipContains(cidr('10.9.0.0/16'), cidr('10.0.0.0/8')))
  const { first, last } = ipSpan(cidr('10.0.0.9/30'))
  assert.equal(
    [first, last].map((address) => formatIp({ family: 4, address })),
    ['10.0.0.8', '10.0.0.11'],
  )
  assert.is(parseIp('fd00::/64'), undefined)
})

test.run()
