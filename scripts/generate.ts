/** Writes the generated files: JSON Schemas and the reference of task types. `npm run generate`; a test fails when they are out of date. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { generatedFiles } from './generate/outputs.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
for (const [name, content] of generatedFiles()) {
  mkdirSync(path.dirname(path.join(root, name)), { recursive: true })
  writeFileSync(path.join(root, name), content)
  process.stdout.write(`${name}\n`)
}
