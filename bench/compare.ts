/**
 * Compares pvectl with one hand-written shell script per node over plain ssh, and with tuned Ansible, on the same job
 * and the same lab nodes, in one run. Prints a Markdown table of medians and ratios.
 *
 *   node --import tsx bench/compare.ts [--nodes 1,4,16] [--runs 5] [--tools pvectl,sh,ansible]
 *
 * Needs root (lab nodes), `npm run build`, and ansible-core for Ansible. Packages are installed on the nodes before the
 * clock starts, for all tools alike: apt's time would hide everything else.
 */
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs, promisify } from 'node:util'
import { parse } from 'yaml'

const exec = promisify(execFile)
const ROOT = join(import.meta.dirname, '..')
const JOB = join(import.meta.dirname, 'job')
const PVECTL = join(ROOT, 'bin/pvectl.js')
const LAB = 'bench'

const { values } = parseArgs({
  options: {
    nodes: { type: 'string', default: '1,4,16' },
    runs: { type: 'string', default: '5' },
    tools: { type: 'string', default: 'sh,pvectl,ansible' },
  },
})

type Phase = 'apply' | 'no-op' | 'check'
type Tool = 'sh' | 'pvectl' | 'ansible'

interface Lab {
  readonly inventory: string
  readonly key: string
  readonly knownHosts: string
  readonly nodes: readonly { readonly name: string; readonly address: string }[]
}

/** Runs a command to its end; rejects with its output when it fails. */
function runCommand(file: string, args: readonly string[], options: { env?: NodeJS.ProcessEnv; stdin?: string } = {}) {
  return new Promise<void>((resolve, reject) => {
    const child = spawn(file, args, {
      cwd: ROOT,
      env: { ...process.env, ...options.env },
      stdio: [options.stdin === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    })
    let output = ''
    child.stdout?.on('data', (chunk) => {
      output += chunk
    })
    child.stderr?.on('data', (chunk) => {
      output += chunk
    })
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`${file} ${args.join(' ')}: exit ${code}\n${output}`)),
    )
    child.stdin?.end(options.stdin)
  })
}

async function labUp(count: number, dir: string): Promise<Lab> {
  await exec('node', [PVECTL, 'lab', 'down', '--name', LAB], { cwd: ROOT })
  await exec('node', [PVECTL, 'lab', 'up', '--name', LAB, '--nodes', String(count), '--out', dir], { cwd: ROOT })
  const inventory = join(dir, 'hosts.yml')
  const { all } = parse(readFileSync(inventory, 'utf8'))
  const hosts = Object.entries(all.children.pve.hosts as Record<string, { address: string }>)
  const lab = {
    inventory,
    key: all.connection.key as string,
    knownHosts: join(dir, all.connection.known_hosts as string),
    nodes: hosts.map(([name, { address }]) => ({ name, address })),
  }
  await installPackages(lab)
  return lab
}

function sshArgs({ key, knownHosts }: Lab, address: string): string[] {
  const options = [`UserKnownHostsFile=${knownHosts}`, 'BatchMode=yes', 'GSSAPIAuthentication=no', 'IdentitiesOnly=yes']
  return [...options.flatMap((option) => ['-o', option]), '-i', key, `root@${address}`]
}

async function installPackages(lab: Lab): Promise<void> {
  const script = `export DEBIAN_FRONTEND=noninteractive
systemctl mask -q --runtime dnsmasq.service nginx.service
apt-get install -qy dnsmasq nginx python3-apt >/dev/null 2>&1 || exit 1
systemctl unmask -q --runtime dnsmasq.service nginx.service
rm -f /etc/nginx/sites-enabled/default`
  for (let i = 0; i < lab.nodes.length; i += 4) {
    const some = lab.nodes.slice(i, i + 4)
    await Promise.all(some.map(({ address }) => runCommand('ssh', [...sshArgs(lab, address), 'sh'], { stdin: script })))
  }
}

