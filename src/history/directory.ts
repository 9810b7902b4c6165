/** Where this machine keeps the records of the runs that it started. */
import { homedir } from 'node:os'
import path from 'node:path'

/** Folder of records: `$XDG_STATE_HOME/pvectl/runs`, by default below `~/.local/state`. A relative value does not count. */
export function historyDirectory(env: NodeJS.ProcessEnv = process.env): string {
  const state = env.XDG_STATE_HOME ?? ''
  return path.join(path.isAbsolute(state) ? state : path.join(homedir(), '.local/state'), 'pvectl/runs')
}

/** File of a run. */
export function historyFile(directory: string, runId: string): string {
  return path.join(directory, `${runId}.jsonl`)
}

/** Ids of the runs in a listing of the folder, oldest first; whatever else lies there is left out. */
export function runIds(names: readonly string[]): readonly string[] {
  return names.flatMap((name) => /^(\d{8}T\d{6}-[0-9a-f]{6})\.jsonl$/.exec(name)?.[1] ?? []).sort()
}
