import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createSshConnector } from '../../src/connection/ssh-connector.ts'
import type { RunEvent } from '../../src/engine/events.ts'
import { run } from '../../src/engine/run.ts'
import { loadInventory } from '../../src/inventory/load.ts'
import { nginxVhostTask } from '../../src/tasks/nginx-vhost.ts'
import { hostContext } from '../helpers/host-context.ts'
import { testJob, testTask } from '../helpers/job.ts'
import { labUp, type TestLab } from '../helpers/pvectl.ts'

const test = suite('nginx sites on a lab node')
const dir = mkdtempSync(path.join(tmpdir(), 'pvectl-lab-nginx-'))
let lab: TestLab

const tls = { self_signed: true }
const git = { server_names: ['git.example.org'], upstream: { servers: ['127.0.0.1:8080'] }, tls }
const guests = {
  wildcard: { domain: 'apps.example.org', internal_domain: 'lab.internal', resolver: '127.0.0.1', port: 8080 },
  tls,
}
const sites = [{ reject_unknown: true }, git, guests]

/** Answers every request with its first line and Host header, as guests would. */
const BACKEND = String.raw`use IO::Socket::INET; my $s = IO::Socket::INET->new(LocalPort => 8080, Listen => 5, ReuseAddr => 1);
while (my $c = $s->accept) { my ($r, $h) = (scalar <$c>, ''); while (<$c>) { last if /^\r?\n/; $h = $1 if /^Host: (\S+)/ }
$r =~ s/\s+$//; print $c "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n$r to $h"; close $c }`

test.before(() => {
  lab = labUp('nginx', 1, dir)
})

test.after(() => {
  lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

async function go(params: readonly unknown[], mode: 'apply' | 'check' = 'apply') {
  const inventory = await loadInventory(lab.inventory, { cwd: dir })
  const tasks = params.map((p, i) =>
    testTask(String(i + 1), ...nginxVhostTask.resources(nginxVhostTask.params.parse(p), hostContext())),
  )
  const [stage] = testJob(tasks).stages
  const [host] = inventory.hosts
  assert.ok(stage && host)
  const job = { ...testJob(tasks), hosts: [host], stages: [{ ...stage, hosts: [{ host, tasks }] }] }
  const events: RunEvent[] = []
  const connector = createSshConnector()
  const { exitCode } = await run({ job, connector, mode, emit: (event) => events.push(event) })
  await connector.close()
  const changes = events.flatMap((e) =>
    e.event === 'task:planned' ? e.resources.flatMap((r) => r.changes.map(({ summary }) => summary)) : [],
  )
  return { exitCode, changes, events }
}

/** Status and body of a request to the node; `000` when the connection ends without an answer. */
function get(url: string): string {
  const { hostname, port, protocol } = new URL(url)
  const to = `${hostname}:${port || (protocol === 'https:' ? 443 : 80)}:${lab.addresses.node1}`
  const args = ['-s', '-k', '-m', '10', '--noproxy', '*', '--resolve', to, '-w', ' %{http_code}%{redirect_url}', url]
  try {
    return execFileSync('curl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
  } catch (error) {
    return String((error as { stdout: string }).stdout)
  }
}

test('a dry run on a node without nginx foretells exactly what apply does; a second apply does nothing', async () => {
  const planned = await go(sites, 'check')
  assert.is(lab.try('node1', 'command -v nginx').code, 127)
  const applied = await go(sites)
  assert.is(applied.exitCode, 0, JSON.stringify(applied.events))
  assert.equal(applied.changes, planned.changes)
  assert.not(planned.events.some((e) => e.event === 'task:planned' && e.status === 'unknown'))
  assert.equal((await go(sites)).changes, [])
})

test('requests get where they should, from outside', () => {
  lab.ssh(
    'node1',
    `apt-get install -y -q dnsmasq >/dev/null 2>&1
printf '%s\n' listen-address=127.0.0.1 bind-interfaces address=/web.lab.internal/127.0.0.1 local=/lab.internal/ > /etc/dnsmasq.d/test.conf
systemctl restart dnsmasq
cat > /run/backend.pl <<'END'
${BACKEND}
END
systemd-run -q --unit=backend perl /run/backend.pl
sleep 0.5`,
  )
  assert.is(get('https://git.example.org/a?b=1'), 'GET /a?b=1 HTTP/1.1 to git.example.org 200')
  assert.match(get('http://git.example.org/a?b=1'), ' 301https://git.example.org/a?b=1')
  assert.is(get('https://web.apps.example.org/x'), 'GET /x HTTP/1.1 to web.apps.example.org 200')
  assert.match(get('https://unknown.apps.example.org/'), ' 502')
  for (const url of ['https://a.web.apps.example.org/', 'http://a.web.apps.example.org/', 'https://198.51.100.1/']) {
    assert.is(get(url), ' 000', url)
  }
})

test('a site that nginx rejects leaves nothing behind, and the others go on', async () => {
  const broken = { ...git, server_names: ['new.example.org'], extra: 'nonsense on;' }
  const { exitCode, events } = await go([broken])
  assert.is(exitCode, 5)
  const failed = events.find((e) => e.event === 'host:finished')
  assert.match(failed?.error?.problems[0]?.message ?? '', 'unknown directive "nonsense"')
  assert.is(lab.ssh('node1', 'ls /etc/nginx/sites-available /etc/nginx/sites-enabled | grep -c new || :').trim(), '0')
  lab.ssh('node1', 'nginx -t -q')
  assert.match(get('https://git.example.org/'), ' 200')
})

test('a port that another process has is told before anything changes', async () => {
  const before = lab.ssh('node1', 'ls -lR --time-style=full-iso /etc/nginx')
  const { exitCode, events } = await go([{ ...git, http_port: 8080 }])
  assert.is(exitCode, 5)
  const failed = events.find((e) => e.event === 'host:finished')
  assert.match(failed?.error?.problems[0]?.message ?? '', 'port 8080 is taken by perl')
  assert.is(lab.ssh('node1', 'ls -lR --time-style=full-iso /etc/nginx'), before)
})

test('a certificate that runs out soon is made anew and served', async () => {
  lab.ssh(
    'node1',
    `cd /etc/nginx/pvectl && openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 10 -subj /CN=x \
-addext subjectAltName=DNS:git.example.org -keyout git.example.org.key -out git.example.org.crt 2>/dev/null`,
  )
  const { exitCode, changes } = await go([git])
  assert.is(exitCode, 0)
  assert.equal(changes, [
    'make a self-signed certificate for git.example.org (the present one expires in 9 days)',
    'reload nginx.service (/etc/nginx/pvectl/git.example.org.crt is newer)',
  ])
  assert.equal((await go([git])).changes, [])
  assert.is(lab.ssh('node1', 'stat -c "%a %U" /etc/nginx/pvectl/git.example.org.key').trim(), '600 root')
})

test('an absent site is gone, and nothing else is', async () => {
  const gone = { name: 'git.example.org', state: 'absent' }
  assert.is((await go([gone])).exitCode, 0)
  assert.equal((await go([gone])).changes, [])
  lab.ssh('node1', 'sleep 1')
  assert.is(get('https://git.example.org/'), ' 000')
  assert.match(get('https://web.apps.example.org/'), ' 200')
})

test.run()
