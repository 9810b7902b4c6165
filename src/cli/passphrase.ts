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

/**
 * The same question for several connectors of one command: what was answered once is given to the next one that asks for
 * the same key. A connector that asks again was answered wrongly, so the user is.
 */
export function rememberedPassphrases(
  ask: AskPassphrase | undefined,
): () => { readonly askPassphrase?: AskPassphrase } {
  if (ask === undefined) return () => ({})
  const answers = new Map<string, Secret>()
  return () => {
    const used = new Set<string>()
    return {
      async askPassphrase(keyFile) {
        const known = used.has(keyFile) ? undefined : answers.get(keyFile)
        used.add(keyFile)
        if (known !== undefined) return known
        const answer = await ask(keyFile)
        if (answer !== undefined) answers.set(keyFile, answer)
        return answer
      },
    }
  }
}
