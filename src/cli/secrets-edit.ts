/** `pvectl secrets edit`. */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { type Problem, PvectlError } from '../errors.ts'
import { createPalette, wantsColor } from '../reporters/palette.ts'
import { problemLines } from '../reporters/problems.ts'
import { editSecrets } from '../secrets/edit.ts'
import { readRecipients } from '../secrets/recipients.ts'
import { SecretStore } from '../secrets/store.ts'
import { displayPath } from '../yaml/display-path.ts'

/** Edits a file with the editor of the user. Gives what to tell. */
export async function editFile(name: string, cwd: string, env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const file = path.resolve(cwd, name)
  const shown = displayPath(file, cwd)
  const recipients = await readRecipients(path.dirname(file), cwd)
  const changed = await editSecrets({
    file,
    shown,
    recipients,
    secrets: new SecretStore(),
    openEditor: (copy) => openEditor(env.VISUAL || env.EDITOR || 'vi', copy),
    editAgain,
  })
  return changed
    ? `${shown}: encrypted for ${recipients.length} ${recipients.length === 1 ? 'key' : 'keys'}`
    : `${shown}: unchanged`
}

/** The setting may hold options, as in `code --wait`, so a shell takes it apart. */
async function openEditor(command: string, file: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const editor = spawn('/bin/sh', ['-c', `${command} "$1"`, 'sh', file], { stdio: 'inherit' })
    editor.once('close', (code) => resolve(code ?? 1))
    editor.once('error', (cause) => {
      reject(new PvectlError('SECRET_FAILED', `the editor cannot be started: ${cause.message}`, { cause }))
    })
  })
}

async function editAgain(problems: readonly Problem[]): Promise<boolean> {
  if (!process.stdin.isTTY || !process.stderr.isTTY) return false
  const palette = createPalette(wantsColor(process.stderr))
  process.stderr.write(`${problems.flatMap((problem) => problemLines(problem, palette)).join('\n')}\n`)
  const { confirm } = await import('@inquirer/prompts')
  return confirm(
    { message: 'Edit again? (no: what you wrote is lost)', default: true },
    { output: process.stderr },
  ).catch(() => false)
}
