/**
 * More faults on a real lab node: those of the node itself, of its package manager, of the network configuration that
 * others stage and lock, and of what runs beside a run. The reports are read as closely as the node.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { debianPackage } from '../../src/resources/package.ts'
import { pendingInterfaces } from '../../src/resources/pending-interfaces.ts'
import type { Resource } from '../../src/resources/resource.ts'
import { unit } from '../../src/resources/unit.ts'
import { bridgeTask } from '../../src/tasks/bridge.ts'
import { interfaceCommentTask } from '../../src/tasks/interface-comment.ts'
import { FaultLab, type FaultOptions, type FaultOutcome } from '../helpers/fault-lab.ts'
import { hostContext } from '../helpers/host-context.ts'
import { testTask } from '../helpers/job.ts'
import { pvectl } from '../helpers/pvectl.ts'

const dir = mkdtempSync(join(tmpdir(), 'pvectl-faults-more-'))
const test = suite('more faults')
let faults: FaultLab

const TABLE = "nft add table inet mine; nft add chain inet mine in '{ type filter hook input priority 0; }'"

test.before(() => {
  faults = new FaultLab('faults-more', dir)
  pvectl(['lab', 'ssh', 'node1', '--name', 'faults-more', '--', TABLE])
})
test.after(() => {
  faults?.lab.down()
  rmSync(dir, { recursive: true, force: true })
})

function tells(outcome: FaultOutcome, expected: RegExp): void {
  const told = FaultLab.told(outcome)
  assert.match(told, expected, `${expected} does not match:\n${told}`)
}

const REVERTED: [string, string, RegExp][] = [
  ['the worker is killed', 'kill -KILL $$; sleep 5', /the run was killed on the node.*restored|reverted/s],
  ['the worker is stopped', 'kill -STOP $$; sleep 30', /reverted by timer/],
  [
    'a firewall against new connections only',
    'iptables -I INPUT -p tcp --syn --dport 22 -j DROP',
    /no new connection could confirm.*restored iptables rules/s,
  ],
  [
    'an nft rule against new connections only',
    'nft -f - <<E\ntable inet shut { chain in { type filter hook input priority 0; ct state new tcp dport 22 drop; }; }\nE',
    /removed nft table inet shut/,
  ],
  [
    'somebody else writes the interfaces meanwhile',
    'echo "# by hand" >> /etc/network/interfaces; pv_write /etc/network/interfaces 0644 root:root "auto lo" 0000',
    /was changed by somebody else since it was read/,
  ],
  [
    'the key of the login goes',
    'k=/root/.ssh/authorized_keys; pv_write $k 0600 root:root "" "$(sha256sum < $k | cut -c 1-64)"',
    /no new connection could confirm.*restored \/root\/\.ssh\/authorized_keys/s,
  ],
  [
    'kernel parameters that answer nobody',
    'sysctl -qw net.ipv4.conf.all.arp_ignore=8 net.ipv4.ip_forward=1; ip neigh flush dev vmbr0; ip link set vmbr0 arp off',
    /set arp of vmbr0 on.*set \/proc\/sys\/net\/ipv4\/ip_forward to 0.*all\/arp_ignore to 0/s,
  ],
  [
    'the port is renamed',
    'ip link set eno1 down; ip link set eno1 name eno9; ip link set eno9 up nomaster',
    /renamed eno9 to eno1; put eno1 back into vmbr0/,
  ],
  [
    'a command writes what sshd rejects',
    'echo "NoSuchThing yes" > /etc/ssh/sshd_config.d/00-x.conf; systemctl restart ssh || :',
    /00-x\.conf is as before the run; what stood there is kept.*started ssh/s,
  ],
  [
    'a drop in an nft table that was there before',
    'nft add rule inet mine in ct state new tcp dport 22 drop',
    /restored nft table inet mine/,
  ],
  [
    'the address leaves the table of local routes',
    'ip route del local "$(ip -4 -o address show vmbr0 | sed "s/.*inet //; s,/.*,,")" table local',
    /restored route local/,
  ],
  [
    'a policy of IPsec blocks all',
    'ip xfrm policy add dir in src 0.0.0.0/0 dst 0.0.0.0/0 proto tcp action block',
    /removed IPsec policy src 0\.0\.0\.0\/0/,
  ],
  [
    'the start file of the login shell ends it',
    'echo exit 3 > /root/.bashrc; chmod 0 /usr/sbin/sshd',
    /\/root\/\.bashrc is as before the run.*set \/usr\/sbin\/sshd to 755/s,
  ],
  [
    'a parameter that the run sets answers nobody',
    'pv_parameter /proc/sys/net/ipv4/neigh/vmbr0/gc_stale_time 61; pv_parameter /proc/sys/net/ipv4/conf/vmbr0/arp_ignore 8; ip neigh flush dev vmbr0; ip link set vmbr0 arp off',
    /vmbr0\/arp_ignore to 0.*gc_stale_time to 60/s,
  ],
  ['the port of the bridge is disabled', 'bridge link set dev eno1 state 0', /set the port eno1 to forwarding/],
  ['systemd is reloaded, and the link cut', 'systemctl daemon-reload; ip link set eno1 down', /reverted by timer/],
  [
    'a drop-in has sshd listen nowhere else',
    `d=/etc/systemd/system/ssh.service.d; mkdir -p $d
printf '[Service]\\nExecStart=\\nExecStart=/usr/sbin/sshd -D -o ListenAddress=127.0.0.1\\n' > $d/x.conf
systemctl daemon-reload; systemctl restart ssh`,
    /ssh\.service\.d\/x\.conf is as before.*restarted ssh/s,
  ],
  ['frames are dropped', 'ebtables -P INPUT DROP', /restored ebtables rules|removed nft table bridge filter/],
  [
    'the session of the run and tail are killed while the link is cut',
    'pkill -KILL -f "sshd[^ ]*: root@notty"; ip link set eno1 down',
    /reverted by timer/,
  ],
]

for (const [name, text, expected] of REVERTED) {
  test(`${name}: rolled back`, async () => {
    faults.round += 1
    const before = await faults.essence()
    const outcome = await faults.apply(text)
    assert.is(outcome.status, 'rolled back', FaultLab.told(outcome))
    tells(outcome, expected)
    await faults.exec("sed -i '/# by hand/d' /etc/network/interfaces")
    assert.is(await faults.essence(), before)
    assert.is(await faults.armed(), '')
    await faults.converges()
    faults.outcomes.push(`${name} | rolled back`)
  })
}

test('what the guard keeps becomes read-only, and the link is cut: rolled back, and told', async () => {
  faults.round += 1
  const before = await faults.essence()
  const state = '/var/lib/pvectl'
  const outcome = await faults.apply(
    `mount --bind ${state} ${state}; mount -o remount,ro,bind ${state}; ip link set eno1 down`,
  )
  assert.is(outcome.status, 'rolled back', FaultLab.told(outcome))
  tells(outcome, /reverted by timer.*set eno1 up; NOT put back: \/var\/lib\/pvectl\/guard\/armed, which is read-only/)
  assert.is(await faults.essence(), before)
  await faults.exec(`umount ${state}`)
  await faults.converges()
  assert.is(await faults.armed(), '')
  faults.outcomes.push('what the guard keeps becomes read-only | rolled back, and told')
})

const SURVIVED: [string, string][] = [
  ['what follows the log is killed', 'pkill -KILL -x tail; sleep 1'],
  [
    'the route to the controller flips',
    'r=$(ip -4 route show default); ip route del default; sleep 1; ip route add $r',
  ],
  ['the name of the node changes', 'h=$(hostname); hostname other; sleep 1; hostname $h'],
  ['the lock file is removed', 'rm -f /run/pvectl/lock'],
]

for (const [name, text] of SURVIVED) {
  test(`${name}: as described`, async () => {
    faults.round += 1
    const outcome = await faults.apply(text)
    assert.is(outcome.status, 'changed', FaultLab.told(outcome))
    assert.is(await faults.armed(), '')
    assert.match(await faults.essence(), `round ${faults.round}\nround ${faults.round}`)
    faults.outcomes.push(`${name} | as described`)
  })
}

/** What is wrong with the node before the run: how to bring it about, how to undo it, what is told. */
const REFUSED: [string, string, string, RegExp][] = [
  [
    '/run is full',
    'mount -t tmpfs -o size=8k full /run/pvectl; head -c 8k /dev/zero > /run/pvectl/x',
    'umount /run/pvectl',
    /could not be started on the node.*full/s,
  ],
  [
    '/run/pvectl is read-only',
    'mkdir -p /run/pvectl; mount --bind /run/pvectl /run/pvectl; mount -o remount,ro,bind /run/pvectl',
    'umount /run/pvectl',
    /could not be started on the node.*Read-only|read-only/s,
  ],
  [
    'no timer can be set',
    'printf "#!/bin/sh\\nexit 1\\n" > /usr/local/sbin/systemd-run; chmod +x /usr/local/sbin/systemd-run',
    'rm /usr/local/sbin/systemd-run',
    /revert timer could not be armed, so nothing was changed/,
  ],
  [
    'the guard has no place to write',
    'mkdir -p /var/lib/pvectl/guard; mount -t tmpfs -o ro none /var/lib/pvectl/guard',
    'umount /var/lib/pvectl/guard',
    /could not be armed, so nothing was changed/,
  ],
]

