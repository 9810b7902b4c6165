/** What a lab leaves on this machine, wherever it leaves things. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { labNames } from '../../src/lab/names.ts'
import { labDir, runtimeDir } from '../../src/lab/paths.ts'
import { processesWith } from '../../src/lab/processes.ts'
import { tryRun } from '../../src/lab/run.ts'

/** Names of everything of a lab on the machine; `inventory` is the folder of its inventory. */
export async function labTraces(lab: string, inventory: string): Promise<string[]> {
  const names = labNames(lab)
  const netns = await tryRun('ip', ['-o', 'netns', 'list'])
  const links = await tryRun('ip', ['-o', 'link', 'show'])
  const groups = await tryRun('find', ['/sys/fs/cgroup', '-maxdepth', '2', '-name', names.cgroup])
  const nspawn = ['propagate', 'locks'].flatMap((name) => list(`/run/systemd/nspawn/${name}`))
  const processes = [...(await processesWith(`${labDir(lab)}/`)), ...(await processesWith(`${runtimeDir(lab)}/`))]
  return [
    ...netns.stdout.split('\n').filter((line) => line.startsWith(names.netnsPrefix)),
    ...links.stdout.split('\n').filter((line) => line.includes(names.bridge)),
    ...groups.stdout.split('\n').filter(Boolean),
    ...readFileSync('/proc/self/mountinfo', 'utf8')
      .split('\n')
      .filter((line) => line.includes(`${labDir(lab)}/`)),
    ...processes.map((pid) => `process ${pid}`),
    ...nspawn.filter((name) => name.startsWith(names.bridge)),
    ...[labDir(lab), runtimeDir(lab), inventory].filter((path) => existsSync(path)),
  ]
}

function list(folder: string): string[] {
  return existsSync(folder) ? readdirSync(folder) : []
}
