import { inspect } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MASK, Secret } from '../../src/connection/secret.ts'

const test = suite('secret')
const secret = new Secret('hunter2')

test('opens on purpose only', () => {
  assert.is(secret.reveal(), 'hunter2')
})

test('shows a mask wherever it is printed', () => {
  assert.is(`${secret}`, MASK)
  assert.is(JSON.stringify({ secret }), `{"secret":"${MASK}"}`)
  assert.is(inspect({ secret }, { depth: 5, showHidden: true }).includes('hunter2'), false)
  assert.is(inspect(secret), MASK)
})

test('has no property that holds the value', () => {
  assert.equal(Object.keys(secret), [])
  assert.is(JSON.stringify(structuredClone({ ...secret })).includes('hunter2'), false)
})

test('the mask does not depend on the value', () => {
  assert.is(String(new Secret('')), String(new Secret('x'.repeat(100))))
})

test.run()
