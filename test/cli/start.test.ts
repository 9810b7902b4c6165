import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ROOT } from '../helpers/pvectl.ts'

const test = suite('start of the built program')
const require = createRequire(import.meta.url)

test('V8 takes the bytecode of the build', () => {
  const { script } = require(path.join(ROOT, 'bin/load.cjs')) as { script: { cachedDataRejected?: boolean } }
  assert.is(script.cachedDataRejected, false)
})

test('without bytecode it is the same program', () => {
  const dir = mkdtempSync(path.join(tmpdir(), 'pvectl-start-'))
  try {
    for (const part of ['bin', 'dist', 'package.json', 'oclif.manifest.json'])
      cpSync(path.join(ROOT, part), path.join(dir, part), { recursive: true })
    symlinkSync(path.join(ROOT, 'node_modules'), path.join(dir, 'node_modules'))
    rmSync(path.join(dir, 'dist/pvectl.cjs.bytecode'))
    const run = (root: string) =>
      execFileSync('node', [path.join(root, 'bin/pvectl.js'), 'tasks'], { encoding: 'utf8' })
    assert.is(run(dir), run(ROOT))
  } finally {
    rmSync(dir, { recursive: true })
  }
})

test.run()
