/** Nodes set up by hand, described by `adopt` so that `check` finds nothing to change; and `inventory discover`. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import { GUIDE_NAT } from '../helpers/guides.ts'
import { exampleCluster, pveshFiles } from '../helpers/pve-cluster.ts'
import { assertSame, labUp, pvectl, pvectlEvents, SNAPSHOT, type TestLab } from '../helpers/pvectl.ts'
import { installStandIns } from '../helpers/stand-ins.ts'

const test = suite('adopt')
const dir = mkdtempSync(join(tmpdir(), 'pvectl-adopt-'))
let lab: TestLab

/** As guides and their readers have it. */
const BY_HAND = `set -e
export DEBIAN_FRONTEND=noninteractive
apt-get -qq install -y dnsmasq nginx-light >/dev/null 2>&1
cat >> /etc/network/interfaces <<'END'${GUIDE_NAT}END
ifup vmbr1; ifreload -a; ifreload -a
printf '\\n# routing\\nnet.ipv4.ip_forward=1\\n' >> /etc/sysctl.conf
cat > /etc/dnsmasq.d/vmbr1.conf <<'END'
interface=vmbr1
bind-interfaces
domain=lan
dhcp-range=10.10.10.50,10.10.10.150,12h
dhcp-option=3,10.10.10.1
dhcp-host=bc:24:11:00:00:64,web,10.10.10.20
END
cat > /etc/nginx/sites-available/git.example.org <<'END'
server { listen 80; server_name git.example.org; location / { proxy_pass http://10.10.10.20:3000; } }
END
ln -s /etc/nginx/sites-available/git.example.org /etc/nginx/sites-enabled/
rm /etc/nginx/sites-enabled/default
printf 'proxy_set_header Authorization "Basic Z2VoZWltOmdlaGVpbQ==";\\n' > /etc/nginx/snippets/auth.conf
useradd -m -s /usr/sbin/nologin -c 'ssh jump' jump
mkdir -p ~jump/.ssh
ssh-keygen -q -t ed25519 -N '' -C ada@laptop -f /root/jump-key
cp /root/jump-key.pub ~jump/.ssh/authorized_keys
chown -R jump: ~jump/.ssh
printf '\\nMatch User jump\\n    PermitOpen 10.10.10.20:22\\n    PermitTTY no\\n' >> /etc/ssh/sshd_config
printf 'PGPASSWORD=geheim\\n0 3 * * * root true\\n' > /etc/cron.d/backup
printf '[Unit]\\nDescription=routes\\n[Service]\\nType=oneshot\\nRemainAfterExit=yes\\nExecStart=/usr/local/sbin/routes\\n[Install]\\nWantedBy=multi-user.target\\n' > /etc/systemd/system/routes.service
printf '#!/bin/sh\\nexit 0\\n' > /usr/local/sbin/routes
chmod 755 /usr/local/sbin/routes
systemctl daemon-reload
systemctl enable -q --now routes
sleep 1
systemctl restart dnsmasq
systemctl reload nginx ssh
rm -f /var/cache/apt/*.bin`

