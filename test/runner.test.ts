/** The test runner must fail where uvu alone would pass. */
import { spawn } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { project } from './helpers/project.ts'

const test = suite('test runner')
const root = fileURLToPath(new URL('..', import.meta.url))
const HEAD = "import { suite } from 'uvu'\nimport * as assert from 'uvu/assert'\nconst test = suite('x')\n"

async function run(files: Readonly<Record<string, string>>, ...args: string[]) {
  const cwd = project({
    'package.json': '{"type":"module"}',
    ...Object.fromEntries(Object.entries(files).map(([name, text]) => [`test/${name}.test.ts`, HEAD + text])),
  })
  symlinkSync(path.join(root, 'node_modules'), path.join(cwd, 'node_modules'))
  const command = ['--import', 'tsx', path.join(root, 'scripts/run-tests.ts'), 'test', ...args]
  const child = spawn(process.execPath, command, { cwd, timeout: 40_000 })
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += chunk
  })
  const code = await new Promise((resolve) => child.on('close', resolve))
  return { code, output, last: output.trimEnd().split('\n').at(-1) }
}

const GOOD = "test('a', () => assert.is(1, 1))\ntest.run()\n"

test('counts tests, and skips apart', async () => {
  const { code, last } = await run({ good: GOOD, skips: `test.skip('b', () => {})\n${GOOD}` })
  assert.is(code, 0)
  assert.is(last, '2 passed, 0 failed, 1 skipped')
})

test('fails for what uvu takes for success, and for what it cannot see', async () => {
  const { code, output, last } = await run(
    {
      good: GOOD,
      'no-run': "test('a', () => {})\n",
      before: `test.before(() => { throw new Error('no') })\n${GOOD}`,
      empty: 'test.run()\n',
      hangs: "test('a', () => new Promise((resolve) => setTimeout(resolve, 60_000)))\ntest.run()\n",
      wrong: "test('a', () => assert.is(1, 2))\ntest.run()\n",
      rejects: `${GOOD}setTimeout(() => Promise.reject(new Error('late')), 200)\n`,
    },
    '--timeout',
    '4',
  )
  assert.is(code, 1)
  assert.is(last, '2 passed, 6 failed, 0 skipped')
  for (const file of ['no-run', 'before', 'empty', 'hangs', 'wrong', 'rejects']) {
    assert.match(output, new RegExp(`^FAIL test/${file}\\.test\\.ts  `, 'm'))
  }
  assert.match(output, /^FAIL test\/hangs\.test\.ts {2}still running after 4 s/m)
})

test('no file is no success', async () => {
  const { code, last } = await run({ good: GOOD }, 'no-such-name')
  assert.is(code, 1)
  assert.is(last, '0 passed, 1 failed, 0 skipped')
})

test('--skip counts files, --exclude forgets them', async () => {
  const files = { good: GOOD, 'lab/one': GOOD, 'old/two': GOOD }
  const { code, last } = await run(files, '--skip', 'test/lab', '--exclude', 'test/old')
  assert.is(code, 0)
  assert.is(last, '1 passed, 0 failed, 1 skipped')
})

test.run()
