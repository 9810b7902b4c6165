/** What the commands for secrets have in common: where things lie, and what comes from standard input. */
import { statSync } from 'node:fs'
import path from 'node:path'
import { PvectlError } from '../errors.ts'
import { locateInventory } from '../inventory/locate.ts'

/** Folder of an inventory, where its recipients are listed; `inventory/` or the working directory where it has none. */
export function inventoryFolder(inventory: string, cwd: string): string {
  try {
    return locateInventory(inventory, cwd).dir
  } catch (error) {
    if (!(error instanceof PvectlError)) throw error
    const folder = path.join(cwd, 'inventory')
    return statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true ? folder : cwd
  }
}

/** All of standard input. */
export async function readStdin(): Promise<Buffer> {
  const chunks: Buffer[] = []
  for await (const chunk of process.stdin) chunks.push(Buffer.from(chunk))
  return Buffer.concat(chunks)
}

/** Asks for a secret twice, without echo. Throws USAGE when the two differ or nothing comes. */
export async function askSecret(): Promise<string> {
  const { password } = await import('@inquirer/prompts')
  const ask = (message: string) => password({ message }, { output: process.stderr })
  try {
    const first = await ask('Secret:')
    if ((await ask('Once more:')) === first) return first
  } catch (error) {
    if (!(error instanceof Error && error.name === 'ExitPromptError')) throw error
    throw new PvectlError('INTERRUPTED', 'nothing was encrypted')
  }
  throw new PvectlError('USAGE', 'the two differ, so nothing was encrypted')
}
