/** Questions of onboarding, asked on stderr so that stdout stays clean. */
import { Secret } from '../connection/secret.ts'
import type { ShownHostKey } from '../connection/shown-host-key.ts'
import { consoleCommand } from '../onboard/host-key.ts'

function hasTerminal(): boolean {
  return process.stdin.isTTY === true && process.stderr.isTTY === true
}

/** Asks whether a host key is right; undefined without a terminal. */
export function hostKeyPrompt(): ((node: string, key: ShownHostKey) => Promise<boolean>) | undefined {
  if (!hasTerminal()) return undefined
  return async (node, { type, fingerprint }) => {
    process.stderr.write(
      `The host key of ${node} is not known yet:\n  ${type} ${fingerprint}\nOn the console of the node: ${consoleCommand(type)}\n`,
    )
    const { confirm } = await import('@inquirer/prompts')
    return answered(() => confirm({ message: 'Is it the same?', default: false }, { output: process.stderr }), false)
  }
}

/** Asks for the password of root; undefined without a terminal. No answer means that nobody knows it. */
export function passwordPrompt(): ((node: string, attempt: number) => Promise<Secret | undefined>) | undefined {
  if (!hasTerminal()) return undefined
  return async (node, attempt) => {
    const { password } = await import('@inquirer/prompts')
    const message = `${attempt === 1 ? 'Password' : 'Wrong. Password'} of root at ${node}:`
    const text = await answered(() => password({ message, mask: false }, { output: process.stderr }), '')
    return text === '' ? undefined : new Secret(text)
  }
}

/** Ctrl-C and end of input give `otherwise`. */
async function answered<T>(ask: () => Promise<T>, otherwise: T): Promise<T> {
  try {
    return await ask()
  } catch (error) {
    if (error instanceof Error && error.name === 'ExitPromptError') return otherwise
    throw error
  }
}
