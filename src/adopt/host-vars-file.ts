/** Where variables of a host go that has some already, or none yet. */
import { existsSync } from 'node:fs'
import path from 'node:path'

const EXTENSIONS = ['', '.yml', '.yaml', '.json', '.yml.age', '.yaml.age']

/** `host_vars/NODE.yml`; `host_vars/NODE/adopted.yml` where the host has a file or folder already, which is read as well. */
export function hostVarsFile(inventoryDir: string, host: string): string {
  const folder = path.join(inventoryDir, 'host_vars')
  const plain = path.join(folder, `${host}.yml`)
  const hasAny = EXTENSIONS.some((extension) => existsSync(path.join(folder, `${host}${extension}`)))
  return hasAny ? path.join(folder, host, 'adopted.yml') : plain
}
