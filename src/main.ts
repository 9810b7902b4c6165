/** Entry point: hands the command line to oclif. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { flush, handle, type Interfaces, run, settings } from '@oclif/core'
import { packageRoot } from './package-root.ts'

/** How to find the commands. */
export interface MainOptions {
  /** Load commands from `src/` instead of `dist/`; needs a TypeScript loader. Default false. */
  readonly sources?: boolean
}

/** Runs one command line; sets the exit code of the process. */
export async function main(argv: readonly string[], { sources = false }: MainOptions = {}): Promise<void> {
  const root = packageRoot()
  settings.enableAutoTranspile = false
  const options = sources ? { root, pjson: sourceConfig(root), ignoreManifest: true } : { root }
  try {
    await run([...argv], options)
    await flush()
  } catch (error) {
    await handle(error as Error)
  }
}

/** package.json with the paths of what oclif loads turned from `dist/` to `src/`. */
function sourceConfig(root: string): Interfaces.PJSON {
  const text = readFileSync(path.join(root, 'package.json'), 'utf8')
  const toSource = (match: string) => match.replace('./dist/', './src/').replace(/\.js"$/, '.ts"')
  return JSON.parse(text.replaceAll(/"\.\/dist\/[^"]*"/g, toSource)) as Interfaces.PJSON
}