const TOOLS: Record<Tool, (lab: Lab, phase: Phase) => Promise<void>> = {
  async sh(lab, phase) {
    const script = readFileSync(join(JOB, 'node.sh'), 'utf8')
    const stdin = phase === 'check' ? `CHECK=1\n${script}` : script
    await Promise.all(lab.nodes.map(({ address }) => runCommand('ssh', [...sshArgs(lab, address), 'sh'], { stdin })))
  },
  async pvectl(lab, phase) {
    const command = phase === 'check' ? 'check' : 'apply'
    await runCommand(
      'node',
      [PVECTL, command, join(JOB, 'site.yml'), '-i', lab.inventory, '--yes'].slice(
        0,
        phase === 'check' ? -1 : undefined,
      ),
    )
  },
  async ansible(lab, phase) {
    const file = join(mkdtempSync(join(tmpdir(), 'bench-')), 'hosts.ini')
    const rows = lab.nodes.map(({ name, address }) => `${name} ansible_host=${address}`)
    const vars = ['[all:vars]', 'ansible_user=root', `ansible_ssh_private_key_file=${lab.key}`]
    vars.push(`ansible_ssh_common_args=-o UserKnownHostsFile=${lab.knownHosts}`)
    writeFileSync(file, [...rows, ...vars, ''].join('\n'))
    const args = ['-i', file, join(JOB, 'ansible.yml'), ...(phase === 'check' ? ['--check', '--diff'] : [])]
    await runCommand('ansible-playbook', args, { env: { ANSIBLE_CONFIG: join(JOB, 'ansible.cfg') } })
  },
}

async function seconds(work: () => Promise<void>): Promise<number> {
  const start = performance.now()
  await work()
  return (performance.now() - start) / 1000
}

function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

async function measure(tool: Tool, lab: Lab, runs: number): Promise<Record<Phase, number>> {
  const work = TOOLS[tool]
  const apply = await seconds(() => work(lab, 'apply'))
  // sshd refuses connections for a moment after its reload, and plain ssh doesn't try again.
  await new Promise((resolve) => setTimeout(resolve, 2000))
  const times: Record<'no-op' | 'check', number[]> = { 'no-op': [], check: [] }
  for (let i = 0; i < runs; i++) {
    times['no-op'].push(await seconds(() => work(lab, 'no-op')))
    times.check.push(await seconds(() => work(lab, 'check')))
  }
  return { apply, 'no-op': median(times['no-op']), check: median(times.check) }
}

async function startTimes(): Promise<{ node: number; version: number }> {
  const node: number[] = []
  const version: number[] = []
  for (let i = 0; i < 10; i++) {
    node.push(await seconds(() => runCommand('node', ['-e', '0'])))
    version.push(await seconds(() => runCommand('node', [PVECTL, '--version'])))
  }
  return { node: median(node), version: median(version) }
}

function log(line: string): void {
  process.stderr.write(`${line}\n`)
}

async function main(): Promise<void> {
  const counts = values.nodes.split(',').map(Number)
  const tools = values.tools.split(',') as Tool[]
  const rows: string[] = []
  for (const count of counts) {
    const results = new Map<Tool, Record<Phase, number>>()
    for (const tool of tools) {
      const dir = mkdtempSync(join(tmpdir(), 'bench-lab-'))
      mkdirSync(dir, { recursive: true })
      const lab = await labUp(count, dir)
      const result = await measure(tool, lab, Number(values.runs))
      results.set(tool, result)
      log(`${count} nodes, ${tool}: ${JSON.stringify(result)}`)
      rmSync(dir, { recursive: true, force: true })
    }
    const base = results.get('sh')
    for (const [tool, result] of results) {
      const cell = (phase: Phase) => {
        const ratio = base === undefined ? '' : ` (${(result[phase] / base[phase]).toFixed(2)}×)`
        return `${result[phase].toFixed(2)} s${ratio}`
      }
      rows.push(`| ${count} | ${tool} | ${cell('apply')} | ${cell('no-op')} | ${cell('check')} |`)
    }
  }
  await exec('node', [PVECTL, 'lab', 'down', '--name', LAB], { cwd: ROOT })
  const start = await startTimes()
  process.stdout.write(`| nodes | tool | first apply | no-op | check |\n|---|---|---|---|---|\n${rows.join('\n')}\n\n`)
  process.stdout.write(
    `Start-up: \`pvectl --version\` ${(start.version * 1000).toFixed(0)} ms, \`node -e 0\` ${(start.node * 1000).toFixed(0)} ms (${(start.version / start.node).toFixed(2)}×)\n`,
  )
}

await main()
