/** Runs pvectl from its sources as a user would. */
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const DEV = fileURLToPath(new URL('../../bin/dev.js', import.meta.url))

/** How a command ended. */
export interface CliResult {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Runs one command line in `cwd`, without a terminal and with a deadline of 20 s. */
export function pvectl(args: readonly string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<CliResult> {
  const { FORCE_COLOR: _, PVECTL_INVENTORY: __, ...own } = process.env
  const child = spawn(process.execPath, [DEV, ...args], {
    cwd,
    env: { ...own, NO_COLOR: '1', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: 20_000,
  })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
  child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
  return new Promise((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) =>
      resolve({ code, stdout: Buffer.concat(stdout).toString(), stderr: Buffer.concat(stderr).toString() }),
    )
  })
}
