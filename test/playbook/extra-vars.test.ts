import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { PvectlError } from '../../src/errors.ts'
import { parseExtraVars } from '../../src/playbook/extra-vars.ts'
import { project } from '../helpers/project.ts'

const test = suite('playbook: extra vars')
const cwd = project({ 'more.yml': 'a: {b: 1}\nlist: [x]\n', 'list.yml': '- x\n', 'bad.yml': 'a: [\n' })

test('name=value: text, whole numbers and truth values', () => {
  const args = ['a=text', 'b=12', 'c=true', 'd=null', 'e=1.10', 'f=007', 'g=', 'h=x=y', 'i=-3', 'j=[1]', 'k=10.0.0.0/8']
  assert.equal(parseExtraVars(args, cwd), {
    a: 'text',
    b: 12,
    c: true,
    d: null,
    e: '1.10',
    f: '007',
    g: '',
    h: 'x=y',
    i: -3,
    j: '[1]',
    k: '10.0.0.0/8',
  })
})

test('files and mappings; later ones win', () => {
  assert.equal(parseExtraVars(['list=1', '@more.yml', '{"a": 2, "c": [3]}', '{d: e}'], cwd), {
    list: ['x'],
    a: 2,
    c: [3],
    d: 'e',
  })
  assert.equal(parseExtraVars([], cwd), {})
})

for (const [argument, message] of [
  ['novalue', 'cannot read `novalue`'],
  ['=x', 'cannot read `=x`'],
  ['@gone.yml', 'cannot read gone.yml: it is not there'],
  ['@.', 'cannot read .: it is a folder'],
  ['@list.yml', 'must be a mapping'],
  ['@bad.yml', 'flow sequence'],
  ['{a: ', 'flow map'],
] as const) {
  test(`${argument} is a mistake of usage`, () => {
    assert.throws(
      () => parseExtraVars([argument], cwd),
      (error: PvectlError) => error.code === 'USAGE' && error.message.includes(message),
    )
  })
}

test.run()