for (const [name, cause, undo, expected] of REFUSED) {
  test(`${name}: nothing is changed, and the error says why`, async () => {
    faults.round += 1
    const before = await faults.essence()
    await faults.exec(cause)
    const outcome = await faults.apply('ip link set vmbr0 mtu 1400').finally(() => faults.exec(undo))
    assert.is(outcome.status, 'failed', FaultLab.told(outcome))
    tells(outcome, expected)
    assert.is(await faults.essence(), before)
    assert.is(await faults.armed(), '')
    await faults.converges()
    faults.outcomes.push(`${name} | nothing changed`)
  })
}

function only(...resources: Resource[]): FaultOptions {
  return { tasks: [testTask('1', ...resources)] }
}

async function fails(name: string, cause: string, undo: string, resource: Resource, expected: RegExp): Promise<void> {
  faults.round += 1
  const before = await faults.essence()
  await faults.exec(cause)
  const outcome = await faults.apply('', only(resource)).finally(() => faults.exec(undo))
  assert.ok(outcome.status === 'failed' || outcome.status === 'rolled back', FaultLab.told(outcome))
  tells(outcome, expected)
  assert.is(await faults.essence(), before)
  faults.outcomes.push(`${name} | ${outcome.status === 'failed' ? 'nothing changed' : 'rolled back'}`)
}

