/** Paths as users write them. */
import { join } from 'node:path'

/** Replaces a leading `~/` by the home directory, as a shell would. */
export function expandHome(path: string, homeDir: string): string {
  return path.startsWith('~/') ? join(homeDir, path.slice(2)) : path
}
