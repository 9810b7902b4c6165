/**
 * Keeps what V8 has compiled of the bundle after a dry run: a real one, over SSH, against a server in this process that
 * runs the reading scripts on this machine. It changes nothing here or anywhere.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
const require = createRequire(import.meta.url)
const { Server, utils } = createRequire(require.resolve('node-ssh'))('ssh2')

/** Where this is built systemd may not run, and then nothing would come after its answer. */
const SYSTEMCTL = `systemctl() {
  while [ $# -gt 0 ] && [ "$1" != -- ]; do shift; done
  [ $# -eq 0 ] || shift
  for unit; do
    printf 'LoadState=not-found\\nActiveState=inactive\\nUnitFileState=\\nActiveEnterTimestamp=\\n'
    printf 'StateChangeTimestamp=\\nNeedDaemonReload=no\\n\\n'
  done
}
`

const folder = mkdtempSync(path.join(tmpdir(), 'pvectl-build-'))
try {
  const host = utils.generateKeyPairSync('ed25519')
  const server = await listen(host.private)
  const inventory = writeInventory(server.address().port, host.public)
  const { main, script } = require('../bin/load.cjs')
  const check = ['check', path.join(root, 'playbooks/site.yml'), '--inventory', inventory]
  await main(check)
  await main([...check, '--json'])
  writeFileSync(path.join(root, 'dist/pvectl.cjs.bytecode'), script.createCachedData())
} finally {
  rmSync(folder, { recursive: true })
}
process.exit(0)

async function listen(hostKey) {
  const server = new Server({ hostKeys: [hostKey] }, (client) => {
    client.on('authentication', (context) => context.accept())
    client.on('session', (accept) => accept().on('exec', (acceptRun, _, { command }) => run(command, acceptRun())))
    client.on('error', () => {})
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

function run(command, channel) {
  const child = spawn('/bin/sh', ['-c', command], { stdio: ['pipe', 'pipe', 'ignore'] })
  child.stdin.write(SYSTEMCTL)
  channel.pipe(child.stdin)
  child.stdout.pipe(channel, { end: false })
  child.on('close', (code) => {
    channel.exit(code ?? 1)
    channel.end()
  })
}

function writeInventory(port, hostKey) {
  const key = path.join(folder, 'key')
  writeFileSync(key, utils.generateKeyPairSync('ed25519').private, { mode: 0o600 })
  writeFileSync(path.join(folder, 'known_hosts'), `[127.0.0.1]:${port} ${hostKey}\n`)
  const connection = { user: 'root', key, known_hosts: 'known_hosts' }
  const inventory = path.join(folder, 'hosts.yml')
  writeFileSync(inventory, JSON.stringify({ all: { connection, hosts: { here: { address: '127.0.0.1', port } } } }))
  return inventory
}
