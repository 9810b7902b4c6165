import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { afterStart, frame, shellCommand, skipToStart } from '../../src/connection/bootstrap.ts'
import { rawScript, sh } from '../../src/connection/script.ts'
import type { Target } from '../../src/connection/target.ts'
import { draws } from '../helpers/draws.ts'
import { testHost } from '../helpers/job.ts'

const test = suite('bootstrap')

const root: Target = testHost('node1').target

/** Runs framed input through the command that a node would get, in each shell a login may have. */
function deliver(input: Buffer, shell = 'bash') {
  const result = spawnSync(shell, ['-c', shellCommand(root)], { input, timeout: 10_000 })
  return { code: result.status, stdout: afterStart(result.stdout), stderr: result.stderr.toString() }
}

const SCRIPT = sh`echo one; { echo two; }
cat <<'EOF'
three }
EOF
f() { # }
  echo "}"
}
f; if true; then echo four; fi; exit 9`

test('runs the whole script and keeps its exit status, whatever the login shell', () => {
  for (const shell of ['bash', 'dash']) {
    const { code, stdout } = deliver(frame(SCRIPT), shell)
    assert.is(stdout?.toString(), 'one\ntwo\nthree }\n}\nfour\n')
    assert.is(code, 9)
  }
})

test('nothing runs of a script that arrives in part', () => {
  const whole = frame(SCRIPT)
  // The last byte is a newline after the closing brace: without it the script is complete all the same.
  for (let length = 0; length < whole.length - 1; length++) {
    const { code, stdout } = deliver(whole.subarray(0, length), 'dash')
    assert.is(stdout, undefined, `ran after ${length} of ${whole.length} bytes`)
    if (length > 0) assert.is(code, 2)
  }
})

test('a script with a syntax error does not run at all', () => {
  const { code, stdout, stderr } = deliver(frame(rawScript('echo one\nif true; then\n')))
  assert.is(stdout, undefined)
  assert.is(code, 2)
  assert.match(stderr, /yntax error/)
})

test('commands of the script find an empty standard input', () => {
  assert.is(deliver(frame(sh`cat; read -r line; echo "got:$line"; echo end`)).stdout?.toString(), 'got:\nend\n')
})

test('carries any byte but NUL', () => {
  const bytes = fc.uint8Array({ min: 1, max: 255, maxLength: 300 }).map((value) => Buffer.from(value))
  fc.assert(
    fc.property(bytes, (value) => {
      assert.ok(deliver(frame(sh`printf %s ${value}`)).stdout?.equals(value))
    }),
    draws(40),
  )
})

test('empty scripts, comments and missing newlines are fine', () => {
  for (const text of ['', '\n', '# comment', 'true', ' :\n\n']) {
    const { code, stdout } = deliver(frame(rawScript(text)))
    assert.is(code, 0, JSON.stringify(text))
    assert.is(stdout?.length, 0)
  }
})

test('the command for sudo is used only where it is needed', () => {
  assert.match(shellCommand({ ...root, user: 'admin', become: true }), /^exec sudo -n -- \/bin\/sh -c /)
  assert.not.match(shellCommand({ ...root, become: true }), /sudo/)
  assert.not.match(shellCommand({ ...root, user: 'admin' }), /sudo/)
})

test('a stream of output begins after the start mark, however it is cut', () => {
  const all = Buffer.from('noise pvectl-\npvectl-start\nline pvectl-start\n')
  for (let size = 1; size <= all.length; size++) {
    const got: Buffer[] = []
    const push = skipToStart((chunk) => got.push(chunk))
    for (let at = 0; at < all.length; at += size) push(all.subarray(at, at + size))
    assert.is(Buffer.concat(got).toString(), 'line pvectl-start\n')
  }
})

test.run()
