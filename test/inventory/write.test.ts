import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { inventoryNames } from '../../src/inventory/locate.ts'
import { replaceInventoryFile } from '../../src/inventory/write.ts'

const test = suite('inventory: write')
let dir: string
test.before.each(() => {
  dir = mkdtempSync(join(tmpdir(), 'pvectl-write-'))
})
test.after.each(() => rmSync(dir, { recursive: true, force: true }))

const NOW = new Date('2026-11-21T08:15:00.123Z')

test('the new text is there, the old one is kept, and mode and links stay', () => {
  const file = join(dir, 'real.yml')
  writeFileSync(file, 'old\n')
  chmodSync(file, 0o640)
  const link = join(dir, 'prod.yml')
  symlinkSync('real.yml', link)
  const backup = replaceInventoryFile(link, 'old\n', 'new\n', NOW)
  assert.is(basename(backup), 'real.yml.20261121T081500.bak')
  assert.equal([readFileSync(link, 'utf8'), readFileSync(backup, 'utf8')], ['new\n', 'old\n'])
  assert.is(statSync(file).mode & 0o777, 0o640)
  const second = replaceInventoryFile(link, 'new\n', 'newer\n', NOW)
  assert.is(basename(second), 'real.yml.20261121T081500-1.bak')
  assert.equal(readdirSync(dir).length, 4)
})

test('a file that has changed since is left alone', () => {
  const file = join(dir, 'prod.yml')
  writeFileSync(file, 'other\n')
  assert.throws(() => replaceInventoryFile(file, 'old\n', 'new\n', NOW), /changed in the meantime/)
  assert.is(readFileSync(file, 'utf8'), 'other\n')
  assert.equal(readdirSync(dir), ['prod.yml'])
})

test('backups are no inventories', () => {
  mkdirSync(join(dir, 'inventory'))
  const file = join(dir, 'inventory/prod.yml')
  writeFileSync(file, 'old\n')
  replaceInventoryFile(file, 'old\n', 'new\n', NOW)
  assert.equal(inventoryNames(dir), ['prod'])
})

test.run()
