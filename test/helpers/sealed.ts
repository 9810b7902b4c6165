/** Keys and encrypted values for tests. */
import { chmodSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { encrypt, generateKey } from '../../src/secrets/age.ts'
import { SecretStore } from '../../src/secrets/store.ts'
import { project } from './project.ts'

/** A key in a file of its own, and what is done with it. */
export interface TestKey {
  readonly file: string
  readonly recipient: string
  readonly identity: string
  /** A store that opens with this key. */
  store(): SecretStore
  /** The value as YAML, from the tag on, its lines indented by `indent`. */
  seal(text: string, indent?: string): Promise<string>
}

/** Makes a key. */
export async function testKey(): Promise<TestKey> {
  const { identity, recipient } = await generateKey()
  const file = path.join(project({}), 'age.key')
  writeFileSync(file, `# made for a test\n${identity}\n`)
  chmodSync(file, 0o600)
  return {
    file,
    recipient,
    identity,
    store: () => new SecretStore({ env: { PVECTL_AGE_IDENTITY: file } }),
    seal: async (text, indent = '  ') => {
      const lines = (await encrypt(text, [recipient])).trimEnd().split('\n')
      return ['!age |', ...lines.map((line) => `${indent}${line}`)].join('\n')
    },
  }
}