const DNSMASQ = debianPackage({ name: 'dnsmasq', state: 'present' })
/** Makes waiting short: a second of the node's sleep is none. */
const HASTE = 'printf "#!/bin/sh\\nexec /bin/sleep 0.02\\n" > /usr/local/sbin/sleep; chmod +x /usr/local/sbin/sleep;'

test('a locked package manager: named with its holder', () =>
  fails(
    'the package manager is locked',
    `${HASTE} setsid perl -MFcntl -e 'open F, ">>", "/var/lib/dpkg/lock-frontend"; my $p = pack("s s q q l", F_WRLCK, 0, 0, 0, 0); fcntl(F, F_SETLK, $p) or die; select undef, undef, undef, 60' >/dev/null 2>&1 </dev/null & /bin/sleep 0.5`,
    'rm /usr/local/sbin/sleep; pkill -x perl || :',
    DNSMASQ,
    /package manager is locked by pid \d+ \(perl\)/,
  ))

test('an interrupted dpkg: how to mend it', () =>
  fails(
    'dpkg was interrupted',
    'touch /var/lib/dpkg/updates/0001',
    'rm /var/lib/dpkg/updates/0001',
    DNSMASQ,
    /dpkg was interrupted.*mend that on the node.*dpkg --configure -a/s,
  ))

test('a unit that does not start: its own last words', () =>
  fails(
    'a unit fails to start',
    'printf "[Service]\\nType=oneshot\\nExecStart=/bin/sh -c \\"echo no such luck; exit 3\\"\\n" > /etc/systemd/system/sad.service; systemctl daemon-reload',
    'rm /etc/systemd/system/sad.service; systemctl daemon-reload; systemctl reset-failed',
    unit({ unit: 'sad.service', running: true }),
    /no such luck/,
  ))

const COMMENT = interfaceCommentTask.resources({ name: 'vmbr0', comment: 'External' }, hostContext())

test('PVE edits the network at the same time: named, nothing written', () =>
  fails(
    'the lock of the web interface is held',
    'setsid flock /etc/network/.pve-interfaces.lock sleep 30 >/dev/null 2>&1 </dev/null &',
    'pkill -x flock || :; pkill -x sleep || :',
    COMMENT[0] as Resource,
    /is held by pid \d+ \(flock\); nothing was written/,
  ))

test('a clock that is hours off is told of', async () => {
  faults.round += 1
  await faults.exec(
    'printf "#!/bin/sh\\nexec /bin/date -d -3hours \\"\\$@\\"\\n" > /usr/local/sbin/date; chmod +x /usr/local/sbin/date',
  )
  const outcome = await faults.apply('true').finally(() => faults.exec('rm /usr/local/sbin/date'))
  assert.is(outcome.status, 'changed')
  tells(outcome, /the clock of the node is 3 h behind/)
  faults.outcomes.push('the clock is hours off | as described, with a notice')
})

const STAGE = (edit: string) => `sed '${edit}' /etc/network/interfaces > /etc/network/interfaces.new`