test.before(() => {
  lab = labUp('adopt-command', 2, dir)
  lab.ssh('node1', BY_HAND)
})
test.after(() => {
  lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

const IN = () => ({ cwd: dir })
const inventory = () => ['-i', lab.inventory]

/** All that was written below a folder. */
function written(folder: string): string {
  return readdirSync(join(dir, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8'))
    .join('\n')
}

function statuses(playbook: string, node: string): string[] {
  const { code, events } = pvectlEvents(['check', playbook, ...inventory(), '-l', node, '--exit-code'], dir)
  const tasks = events.flatMap((e) => (e.event === 'task:planned' ? [`${e.title}: ${e.status}`] : []))
  return [`exit ${code}`, ...tasks.filter((text) => !text.endsWith(': ok'))]
}

test('a node set up by hand: nothing on it changes, and `check` finds nothing to change', () => {
  const before = lab.ssh('node1', SNAPSHOT)
  const { code, stdout, stderr } = pvectl(['adopt', 'node1', ...inventory()], IN())
  assert.is(code, 0, stderr)
  assertSame(before, lab.ssh('node1', SNAPSHOT))
  assert.equal(statuses('node1', 'node1'), ['exit 0'])
  const [play] = parse(readFileSync(join(dir, 'playbooks/node1.yml'), 'utf8'))
  const titles = play.tasks.map(({ name }: { name: string }) => name)
  for (const title of [
    'Packages that were installed by hand',
    'File /etc/sysctl.conf',
    'Bridge vmbr0',
    'Bridge vmbr1',
    'Hide 10.10.10.0/24 behind vmbr0',
    'File /etc/dnsmasq.d/vmbr1.conf',
    'Service dnsmasq',
    'File /etc/nginx/sites-available/git.example.org',
    'Link /etc/nginx/sites-enabled/git.example.org',
    'Service nginx',
    'Account jump',
    'Keys of jump',
    'File /etc/systemd/system/routes.service',
    'File /usr/local/sbin/routes',
    'Service routes.service',
  ])
    assert.ok(titles.includes(title), `${title}\n${stdout}\n${titles.join('\n')}`)
  const text = readFileSync(join(dir, 'playbooks/node1.yml'), 'utf8')
  assert.match(text, /# {3}nginx_vhost:\n +# {5}server_names:\n +# {7}- git\.example\.org\n/)
  for (const left of [
    /post-up echo 1 > \/proc\/sys\/net\/ipv4\/ip_forward/,
    /one guarded hook for 10\.10\.10\.0\/24, and its rule live once.*remove 2 of 3 equal rules/,
    /Match User jump.*PermitOpen 10\.10\.10\.20:22/,
    /\/etc\/nginx\/snippets\/auth\.conf: line 1 looks as if it held a secret/,
    /\/etc\/cron\.d\/backup: line 1 looks as if it held a secret/,
  ])
    assert.match(stdout, left)
})

test('no secret is in what was written, and files are as they are on the node', () => {
  const text = written('playbooks') + written('host_vars')
  assert.not.match(text, /geheim|Z2Vo|PRIVATE KEY/)
  const copy = readFileSync(join(dir, 'playbooks/files/node1/etc/dnsmasq.d/vmbr1.conf'), 'utf8')
  assert.is(copy, lab.ssh('node1', 'cat /etc/dnsmasq.d/vmbr1.conf'))
  assert.equal(parse(readFileSync(join(dir, 'host_vars/node1.yml'), 'utf8')).internal_bridge, 'vmbr1')
})

test('files that are there are not written over, unless that is asked for', () => {
  writeFileSync(join(dir, 'playbooks/node1.yml'), '# mine\n')
  const { code, stderr } = pvectl(['adopt', 'node1', ...inventory()], IN())
  assert.is(code, 2)
  assert.match(stderr, /there already: playbooks\/node1\.yml, .*\n.*--force/)
  assert.is(readFileSync(join(dir, 'playbooks/node1.yml'), 'utf8'), '# mine\n')
  assert.is(pvectl(['adopt', 'node1', ...inventory(), '--check'], IN()).code, 0)
  assert.is(readFileSync(join(dir, 'playbooks/node1.yml'), 'utf8'), '# mine\n')
  assert.is(pvectl(['adopt', 'node1', ...inventory(), '--force'], IN()).code, 0)
  assert.equal(statuses('node1', 'node1'), ['exit 0'])
})

test('what changes by hand afterwards is seen', () => {
  lab.ssh('node1', 'systemctl stop dnsmasq; echo "# x" >> /etc/sysctl.conf; ip link set vmbr1 down; iptables -t nat -F')
  assert.equal(statuses('node1', 'node1'), [
    'exit 6',
    'File /etc/sysctl.conf: would change',
    'Bridge vmbr1: would change',
    'Hide 10.10.10.0/24 behind vmbr0: would change',
    'Service dnsmasq: would change',
  ])
})

test('what pvectl itself set up comes out as the tasks that it was set up by', () => {
  const site = pvectl(['apply', 'site', ...inventory(), '-l', 'node2', '--yes'], IN())
  assert.is(site.code, 0, site.stdout)
  const { code, stdout } = pvectl(['adopt', 'node2', ...inventory(), '--out', 'out', '--json'], IN())
  assert.is(code, 0)
  const report = JSON.parse(stdout)
  assert.equal(report.suggestions, [])
  const [play] = parse(readFileSync(join(dir, 'out/playbooks/node2.yml'), 'utf8'))
  const types = play.tasks.map((task: object) => Object.keys(task).find((key) => key !== 'name'))
  for (const type of ['hosts_entry', 'ip_forwarding', 'bridge', 'masquerade', 'dnsmasq', 'nginx_vhost', 'jump_user'])
    assert.ok(types.includes(type), `${type} is not in ${types.join()}`)
  assert.equal(statuses(join(dir, 'out/playbooks/node2.yml'), 'node2'), ['exit 0'])
})

const CLUSTER = () =>
  exampleCluster(
    [
      { name: 'pve1', ip: '10.99.0.1', outer: `${lab.addresses.node1}/24`, inner: '10.10.10.1/24' },
      { name: 'pve2', ip: '10.99.0.2', outer: '203.0.113.99/24', inner: '10.10.3.1/24' },
    ],
    { pve2: { 100: { hostname: 'web', net0: 'name=eth0,bridge=vmbr1,hwaddr=BC:24:11:00:00:64,ip=10.10.3.20/24' } } },
  )

test('discover shows what it would add, and adds it with nothing lost', () => {
  installStandIns(lab, 'node1', ['pvesh'])
  const files = pveshFiles(CLUSTER()).map(({ path, content }) => {
    const target = `/var/lib/pvesh-stand-in${path}`
    return `mkdir -p "$(dirname ${target})"; echo ${Buffer.from(content).toString('base64')} | base64 -d > ${target}`
  })
  lab.ssh('node1', files.join('\n'))
  const before = readFileSync(lab.inventory, 'utf8')
  const args = ['inventory', 'discover', 'node1', ...inventory()]
  const check = pvectl([...args, '--check'], IN())
  assert.is(check.code, 0, check.stderr)
  assert.match(check.stdout, /cluster example: 2 members, 1 guest/)
  assert.match(check.stdout, /\+ +pve2:\n\+ +address: 10\.99\.0\.2\n/)
  assert.is(readFileSync(lab.inventory, 'utf8'), before)
  const { code, stdout } = pvectl([...args, '--yes', '--json'], IN())
  assert.is(code, 0)
  const report = JSON.parse(stdout)
  assert.equal([report.added, report.extended, report.written], [['pve2'], [], true])
  assert.is(readFileSync(report.backup, 'utf8'), before)
  const after = readFileSync(lab.inventory, 'utf8')
  assert.ok(before.split('\n').every((line) => after.includes(line)))
  assert.equal(parse(after).all.children.pve.hosts.pve2, {
    address: '10.99.0.2',
    vars: {
      internal_address: '10.10.3.1/24',
      reservations: [{ name: 'web', mac: 'bc:24:11:00:00:64', ip: '10.10.3.20' }],
    },
  })
  assert.match(pvectl(args, IN()).stdout, 'has all of this already')
  assert.equal(readdirSync(dir).filter((name) => name.endsWith('.bak')).length, 1)
  assert.not.ok(existsSync(join(dir, 'hosts.yml.new')))
})

for (const [fault, expected] of [
  ['no-pmxcfs', /Unable to load access control list.*\n.*systemctl status pve-cluster/],
  ['polluted', undefined],
] as const) {
  test(`discover with the fault ${fault}`, () => {
    lab.ssh('node1', `echo ${fault} > /var/lib/pvesh-stand-in/fault; echo 'echo "motd {[" ' > /root/.bashrc`)
    const { code, stdout, stderr } = pvectl(['inventory', 'discover', 'node1', ...inventory()], IN())
    if (expected === undefined) assert.match(stdout, 'has all of this already')
    else {
      assert.is(code, 5)
      assert.match(stderr, expected)
    }
  })
}

test('discover of a node without Proxmox VE says so', () => {
  const { code, stderr } = pvectl(['inventory', 'discover', 'node2', ...inventory()], IN())
  assert.is(code, 5)
  assert.match(stderr, 'there is no pvesh, so this is no node of Proxmox VE')
})

test.run()
