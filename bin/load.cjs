'use strict'
// Runs the bundle with the bytecode that scripts/build.mjs has kept of it: Node 20 has no compile cache of its own, and
// to compile the bundle anew takes three quarters of a start. V8 refuses bytecode of another version, and then compiles.
const { readFileSync } = require('node:fs')
const { dirname, join } = require('node:path')
const { Script } = require('node:vm')

const file = join(__dirname, '../dist/pvectl.cjs')
const script = new Script(readFileSync(file, 'latin1'), { filename: file, cachedData: bytecode() })
const bundle = { exports: {} }
script.runInThisContext()(bundle.exports, require, bundle, file, dirname(file), (name) => import(name))

/** `main`, `commands` and `hooks` of the bundle, and the script itself for whoever makes its bytecode. */
module.exports = { ...bundle.exports, script }

function bytecode() {
  try {
    return readFileSync(`${file}.bytecode`)
  } catch {
    return undefined
  }
}
