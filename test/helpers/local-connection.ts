/** A connection for tests: runs scripts with sh on this machine, with pvectl's directories moved under `root`. */
import { spawn } from 'node:child_process'
import type { Connection, Connector, RunOptions, RunResult } from '../../src/connection/connection.ts'
import type { Script } from '../../src/connection/script.ts'
import type { Target } from '../../src/connection/target.ts'
import { groupFacts, observe } from '../../src/engine/observe.ts'
import type { FactRef } from '../../src/facts/fact.ts'
import type { Model } from '../../src/facts/model.ts'

/** Counts what is asked of it. */
export interface LocalConnector extends Connector<Target> {
  connects: number
  runs: number
  /** Called before each run; may throw to play a lost connection. */
  before?: (run: number) => void
}

/** A connector whose nodes are all this machine. */
export function localConnector(root: string): LocalConnector {
  const connector: LocalConnector = {
    connects: 0,
    runs: 0,
    connect: async () => {
      connector.connects += 1
      return localConnection(root, connector)
    },
    close: async () => undefined,
  }
  return connector
}

/** Facts of this machine, pvectl's directories under `root`. */
export async function observeHere(root: string, refs: readonly FactRef<unknown>[]): Promise<Model> {
  return observe(localConnection(root, localConnector(root)), groupFacts(refs))
}

function localConnection(root: string, connector: LocalConnector): Connection {
  return {
    peer: 'here',
    close: async () => undefined,
    run: async (script, options) => {
      connector.runs += 1
      connector.before?.(connector.runs)
      return runHere(script, root, options)
    },
  }
}

function runHere(script: Script, root: string, options: RunOptions = {}): Promise<RunResult> {
  const text = script.latin1.replaceAll('/run/pvectl', `${root}/run`).replaceAll('/var/lib/pvectl', `${root}/lib`)
  return new Promise((resolve, reject) => {
    const child = spawn('/bin/sh', ['-s'], { stdio: ['pipe', 'pipe', 'pipe'] })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => {
      stdout.push(chunk)
      options.onStdout?.(chunk)
    })
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      resolve({ code, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr) })
    })
    child.stdin.end(Buffer.from(text, 'latin1'))
  })
}
