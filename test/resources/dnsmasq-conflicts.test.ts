import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { filesIn } from '../../src/facts/directory-files.ts'
import { fileAt } from '../../src/facts/file.ts'
import { parseSubnet } from '../../src/net/subnet.ts'
import { dnsmasqConflicts } from '../../src/resources/dnsmasq-conflicts.ts'
import type { PlanBlocked } from '../../src/resources/resource.ts'
import { fact, fileState, modelOf } from '../helpers/model.ts'

const test = suite('what dnsmasq is told by others')

const OWN = `interface=vmbr1
dhcp-range=set:vmbr1,10.0.0.100,10.0.0.199,255.255.255.0,12h
dhcp-host=bc:24:11:00:01:14,10.0.0.20,web
cname=www,www.lab.internal,web.lab.internal
cache-size=500
`

/** The plan beside a main file and files of the directory by name. */
function plan(main: string, files: Record<string, string> = {}, defaults?: string) {
  const subnet = parseSubnet('10.0.0.1/24')
  if (subnet === undefined) throw new Error('no subnet')
  const path = '/etc/dnsmasq.d/pvectl-vmbr1.conf'
  const resource = dnsmasqConflicts({ interface: 'vmbr1', subnet, path, content: OWN, replaced: [] })
  const list = Object.entries(files).map(([name, text]) => ({
    path: `/etc/dnsmasq.d/${name}`,
    content: Buffer.from(text),
  }))
  return resource.plan(
    modelOf(
      fact(fileAt('/etc/dnsmasq.conf'), fileState(main)),
      fact(filesIn('/etc/dnsmasq.d'), list),
      fact(fileAt('/etc/default/dnsmasq'), defaults === undefined ? { type: 'absent' } : fileState(defaults)),
    ),
  )
}

function blocked(main: string, files: Record<string, string> = {}): PlanBlocked {
  const found = plan(main, files)
  assert.is(found.kind, 'blocked', main)
  return found as PlanBlocked
}

test('what is said by hand in the main file is named line by line, at once', () => {
  const main = `interface=vmbr1
bind-interfaces
domain=lab.internal
dhcp-range=10.0.0.50,10.0.0.90,12h
dhcp-host=bc:24:11:00:01:14,web,10.0.0.20
dhcp-host=bc:24:11:00:01:99,other,10.0.0.30
`
  const { reason, hint } = blocked(main)
  assert.match(reason, 'dnsmasq is configured for vmbr1 by hand: /etc/dnsmasq.conf:1 (interface=vmbr1)')
  assert.is(hint, 'comment out lines 1, 2, 4, 5 of /etc/dnsmasq.conf, and put what is to stay into this task')
})

test('dnsmasq refuses to start when it is told twice what it takes once', () => {
  const twice: readonly (readonly [string, string])[] = [
    ['dhcp-host=aa:bb:cc:00:00:01,set:x,10.0.0.20,printer', 'a reservation of 10.0.0.20'],
    ['dhcp-host=BC:24:11:00:01:14,10.0.0.77', 'a reservation of bc:24:11:00:01:14'],
    ['cname=ftp,WWW,files.lab.internal,300', 'the alias www'],
    ['cache-size=1000', 'cache-size'],
  ]
  for (const [line, what] of twice) {
    const { reason, hint } = blocked(`# by hand\n${line}\n`)
    assert.is(reason, `dnsmasq would be told twice what it takes once: ${what} (/etc/dnsmasq.conf:2 (${line}))`)
    assert.match(hint ?? '', 'comment out line 2 of /etc/dnsmasq.conf')
  }
})

test('another task that says it too is named as one', () => {
  const { hint } = blocked('', { 'pvectl-vmbr2.conf': 'interface=vmbr2\ncache-size=500\n' })
  assert.is(hint, 'another dnsmasq task has it: leave it to one of the two')
})

test('what goes together stays', () => {
  const fine = `domain-needed
host-record=web,10.0.0.20
cname=mail,www
dhcp-host=bc:24:11:00:01:14,10.9.0.20
dhcp-host=bc:24:11:00:01:14,set:known
dhcp-host=aa:bb:cc:00:00:01,10.0.0.21
max-ttl=3
`
  assert.is(plan(fine, { 'pvectl-vmbr2.conf': 'interface=vmbr2\nbind-dynamic\n' }).kind, 'ok')
})

test('a directory that dnsmasq does not read is no place for a file', () => {
  const kind = (defaults: string, main = '') => plan(main, {}, defaults).kind
  const shipped = '#DNSMASQ_OPTS="--local-ttl=1"\nCONFIG_DIR=/etc/dnsmasq.d,.dpkg-dist,.dpkg-old,.dpkg-new\n'
  assert.is(kind(shipped), 'ok')
  assert.is(kind('CONFIG_DIR="/etc/dnsmasq.d/"\n'), 'ok')
  assert.is(kind(`${shipped}CONFIG_DIR=/etc/other\n`), 'blocked')
  assert.is(kind(shipped.replace('CONFIG', '#CONFIG')), 'blocked')
  assert.is(kind(shipped.replace('CONFIG', '#CONFIG'), 'conf-dir=/etc/dnsmasq.d/,*.conf\n'), 'ok')
})

test.run()
