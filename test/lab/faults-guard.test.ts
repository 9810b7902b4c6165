/** Faults of the guard itself: what becomes of a node whose revert is killed, cut short, immutable or gone. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Connector } from '../../src/connection/connection.ts'
import { createSshConnector } from '../../src/connection/ssh-connector.ts'
import type { Target } from '../../src/connection/target.ts'
import { PvectlError } from '../../src/errors.ts'
import { FaultLab, TIMEOUT_S } from '../helpers/fault-lab.ts'
import { pvectl } from '../helpers/pvectl.ts'

const dir = mkdtempSync(join(tmpdir(), 'pvectl-faults-guard-'))
const test = suite('faults of the guard')
let faults: FaultLab

test.before(() => {
  faults = new FaultLab('faults-guard', dir)
})
test.after(() => {
  faults?.lab.down()
  rmSync(dir, { recursive: true, force: true })
})

/** The revert kills itself the first time that it comes to `sync`: files are back then, links are not. */
const KILL_ONCE = `printf '#!/bin/sh\\nrm -f /usr/local/sbin/sync; kill -KILL $PPID\\n' > /usr/local/sbin/sync; chmod +x /usr/local/sbin/sync;`
/** As every node of Proxmox VE has it. */
const PVE_KEYS = `k=/root/.ssh/authorized_keys; mkdir -p /etc/pve/priv; [ -L $k ] || { mv $k /etc/pve/priv/; ln -s /etc/pve/priv/authorized_keys $k; };`

const REVERTED: [string, string, RegExp, string?][] = [
  [
    'the revert is killed with the link cut',
    `${KILL_ONCE} ip link set vmbr0 down; sleep 60`,
    /reverted by timer.*had broken off, taken up again by systemd.*set vmbr0 up/s,
  ],
  [
    'the shell of root is none',
    'usermod -s /usr/sbin/nologin root; chage -E 0 root',
    /root in \/etc\/passwd is as before the run; root in \/etc\/shadow is as before/,
  ],
  [
    'PAM lets nobody in, and the home of root is open to all',
    'echo "auth required pam_deny.so" > /etc/pam.d/sshd; echo "account required pam_deny.so" >> /etc/pam.d/sshd; chmod 777 /root',
    /\/etc\/pam\.d\/sshd is as before the run.*set \/root to 700 root:root/s,
  ],
  ['the folder of the keys is removed', 'rm -rf /root/.ssh', /\/root\/\.ssh\/authorized_keys is as before the run/],
  [
    'a command empties the keys behind their symbolic link',
    ': > /etc/pve/priv/authorized_keys',
    /\/etc\/pve\/priv\/authorized_keys is as before the run/,
    PVE_KEYS,
  ],
]

for (const [name, text, expected, prepare = ':'] of REVERTED)
  test(`${name}: rolled back`, async () => {
    faults.round += 1
    await faults.exec(prepare)
    const before = await faults.essence()
    const outcome = await faults.apply(text)
    assert.is(outcome.status, 'rolled back', FaultLab.told(outcome))
    assert.match(FaultLab.told(outcome), expected)
    assert.is(await faults.essence(), before)
    assert.is(await faults.armed(), '')
    await faults.converges()
    faults.outcomes.push(`${name} | rolled back`)
  })

test('/run fills up, and the controller is unreachable: rolled back', async () => {
  faults.round += 1
  const before = await faults.essence()
  const outcome = await faults.apply(
    `mount -o remount,size=$(($(df -k --output=used /run | tail -n 1) + 64))k /run; cat /dev/zero > /run/full
ip route add blackhole $(ip -4 route show default | cut -d" " -f3); sleep 60`,
  )
  assert.is(outcome.status, 'rolled back', FaultLab.told(outcome))
  assert.not.match(FaultLab.told(outcome), /NOT put back/)
  assert.ok(Number(await faults.exec('df -k --output=avail /run | tail -n 1')) < 64, 'it was full all the time')
  await faults.exec('rm /run/full; mount -o remount,size=20% /run')
  assert.is(await faults.essence(), before)
  assert.is(await faults.armed(), '')
  await faults.converges()
  faults.outcomes.push('/run fills up, and a black hole towards the controller | rolled back')
})

test('a power cut in the middle of the revert: it goes on at boot', async () => {
  faults.round += 1
  const before = await faults.essence()
  const cut = KILL_ONCE.replace('kill -KILL $PPID', 'systemctl reboot -ff; sleep 9')
  const outcome = await faults.apply(
    `${cut} printf x > /etc/network/interfaces; ip link set vmbr0 down; systemctl stop ssh; sleep 60`,
  )
  assert.is(outcome.status, 'rolled back', FaultLab.told(outcome))
  assert.match(FaultLab.told(outcome), /reverted by timer.*had broken off, taken up again by boot/s)
  pvectl(['lab', 'up', '--name', 'faults-guard', '--nodes', '1', '--out', dir])
  assert.is(await faults.essence(), before)
  assert.is(await faults.armed(), '')
  await faults.converges()
  faults.outcomes.push('a power cut during the revert | rolled back at boot')
})

test('somebody removes the guard: the run stops, and does not claim that anything was put back', async () => {
  faults.round += 1
  const outcome = await faults.apply('rm -rf /var/lib/pvectl/guard')
  assert.is(outcome.status, 'failed', FaultLab.told(outcome))
  assert.match(FaultLab.told(outcome), /guard of the run was removed.*nothing was put back.*what was done stays/s)
  const end = outcome.events.find((event) => event.event === 'host:finished')
  assert.equal(end?.tasks, { changed: 2, skipped: 1 })
  assert.is(await faults.armed(), '')
  await faults.converges()
  faults.outcomes.push('the guard is removed | told, what was done stays')
})

test('a file that cannot be put back is named, and its task not shown as rolled back', async () => {
  faults.round += 1
  const outcome = await faults.apply('chattr +i /etc/pvectl-fault.conf; exit 3')
  await faults.exec('chattr -i /etc/pvectl-fault.conf')
  assert.is(outcome.status, 'rolled back', FaultLab.told(outcome))
  assert.match(
    FaultLab.told(outcome),
    /the node is back, but for some of it.*NOT put back: \/etc\/pvectl-fault\.conf, which/s,
  )
  const first = outcome.events.find((event) => event.event === 'task:finished' && event.id === '1')
  assert.is(first?.event === 'task:finished' && first.status, 'changed')
  assert.is(await faults.exec('ls /etc | grep -c pvectl-revert || :'), '0\n')
  await faults.converges()
  faults.outcomes.push('a file became immutable | rolled back, the file named')
})

test('the answer to the confirmation is lost: confirmed it is, and told so', async () => {
  faults.round += 1
  const inner = createSshConnector()
  let lost = false
  const lossy: Connector<Target> = {
    close: () => inner.close(),
    async connect(to, signal) {
      const connection = await inner.connect(to, signal)
      return {
        peer: connection.peer,
        close: () => connection.close(),
        async run(script, options) {
          const result = await connection.run(script, options)
          if (lost || !script.display.includes('.confirmed')) return result
          lost = true
          throw new PvectlError('CONNECTION_LOST', 'the connection was lost')
        },
      }
    },
  }
  const outcome = await faults.apply('true', { connector: lossy, guard: { timeoutSeconds: TIMEOUT_S } })
  assert.ok(lost)
  assert.is(outcome.status, 'changed', FaultLab.told(outcome))
  faults.outcomes.push('the answer to the confirmation is lost | as described')
})

test('the table', () => {
  faults.printTable()
  assert.is(faults.outcomes.length, 10)
})

test.run()
