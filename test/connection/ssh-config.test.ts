import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { resolveSshConfig } from '../../src/connection/ssh-config.ts'

const test = suite('ssh config')
const homeDir = mkdtempSync(join(tmpdir(), 'pvectl-ssh config-'))
mkdirSync(join(homeDir, '.ssh'), { mode: 0o700 })
test.after(() => rmSync(homeDir, { recursive: true }))

function configure(text: string): void {
  writeFileSync(join(homeDir, '.ssh', 'config'), text, { mode: 0o600 })
}

test('without a file there is no answer', async () => {
  assert.is(await resolveSshConfig('pve1', { homeDir }), undefined)
})

test('gives what the file sets for the host', async () => {
  writeFileSync(join(homeDir, '.ssh', 'more'), 'Host pve*\n  IdentityFile ~/.ssh/second_%h\n', { mode: 0o600 })
  configure(`
Include ${JSON.stringify(join(homeDir, '.ssh', 'more'))}
Host pve1
  HostName 198.51.100.7
  Port 2222
  User admin
  IdentityFile /keys/first
  ProxyJump ops@bastion:2200,inner
  UserKnownHostsFile /home/a/known_pve /etc/known_%h
  HostKeyAlias cluster
  IdentityAgent /run/agent.sock
`)
  assert.equal(await resolveSshConfig('pve1', { homeDir }), {
    hostname: '198.51.100.7',
    port: 2222,
    user: 'admin',
    identityFiles: [join(homeDir, '.ssh/second_198.51.100.7'), '/keys/first'],
    proxyJump: 'ops@bastion:2200,inner',
    userKnownHostsFiles: ['/home/a/known_pve', '/etc/known_198.51.100.7'],
    hostKeyAlias: 'cluster',
    identityAgent: '/run/agent.sock',
  })
})

test('leaves out what the file leaves open', async () => {
  configure('Host other\n  User admin\n')
  assert.equal(await resolveSshConfig('pve1', { homeDir }), { identityFiles: [], userKnownHostsFiles: [] })
})

test('a user that is set counts even where it is the local one', async () => {
  const user = userInfo().username
  configure(`Host pve1\n  User ${user}\n`)
  assert.is((await resolveSshConfig('pve1', { homeDir }))?.user, user)
})

test('an alias cannot become an option or a command', async () => {
  configure('Host *\n  Port 2200\n')
  assert.is(await resolveSshConfig('-oProxyCommand=touch /tmp/x', { homeDir }), undefined)
  assert.is((await resolveSshConfig('pve1;$(id)', { homeDir }))?.hostname, undefined)
})

test('without an ssh to ask, or with a broken file, there is no answer', async () => {
  configure('Host *\n  Port 2200\n')
  assert.is(await resolveSshConfig('pve1', { homeDir, env: { PATH: '/nonexistent' } }), undefined)
  configure('Nonsense yes\n')
  assert.is(await resolveSshConfig('pve1', { homeDir }), undefined)
})

test.run()
