import { spawnSync } from 'node:child_process'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { socketsFact, takesAddress } from '../../src/facts/sockets.ts'

const test = suite('sockets')

const OUTPUT = `tcp LISTEN 0      511               0.0.0.0:80         0.0.0.0:*    users:(("nginx",pid=9,fd=6),("nginx",pid=8,fd=6))
tcp LISTEN 0      4096                    *:8006             *:*    users:(("pveproxy worker",pid=7,fd=6),("pveproxy",pid=6,fd=6))
udp UNCONN 0      0       [fe80::1]%vmbr1:547             [::]:*    users:(("dnsmasq",pid=5,fd=4))
tcp LISTEN 0      64                0.0.0.0:2049       0.0.0.0:*
`

test('address, device, port and process of each', () => {
  const [sockets = []] = socketsFact.parse(Buffer.from(OUTPUT), [''], 'mark')
  assert.equal(sockets, [
    { protocol: 'tcp', address: '0.0.0.0', port: 80, process: 'nginx' },
    { protocol: 'tcp', address: '*', port: 8006, process: 'pveproxy worker' },
    { protocol: 'udp', address: 'fe80::1', device: 'vmbr1', port: 547, process: 'dnsmasq' },
    { protocol: 'tcp', address: '0.0.0.0', port: 2049, process: 'the kernel' },
  ])
  assert.equal(
    sockets.map((socket) => takesAddress(socket, '10.0.0.1')),
    [true, true, false, true],
  )
})

test('reads the ports of this machine', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const { stdout } = spawnSync('/bin/sh', ['-s'], { input: socketsFact.observe([''], 'mark').bytes(), timeout: 10_000 })
  server.close()
  const found = socketsFact.parse(stdout, [''], 'mark')[0]?.filter((socket) => socket.port === port)
  assert.equal(
    found?.map(({ protocol, address }) => [protocol, address]),
    [['tcp', '127.0.0.1']],
  )
})

test.run()
