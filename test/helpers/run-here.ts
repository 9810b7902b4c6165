/** Runs scripts of facts and steps with sh on this machine. */
import { spawnSync } from 'node:child_process'
import { mkdirSync } from 'node:fs'
import { joinScripts, type Script, sh } from '../../src/connection/script.ts'
import { ENVIRONMENT } from '../../src/engine/observe.ts'
import type { FactKind } from '../../src/facts/fact.ts'
import { PRELUDE } from '../../src/resources/prelude.ts'

/** How a step ended. */
export interface StepResult {
  readonly code: number | null
  readonly stderr: string
}

/** A machine below a directory: absolute paths that begin with one of `moved` are looked for below `root`. */
export function machineBelow(root: string, moved: readonly string[] = []) {
  const run = (script: Script) => {
    const text = moved.reduce((all, path) => all.replaceAll(path, `${root}${path}`), script.latin1)
    return spawnSync('/bin/sh', ['-s'], { input: Buffer.from(text, 'latin1'), timeout: 20_000 })
  }
  const here = (path: string) => (moved.some((prefix) => path.startsWith(prefix)) ? `${root}${path}` : path)
  return {
    here,
    /** Runs one step as a run does. */
    step(script: Script, path = ''): StepResult {
      mkdirSync(`${root}/run`, { recursive: true })
      const setup = sh`set -e
PV_RUN=${`${root}/run`} PV_KEEP=${`${root}/keep`}
PATH=${path}$PATH`
      const { status, stderr } = run(joinScripts([ENVIRONMENT, setup, PRELUDE, script]))
      return { code: status, stderr: stderr.toString('utf8') }
    },
    /** Reads facts of one kind. */
    observe<State>(kind: FactKind<State>, ids: readonly string[]): readonly State[] {
      const { stdout } = run(joinScripts([ENVIRONMENT, kind.observe(ids, 'mark')]))
      return kind.parse(stdout, ids, 'mark')
    },
  }
}
