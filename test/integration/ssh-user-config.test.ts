import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { sh } from '../../src/connection/script.ts'
import { createSshConnector } from '../../src/connection/ssh-connector.ts'
import type { OpenSetting, Target } from '../../src/connection/target.ts'
import { createUserConfig } from '../../src/connection/user-config.ts'
import { startSshd } from '../helpers/sshd.ts'
import { failureOf, within } from '../helpers/within.ts'

const test = suite('~/.ssh/config fills what the inventory leaves open')
const homeDir = mkdtempSync(join(tmpdir(), 'pvectl-home-'))
mkdirSync(join(homeDir, '.ssh'), { mode: 0o700 })
const sshd = await startSshd()
test.after(async () => {
  await sshd.stop()
  rmSync(homeDir, { recursive: true })
})

const ALL: readonly OpenSetting[] = ['address', 'port', 'user', 'key', 'known_hosts', 'jump']

/** What an inventory makes of a host of which it says nothing but this. */
function target(more: Partial<Target> = {}): Target {
  return {
    name: 'pve1',
    address: 'pve1',
    port: 22,
    user: 'root',
    keyFiles: [],
    knownHostsFiles: [],
    become: false,
    connectTimeoutMs: 5000,
    open: ALL,
    ...more,
  }
}

function fill(config: string, wanted: Target): Promise<Target> {
  writeFileSync(join(homeDir, '.ssh', 'config'), config, { mode: 0o600 })
  return createUserConfig({ homeDir })(wanted)
}

const FULL = `Host pve1
  HostName 198.51.100.7
  Port 2222
  User admin
  UserKnownHostsFile /k/known
`

test('all of it, where the inventory says nothing', async () => {
  const { address, port, user, knownHostsFiles } = await fill(FULL, target())
  assert.equal([address, port, user, knownHostsFiles], ['198.51.100.7', 2222, 'admin', ['/k/known']])
})

test('nothing of what the inventory says', async () => {
  const said = { address: 'pve1', port: 22, user: 'root', knownHostsFiles: ['/inventory/known'] }
  const filled = await fill(FULL, target({ ...said, open: ['key', 'jump'] }))
  assert.equal(
    [filled.address, filled.port, filled.user, filled.knownHostsFiles],
    ['pve1', 22, 'root', ['/inventory/known']],
  )
  assert.equal(await fill(FULL, { ...target(), open: [] }), { ...target(), open: [] })
})

test('the address of the inventory is what the file is asked about', async () => {
  const wanted = target({ address: '203.0.113.10', open: ALL.filter((setting) => setting !== 'address') })
  assert.is((await fill('Host 203.0.113.10\n  Port 2200\nHost pve1\n  Port 1\n', wanted)).port, 2200)
})

test('identity files that exist come first, or alone with IdentitiesOnly', async () => {
  const key = join(homeDir, '.ssh', 'node')
  copyFileSync(sshd.key, key)
  const config = `Host pve1\n  IdentityFile ~/.ssh/node\n  IdentityFile ~/.ssh/none\n`
  const first = await fill(config, target())
  assert.equal([first.preferredKeyFiles, first.keyFiles], [[key], []])
  const alone = await fill(`${config}  IdentitiesOnly yes\n`, target())
  assert.equal([alone.preferredKeyFiles, alone.keyFiles], [undefined, [key]])
})

test('jump hosts, with settings of their own', async () => {
  const config =
    'Host pve1\n  ProxyJump ops@gate:2200,inner\nHost gate\n  HostName 192.0.2.1\n  User nobody\nHost inner\n  User hans\n'
  const { jump } = await fill(config, target())
  assert.equal([jump?.address, jump?.user], ['inner', 'hans'])
  assert.equal([jump?.jump?.address, jump?.jump?.port, jump?.jump?.user], ['192.0.2.1', 2200, 'ops'])
  assert.is((await fill(config, target({ open: ['port'] }))).jump, undefined)
})

test('what pvectl cannot do is said, and a file that goes round in circles comes to an end', async () => {
  const command = await failureOf(fill('Host pve1\n  ProxyCommand nc %h %p\n', target()))
  assert.is(command.code, 'HOST_UNREACHABLE')
  assert.match(command.message, /ProxyCommand: nc/)
  const round = await failureOf(
    fill('Host pve1\n  ProxyJump a\nHost a\n  ProxyJump b\nHost b\n  ProxyJump a\n', target()),
  )
  assert.match(round.message, /do not come to an end/)
})

test('a node that only the file knows how to reach', async () => {
  copyFileSync(sshd.key, join(homeDir, '.ssh', 'node'))
  const config = `Host pve1
  HostName 127.0.0.1
  Port ${sshd.port}
  User ${sshd.user}
  IdentityFile ~/.ssh/node
  UserKnownHostsFile ${sshd.knownHosts}
`
  writeFileSync(join(homeDir, '.ssh', 'config'), config, { mode: 0o600 })
  const connector = createSshConnector({ homeDir, env: {} })
  assert.equal(await connector.unlockKeys([target()]), [])
  const connection = await within(10_000, connector.connect(target()))
  const { stdout } = await connection.run(sh`echo here`)
  assert.is(stdout.toString(), 'here\n')
  await connection.close()
  await connector.close()
})

test.run()
