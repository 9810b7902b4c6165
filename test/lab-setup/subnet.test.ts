import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { freeNetwork } from '../../src/lab/subnet.ts'

const test = suite('network of a lab')

test('the default lab is 198.18.0, others differ from it and are stable', () => {
  assert.is(freeNetwork('lab', []), '198.18.0')
  assert.is.not(freeNetwork('dev', []), '198.18.0')
  assert.is(freeNetwork('dev', []), freeNetwork('dev', []))
})

test('a network that the machine routes already is left alone, whatever the prefix length', () => {
  assert.is(freeNetwork('lab', ['198.18.0.0/24']), '198.18.1')
  assert.is(freeNetwork('lab', ['198.18.0.7']), '198.18.1')
  assert.is(freeNetwork('lab', ['198.18.0.128/25', '198.18.1.0/24', '10.0.0.0/8']), '198.18.2')
  assert.is(freeNetwork('lab', ['198.18.0.0/16']), '198.19.0')
})

test('none left is an error that says where to look', () => {
  assert.throws(() => freeNetwork('lab', ['198.18.0.0/15']), /198\.18\.0\.0\/15/)
  assert.throws(() => freeNetwork('dev', ['192.0.0.0/4']), /no network is left/)
})

test.run()
