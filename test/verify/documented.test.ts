import { readFileSync } from 'node:fs'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Check } from '../../src/verify/check.ts'
import { proverOf } from '../../src/verify/kinds/index.ts'

const test = suite('docs/verify.md')
const page = readFileSync(new URL('../../docs/verify.md', import.meta.url), 'utf8')
const contract = readFileSync(new URL('../../src/verify/check.ts', import.meta.url), 'utf8')
const kinds = [...contract.matchAll(/^export interface \w+Check \{\n {2}readonly kind: '(\w+)'/gm)].map(
  ([, kind]) => kind,
)

test('says what a pass means, for every kind of check', () => {
  assert.ok(kinds.length >= 16, kinds.join())
  for (const kind of kinds) {
    const { proves } = proverOf({ kind } as unknown as Check)
    assert.ok(page.includes(proves), `${kind}: ${proves}`)
  }
})

test('names every setting', () => {
  const settings = readFileSync(new URL('../../src/verify/settings.ts', import.meta.url), 'utf8')
  const names = [...settings.matchAll(/^ {2}(\w+): (?:z$|z\.|name$|port)/gm)].map(([, name = '']) => name)
  assert.ok(names.length >= 7, names.join())
  for (const name of names) assert.match(page, new RegExp(`^ {4}${name}:`, 'm'))
})

test.run()
