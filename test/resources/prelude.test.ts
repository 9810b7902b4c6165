import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
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
  program(root, 'systemctl', '[ "$1" != show ] || { echo exit-code; exit; }; echo "Job for $2 failed." >&2; exit 1')
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

test('a start that systemd refuses since there were several is done all the same', ({ root }) => {
  program(
    root,
    'systemctl',
    `case $1 in show) echo start-limit-hit ;; reset-failed) : > ${root}/reset ;; *) [ -e ${root}/reset ] || { echo "too often" >&2; exit 1; } ;; esac`,
  )
  assert.is(machineBelow(root).step(sh`pv_unit restart x.service`, `${root}:`).code, 0)
})

test('a file that a package of this run brought may be replaced, and is kept; any other that appeared is not', ({
  root,
}) => {
  const [brought, strange] = ['brought', 'strange'].map((name) => path.join(root, name)) as [string, string]
  for (const file of [brought, strange]) writeFileSync(file, 'default\n')
  program(root, 'dpkg-query', `[ "$2" = ${brought} ]`)
  const write = (file: string) =>
    machineBelow(root).step(sh`pv_write ${file} 0644 root:root ${'mine\n'} packaged`, `${root}:`)
  assert.equal(write(brought), { code: 0, stderr: '' })
  assert.is(readFileSync(brought, 'utf8'), 'mine\n')
  assert.match(write(strange).stderr, /strange was changed by somebody else/)
  assert.is(readFileSync(strange, 'utf8'), 'default\n')
  assert.is(write(path.join(root, 'new')).code, 0)
})

test.run()
