/** How to call the system's ssh for a lab node. */
import { spawn } from 'node:child_process'
import { EXIT, PvectlError } from '../errors.ts'
import { checkRoot } from './host-check.ts'
import { keyFile, knownHostsFile } from './paths.ts'
import { findNode, requireState } from './state.ts'

/** Arguments of ssh up to and with the destination: the lab's key, its pinned host keys, nothing of the user's own. */
export function sshArguments(lab: string, address: string): string[] {
  const options = [
    `UserKnownHostsFile=${knownHostsFile(lab)}`,
    'GlobalKnownHostsFile=/dev/null',
    'StrictHostKeyChecking=yes',
    'IdentitiesOnly=yes',
    'PasswordAuthentication=no',
    'GSSAPIAuthentication=no',
    // A post-quantum exchange costs a tenth of a second of processor time, and nobody listens in here.
    'KexAlgorithms=curve25519-sha256',
  ]
  const flags = options.flatMap((option) => ['-o', option])
  return ['-F', '/dev/null', '-i', keyFile(lab), ...flags, `root@${address}`]
}

/** Runs the system's ssh on the terminal of this process and resolves with its exit status. */
export async function labSsh(lab: string, name: string, command: readonly string[]): Promise<number> {
  checkRoot()
  const { address } = findNode(await requireState(lab), name)
  return new Promise((resolve, reject) => {
    const child = spawn('ssh', [...sshArguments(lab, address), ...command], { stdio: 'inherit' })
    // Ctrl-C is for the session.
    const ignore = () => {}
    process.on('SIGINT', ignore)
    child.on('error', (cause) => reject(new PvectlError('LAB_FAILED', `cannot run ssh: ${cause.message}`, { cause })))
    child.on('close', (code) => {
      process.off('SIGINT', ignore)
      resolve(code ?? EXIT.internal)
    })
  })
}
