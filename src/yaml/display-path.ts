/** Paths as messages show them. */
import path from 'node:path'

/** Relative to `cwd` where the file is below it, else absolute. */
export function displayPath(file: string, cwd: string): string {
  const relative = path.relative(cwd, file)
  return relative.startsWith('..') || path.isAbsolute(relative) || relative === '' ? file : relative
}
