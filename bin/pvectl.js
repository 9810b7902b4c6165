#!/usr/bin/env node
// Plain, old-fashioned JavaScript, so that even an old Node gets as far as the message below.
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'

const [major, minor] = process.versions.node.split('.').map(Number)
const built = existsSync(new URL('../dist/pvectl.cjs', import.meta.url))

if (major < 20 || (major === 20 && minor < 12)) {
  process.stderr.write(`error: pvectl needs Node.js 20.12 or newer, this is ${process.version}\n`)
  process.exitCode = 1
} else if (!built) {
  process.stderr.write('error: pvectl is not built yet\n  hint: run `npm run build` in its folder, or use bin/dev.js\n')
  process.exitCode = 1
} else {
  await createRequire(import.meta.url)('./load.cjs').main(process.argv.slice(2))
}
