import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { NodeRun } from '../../src/history/node-runs.ts'
import type { PastRun, RunSummary } from '../../src/history/runs.ts'
import { labUp, type Outcome, pvectl, pvectlEvents, ROOT, SNAPSHOT, type TestLab } from '../helpers/pvectl.ts'

const test = suite('rollback and history on a lab node')
const dir = mkdtempSync(join(tmpdir(), 'pvectl-lab-'))
let lab: TestLab

test.before(() => {
  process.env.XDG_STATE_HOME = join(dir, 'state')
  lab = labUp('rollback', 1, dir)
})
test.after(() => {
  lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

/** What a run changes besides packages: files of daemons and network, live links, rules, daemons. */
const STATE = `
find /etc/network /etc/dnsmasq.d /etc/sysctl.d /etc/ssh /etc/nginx/sites-enabled /etc/nginx/sites-available \\
  /etc/nginx/conf.d /etc/systemd/system \\( -type f -o -type l \\) 2>/dev/null | sort | grep -vE 'default|README|interfaces[.]lock' |
  while read -r f; do echo "$f $(stat -c '%a %U:%G %F' "$f") $(readlink "$f" || sha256sum < "$f")"; done
ip -o address | grep -v fe80 | awk '{print $2,$3,$4}'; ip route
iptables-save -t nat | grep '^-A'
systemctl is-active dnsmasq nginx ssh; systemctl is-enabled dnsmasq nginx ssh 2>/dev/null || :
`

function playbook(name: string, tasks: string): string {
  const file = join(dir, `${name}.yml`)
  writeFileSync(file, `- name: ${name}\n  hosts: all\n  tasks:\n${tasks.replace(/^/gm, '    ')}\n`)
  return file
}

function apply(file: string): void {
  const { code, stdout, stderr } = pvectl(['apply', file, '-i', lab.inventory])
  assert.is(code, 0, stdout + stderr)
}

function rollback(...flags: readonly string[]): Outcome {
  return pvectl(['rollback', 'node1', '-i', lab.inventory, ...flags])
}

function nodeHistory(): readonly NodeRun[] {
  const { stdout } = pvectl(['history', '--host', 'node1', '-i', lab.inventory, '--json'])
  return JSON.parse(stdout) as NodeRun[]
}

function rules(): readonly string[] {
  return lab.ssh('node1', "iptables-save -t nat | grep '^-A' || :").split('\n').filter(Boolean)
}

test('all of the shipped playbooks: back to a node without them, and forth again', () => {
  const before = lab.ssh('node1', STATE)
  apply('site')
  const after = lab.ssh('node1', STATE)
  assert.is.not(after, before)
  const untouched = lab.ssh('node1', SNAPSHOT)
  const check = rollback('--check')
  assert.is(check.code, 0, check.stderr)
  assert.match(check.stdout, /-\s+post-up iptables/)
  assert.match(check.stdout, 'package nginx: stays')
  assert.match(check.stdout, 'net.ipv4.ip_forward: the live value stays')
  assert.not.match(check.stdout, 'PRIVATE KEY')
  assert.is(lab.ssh('node1', SNAPSHOT), untouched, 'a check changes nothing')
  const done = rollback('--yes')
  assert.is(done.code, 0, done.stdout + done.stderr)
  const lines = (state: string) =>
    state.split('\n').filter((line) => !/^(active|inactive|enabled|disabled|not-found)$/.test(line))
  const now = lines(lab.ssh('node1', STATE))
  assert.equal(
    lines(before).filter((line) => !now.includes(line)),
    [],
    'all that was there is there as it was',
  )
  const left = now.filter((line) => !lines(before).includes(line))
  assert.equal(left, [], 'what the run wrote is gone')
  assert.match(lab.ssh('node1', 'systemctl is-active dnsmasq nginx ssh || :'), /^inactive\ninactive\nactive\n/)
  const [newest] = nodeHistory()
  assert.is(rollback('--yes', '--run', newest?.id ?? '').code, 0)
  assert.is(lab.ssh('node1', STATE), after)
  assert.is(pvectl(['check', 'site', '-i', lab.inventory, '--exit-code']).code, 0)
})

test('an address on a bridge that stays goes back live', () => {
  const addresses = () => lab.ssh('node1', "ip -o -4 address show vmbr1 | awk '{print $4}'")
  const before = lab.ssh('node1', STATE)
  apply(playbook('address', '- bridge: { name: vmbr1, address: 10.20.20.1/24 }'))
  assert.is(addresses(), '10.20.20.1/24\n')
  const { code, stdout, stderr } = rollback('--yes')
  assert.is(code, 0, stdout + stderr)
  assert.is(addresses(), '10.10.10.1/24\n')
  assert.is(lab.ssh('node1', STATE), before)
})

test('a NAT rule follows the hooks that go and come', () => {
  const [present] = rules()
  apply(playbook('nat', '- masquerade: { source: 10.10.10.0/24, out: vmbr0, state: absent }'))
  assert.equal(rules(), [])
  assert.is(rollback('--yes').code, 0)
  assert.equal(rules(), [present])
  const [newest] = nodeHistory()
  assert.is(rollback('--yes', '--run', newest?.id ?? '').code, 0)
  assert.equal(rules(), [])
})

test('changes by others are refused by path, and restored by force', () => {
  const file = '/etc/motd.pvectl'
  apply(playbook('motd', `- file: { path: ${file}, content: "one\\n" }`))
  lab.ssh('node1', `echo mine >> ${file}`)
  const { code, stderr } = rollback('--yes')
  assert.is(code, 5)
  assert.match(stderr, `${file} was changed since that run`)
  assert.match(lab.ssh('node1', `cat ${file}`), 'mine')
  assert.is(rollback('--yes', '--force').code, 0)
  assert.is(lab.try('node1', `test -e ${file}`).code, 1)
})

test('files that their daemon would not take are not restored, and nothing is left half-way', () => {
  const conf = '/etc/nginx/conf.d/zz-mine.conf'
  apply(playbook('conf', `- file: { path: ${conf}, content: "# nothing\\n" }`))
  apply(playbook('conf', `- file: { path: ${conf}, content: "# more\\n" }`))
  lab.ssh('node1', 'echo "nonsense;" > /etc/nginx/conf.d/zz-theirs.conf')
  const { code, stdout } = rollback('--yes')
  assert.is(code, 5)
  assert.match(stdout, 'nginx -t rejects')
  assert.is(lab.ssh('node1', `cat ${conf}`), '# more\n')
  lab.ssh('node1', 'rm /etc/nginx/conf.d/zz-theirs.conf')
  assert.is(rollback('--yes').code, 0)
  assert.is(lab.ssh('node1', `cat ${conf}`), '# nothing\n')
})

test('without a terminal, a rollback wants --yes; unknown runs and hosts are usage errors', () => {
  assert.is(rollback().code, 2)
  assert.is(rollback('--check', '--run', 'nope').code, 2)
  assert.is(pvectl(['rollback', 'nope', '-i', lab.inventory, '--check']).code, 2)
})

test('a run whose worker was killed is told until a later run takes note, and can be rolled back by force', () => {
  const file = '/etc/half-way'
  const tasks = `- file: { path: ${file}, content: x }\n- command: { run: "kill -KILL -$(ps -o pgid= -p $$ | tr -d ' ')" }`
  const args = [join(ROOT, 'bin/pvectl.js'), 'apply', playbook('killed', tasks), '-i', lab.inventory]
  assert.is.not(spawnSync('node', args, { timeout: 6000, killSignal: 'SIGKILL' }).status, 0)
  const notices = () => {
    const { events } = pvectlEvents(['check', 'site', '-i', lab.inventory])
    return events
      .flatMap((event) => (event.event === 'host:notice' ? [event.message] : []))
      .filter((message) => message.includes('broke off'))
  }
  assert.is(notices().length, 1)
  assert.match(pvectl(['history', '--host', 'node1', '-i', lab.inventory]).stdout, 'broke off')
  assert.is(rollback('--yes').code, 5)
  assert.is(rollback('--yes', '--force').code, 0)
  assert.is(lab.try('node1', `test -e ${file}`).code, 1)
  assert.equal(notices(), [])
})

test('both sides remember who did what', () => {
  const { stdout } = pvectl(['history', '--json'])
  const runs = JSON.parse(stdout) as RunSummary[]
  const site = runs.find(({ playbook: name }) => name === 'site')
  assert.equal(site?.hosts, { changed: 1 })
  const { nodes } = JSON.parse(pvectl(['history', site?.id ?? '', '--json']).stdout) as PastRun
  assert.ok(nodes[0]?.tasks.some(({ changes }) => changes.includes('install dnsmasq')))
  const onNode = nodeHistory().find(({ id }) => id === site?.id)
  assert.is(onNode?.owner, site?.owner)
  assert.match(onNode?.digest ?? '', /^[0-9a-f]{64}$/)
  assert.match(
    pvectl(['history', site?.id ?? '', '--host', 'node1', '-i', lab.inventory]).stdout,
    '/etc/network/interfaces',
  )
})

test.run()
