import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readDnsmasq } from '../../src/adopt/dnsmasq-config.ts'

const test = suite('adopt: dnsmasq configuration')

test('a file as guides have it', () => {
  const read = readDnsmasq(`# internal
interface=vmbr1   # guests
bind-interfaces
domain=lan
dhcp-range=10.10.10.50,10.10.10.150,12h
dhcp-option=3,10.10.10.1
dhcp-option=6,9.9.9.9,1.1.1.1
dhcp-host=BC:24:11:00:00:64,web,10.10.10.20
dhcp-host=bc:24:11:00:00:65,10.10.10.21
address=/apps.lan/10.10.10.2
server=9.9.9.9
server=/corp/10.0.0.1
log-queries
`)
  assert.equal(read, {
    interface: 'vmbr1',
    domain: 'lan',
    ranges: [{ start: '10.10.10.50', end: '10.10.10.150', lease: '12h' }],
    reservations: [
      { mac: 'bc:24:11:00:00:64', ip: '10.10.10.20', name: 'web' },
      { mac: 'bc:24:11:00:00:65', ip: '10.10.10.21' },
    ],
    records: { '*.apps.lan': '10.10.10.2' },
    aliases: {},
    upstream: ['9.9.9.9'],
    router: '10.10.10.1',
    dns: ['9.9.9.9', '1.1.1.1'],
    authoritative: false,
    ipv6Ra: false,
    extra: ['server=/corp/10.0.0.1', 'log-queries'],
  })
})

test('what says more than a parameter can is kept as a line', () => {
  const { extra, interface: name } = readDnsmasq(
    'interface=a\ninterface=b\ndhcp-range=fd00::2,fd00::9,64\ndhcp-host=id:x,10.0.0.9\ndomain=lan,10.0.0.0/8,local\n',
  )
  assert.is(name, undefined)
  assert.equal(extra, ['dhcp-range=fd00::2,fd00::9,64', 'dhcp-host=id:x,10.0.0.9', 'domain=lan,10.0.0.0/8,local'])
})

test.run()
