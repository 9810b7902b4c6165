/** Asks for passphrases of SSH keys, where there is somebody to ask. */
import type { AskPassphrase } from '../connection/keyring.ts'
import { Secret } from '../connection/secret.ts'

/** Asks on the terminal, on stderr so that stdout stays clean; undefined when there is no terminal. */
export function passphrasePrompt(): AskPassphrase | undefined {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return undefined
  return async (keyFile) => {
    const { password } = await import('@inquirer/prompts')
    try {
      return new Secret(await password({ message: `Passphrase of ${keyFile}:`, mask: '*' }, { output: process.stderr }))
    } catch (error) {
      // Ctrl-C and end of input mean: no passphrase.
      if (error instanceof Error && error.name === 'ExitPromptError') return undefined
      throw error
    }
  }
}
