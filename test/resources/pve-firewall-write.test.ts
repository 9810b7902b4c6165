import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sh } from '../../src/connection/script.ts'
import type { FileState } from '../../src/facts/file.ts'
import { writeFirewall } from '../../src/resources/pve-firewall-write.ts'
import { fileState } from '../helpers/model.ts'
import { machineBelow } from '../helpers/run-here.ts'

const test = suite('the step that writes a firewall file')
let root = ''
let pve = ''

test.before.each(() => {
  root = mkdtempSync(join(tmpdir(), 'pvefw-write-'))
  pve = join(root, 'etc/pve')
  mkdirSync(join(pve, 'firewall'), { recursive: true })
  mkdirSync(join(pve, 'nodes/pve1'), { recursive: true })
  symlinkSync('nodes/pve1', join(pve, 'local'))
  mkdirSync(join(root, 'bin'))
  writeFileSync(join(root, 'bin/systemctl'), '#!/bin/sh\nexit 3\n', { mode: 0o755 })
})
test.after.each(() => rmSync(root, { recursive: true, force: true }))

const FILE = '/etc/pve/firewall/cluster.fw'

/** Runs the step of one node; its record is below `keep`, as every node has one of its own. */
function write(before: FileState, after: string, path = FILE, lock = sh`firewall-cluster`) {
  const script = writeFirewall({ path, before, after: Buffer.from(after), lock })
  return machineBelow(root, ['/etc/pve']).step(script, `${join(root, 'bin')}:`)
}

const content = () => readFileSync(join(root, FILE), 'utf8')
const kept = () => readFileSync(`${join(root, 'keep/files')}${root}${FILE}`, 'utf8')
const paths = () => readFileSync(join(root, 'keep/.paths'), 'utf8')

test('writes, keeps what was there, gives the lock back', () => {
  writeFileSync(join(root, FILE), 'old\n')
  const { code, stderr } = write(fileState('old\n'), 'new\n')
  assert.is(code, 0, stderr)
  assert.is(content(), 'new\n')
  assert.is(kept(), 'old\n')
  assert.is(existsSync(join(pve, 'priv/lock/firewall-cluster')), false)
})

test('another node of the cluster was quicker: right, and what was there before is kept all the same', () => {
  writeFileSync(join(root, FILE), 'new\n')
  assert.is(write(fileState('old\n'), 'new\n').code, 0)
  assert.is(content(), 'new\n')
  assert.is(kept(), 'old\n', 'the guard of this node must be able to take it back')
  assert.is(paths(), `${root}${FILE}\n`)
})

test('another node made the file: the guard of this one would take it away', () => {
  writeFileSync(join(root, FILE), 'new\n')
  assert.is(write({ type: 'absent' }, 'new\n').code, 0)
  assert.is(paths(), `${root}${FILE}\n`)
  assert.is(existsSync(`${join(root, 'keep/files')}${root}${FILE}`), false)
})

test('somebody else wrote something else: nothing is written, the lock is given back', () => {
  writeFileSync(join(root, FILE), 'theirs\n')
  const { code, stderr } = write(fileState('old\n'), 'new\n')
  assert.is(code, 1)
  assert.match(stderr, 'changed by somebody else')
  assert.is(content(), 'theirs\n')
  assert.is(existsSync(join(pve, 'priv/lock/firewall-cluster')), false)
})

test('the file of the node is written through the link, under the lock of the node', () => {
  writeFileSync(join(pve, 'nodes/pve1/host.fw'), 'old\n')
  mkdirSync(join(pve, 'priv/lock/firewall-host-pve2'), { recursive: true })
  assert.is(write(fileState('old\n'), 'new\n', '/etc/pve/local/host.fw', sh`"firewall-host-$pv_node"`).code, 0)
  assert.is(readFileSync(join(pve, 'nodes/pve1/host.fw'), 'utf8'), 'new\n')
  assert.match(paths(), /host\.fw\n$/)
  rmdirSync(join(pve, 'priv/lock/firewall-host-pve2'))
})

test.run()
