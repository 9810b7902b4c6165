import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sh } from '../../src/connection/script.ts'
import { machineBelow } from '../helpers/run-here.ts'

const test = suite<{ root: string }>('prelude')

test.before.each((context) => {
  context.root = mkdtempSync(path.join(tmpdir(), 'pvectl-prelude-'))
})

test.after.each(({ root }) => rmSync(root, { recursive: true }))

function program(root: string, name: string, text: string): void {
  writeFileSync(path.join(root, name), `#!/bin/sh\n${text}\n`)
  chmodSync(path.join(root, name), 0o755)
}

test('a unit that does not start fails the step with the last lines of its log', ({ root }) => {
  program(root, 'systemctl', 'echo "Job for $2 failed." >&2; exit 1')
  program(root, 'journalctl', 'echo "address already in use"; echo "no journal files" >&2')
  const { code, stderr } = machineBelow(root).step(sh`pv_unit start x.service`, `${root}:`)
  assert.is(code, 1)
  const said = ['Job for x.service failed.', 'address already in use', 'systemctl start x.service failed']
  assert.match(stderr, new RegExp(said.join('\\n')))
  assert.not.match(stderr, 'no journal files')
})

test('a unit that starts says nothing of its log', ({ root }) => {
  program(root, 'systemctl', 'exit 0')
  program(root, 'journalctl', 'echo old')
  assert.equal(machineBelow(root).step(sh`pv_unit start x.service`, `${root}:`), { code: 0, stderr: '' })
})

test.run()
