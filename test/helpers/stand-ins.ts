/** Puts stand-ins for Proxmox VE's own tools, which Debian does not have, on lab nodes. They prove nothing of PVE itself. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { ROOT, type TestLab } from './pvectl.ts'

const FOLDER = join(ROOT, 'test/stand-ins')

/**
 * Installs `test/stand-ins/NAME-stand-in` as /usr/bin/NAME on a node, for each name (`pvesh`, `pvecm`, `qm`).
 * Throws when there is no such stand-in.
 */
export function installStandIns(lab: TestLab, node: string, names: readonly string[]): void {
  const known = readdirSync(FOLDER)
  for (const name of names) {
    if (!known.includes(`${name}-stand-in`)) throw new Error(`there is no stand-in for ${name}`)
    const content = readFileSync(join(FOLDER, `${name}-stand-in`)).toString('base64')
    lab.ssh(
      node,
      `printf %s '${content}' | base64 -d > /usr/bin/${name}.new && chmod 755 /usr/bin/${name}.new && mv /usr/bin/${name}.new /usr/bin/${name}`,
    )
  }
}