test('a staged change that cuts the node off, adopted: back as it was, the staged file too', async () => {
  faults.round += 1
  await faults.exec(STAGE('s/bridge-ports eno1/bridge-ports none/'))
  const before = await faults.essence()
  const outcome = await faults.apply('', only(pendingInterfaces('adopt'), ...COMMENT))
  assert.is(outcome.status, 'rolled back', FaultLab.told(outcome))
  tells(outcome, /restored \/etc\/network\/interfaces\.new/)
  assert.is(await faults.essence(), before)
  faults.outcomes.push('an adopted staged change that cuts the link | rolled back')
})

test('a staged change, discarded: nothing of it is left but in the record, from where it comes back', async () => {
  const before = await faults.essence()
  const outcome = await faults.apply('', only(pendingInterfaces('discard'), ...COMMENT))
  assert.is(outcome.status, 'changed', FaultLab.told(outcome))
  assert.not.match(await faults.essence(), 'bridge-ports none')
  const back = pvectl(['rollback', 'node1', '-i', faults.lab.inventory, '--yes'], { env: { XDG_STATE_HOME: dir } })
  assert.is(back.code, 0, back.stdout + back.stderr)
  assert.is(await faults.essence(), before)
  faults.outcomes.push('a discarded staged change | as described, and back by rollback')
})

test('a staged change, adopted: live, in the file, under the edits of the run', async () => {
  await faults.exec(
    `rm /etc/network/interfaces.new; (cat /etc/network/interfaces; printf '\\nauto vmbr5\\niface vmbr5 inet static\\n\\taddress 10.5.0.1/24\\n\\tbridge-ports none\\n\\tbridge-stp off\\n\\tbridge-fd 0\\n') > /etc/network/interfaces.new`,
  )
  const before = await faults.essence()
  const inner = bridgeTask.resources(
    bridgeTask.params.parse({ name: 'vmbr1', address: '10.10.10.1/24' }),
    hostContext(),
  )
  const outcome = await faults.apply('', only(pendingInterfaces('adopt'), ...inner))
  assert.is(outcome.status, 'changed', FaultLab.told(outcome))
  const now = await faults.essence()
  for (const part of ['vmbr5 10.5.0.1/24', 'vmbr1 10.10.10.1/24', 'iface vmbr5 inet static', 'iface vmbr1 inet static'])
    assert.match(now, part)
  assert.is(await faults.exec('ls /etc/network/interfaces.new 2>/dev/null || :'), '')
  const back = pvectl(['rollback', 'node1', '-i', faults.lab.inventory, '--yes'], { env: { XDG_STATE_HOME: dir } })
  assert.is(back.code, 0, back.stdout + back.stderr)
  assert.is(await faults.essence(), before)
  await faults.exec('rm /etc/network/interfaces.new')
  faults.outcomes.push('an adopted staged change | as described, and back by rollback')
})

test('a run while another waits for its confirmation is refused; without a timer, that other is reverted first', async () => {
  faults.round += 1
  const arm = 'd=/var/lib/pvectl/guard/armed; mkdir -p $d; echo other-run > $d/run; echo /nowhere > $d/keep;'
  await faults.exec(`${arm} systemd-run -q --unit=pvectl-guard-other-run --on-active=60 true`)
  const refused = await faults.apply('true', { risky: false })
  assert.is(refused.error?.code, 'LOCKED', FaultLab.told(refused))
  tells(refused, /run other-run.*still waiting to be confirmed or reverted/)
  await faults.exec('systemctl stop pvectl-guard-other-run.timer')
  const outcome = await faults.apply('true', { risky: false })
  assert.is(outcome.status, 'changed', FaultLab.told(outcome))
  tells(outcome, /run other-run was never confirmed, and its revert timer was gone/)
  faults.outcomes.push('an earlier change still unconfirmed | one refused')
})

test('a reboot in a run without risk: told as such, and a further run goes on', async () => {
  faults.round += 1
  const outcome = await faults.apply('sync; systemctl reboot; sleep 30', { risky: false })
  assert.is(outcome.status, 'failed')
  tells(outcome, /the node was shut down or restarted while the run went on, in task 2/)
  await faults.converges()
  faults.outcomes.push('a reboot without risk | told, what was done stays')
})

test('the log of the run is removed: not taken for a reboot', async () => {
  faults.round += 1
  const outcome = await faults.apply('rm -rf /run/pvectl/2*; pkill -KILL -f "sshd[^ ]*: root@notty"; sleep 2', {
    risky: false,
  })
  tells(outcome, /log of the run was removed/)
  await new Promise((resolve) => setTimeout(resolve, 3000))
  await faults.converges()
  faults.outcomes.push('the log of a run is removed | told, outcome in the record')
})

test('the table', () => {
  faults.printTable()
  assert.ok(faults.outcomes.length >= 25, `${faults.outcomes.length} faults`)
})

test.run()
