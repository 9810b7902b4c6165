import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { taskTypes } from '../../src/tasks/index.ts'
import { hostContext } from '../helpers/host-context.ts'

const test = suite('what tasks have proven')

function checks(name: string, params: object) {
  const type = taskTypes.find((candidate) => candidate.name === name)
  assert.ok(type)
  return type.checks?.(type.params.parse(params), hostContext()) ?? []
}

const dnsmasq = { interface: 'vmbr1', subnet: '10.10.10.1/24', domain: 'lab.internal' }

test('dnsmasq: an offer, each reservation, each name, aliases by what they stand for', () => {
  const found = checks('dnsmasq', {
    ...dnsmasq,
    ranges: [{ start: '10.10.10.100', end: '10.10.10.199' }],
    reservations: [{ mac: 'bc:24:11:00:00:14', ip: '10.10.10.20', name: 'web' }],
    records: { '*.apps.lab': '10.10.10.2', both: ['10.10.10.3', 'fd00::3'] },
    aliases: { www: 'web' },
    ipv6_ra: true,
  })
  const seat = { interface: 'vmbr1', network: '10.10.10.1/24' }
  const server = '10.10.10.1'
  const name = (text: string, ...addresses: string[]) => ({ kind: 'dns_name', seat, server, name: text, addresses })
  assert.equal(found, [
    {
      kind: 'dhcp_offer',
      seat,
      ranges: [{ start: '10.10.10.100', end: '10.10.10.199' }],
      router: server,
      dns: [server],
    },
    { kind: 'dhcp_reservation', seat, mac: 'bc:24:11:00:00:14', ip: '10.10.10.20' },
    name('web.lab.internal', '10.10.10.20'),
    name('pvectl-verify.apps.lab', '10.10.10.2'),
    name('both.lab.internal', '10.10.10.3', 'fd00::3'),
    name('www.lab.internal', '10.10.10.20'),
    { kind: 'dns_outside', seat, server },
    { kind: 'ipv6_ra', seat },
  ])
})

test('dnsmasq without ranges offers nothing to strangers', () => {
  assert.equal(
    checks('dnsmasq', dnsmasq).map(({ kind }) => kind),
    ['dns_outside'],
  )
})

test('nginx_vhost: what there is to see of each kind of site', () => {
  const kinds = (params: object) => checks('nginx_vhost', params).map(({ kind }) => kind)
  const tls = { self_signed: true }
  const upstream = { servers: ['10.10.10.20:3000'] }
  const site = { server_names: ['a.example.org'], upstream }
  assert.equal(kinds({ ...site, tls }), ['certificate', 'proxy', 'websocket', 'redirect'])
  assert.equal(kinds({ ...site, tls, redirect: false, upstream: { ...upstream, websocket: false } }), [
    'certificate',
    'proxy',
  ])
  assert.equal(kinds(site), ['proxy', 'websocket'])
  assert.equal(kinds({ ...site, server_names: ['a.example.org', 'b.example.org'] }), [
    'proxy',
    'websocket',
    'proxy',
    'websocket',
  ])
  assert.equal(kinds({ reject_unknown: true }), ['unknown_name', 'unknown_name'])
})

test('nothing is proven of what is to be gone', () => {
  const gone = { state: 'absent' }
  assert.equal(checks('dnsmasq', { interface: 'vmbr1', ...gone }), [])
  assert.equal(checks('bridge', { name: 'vmbr1', ...gone }), [])
  assert.equal(checks('masquerade', { source: '10.10.10.0/24', out: 'vmbr0', ...gone }), [])
  assert.equal(checks('jump_user', { name: 'jump', ...gone }), [])
  assert.equal(checks('nginx_vhost', { name: 'x', ...gone }), [])
  assert.equal(checks('port_forward', { port: 8443, to: '10.10.10.20:443', ...gone }), [])
})

test('port_forward: from outside and from guests, for each protocol', () => {
  const found = checks('port_forward', { port: '9100-9110', to: '10.10.10.20:9000', protocol: ['tcp', 'udp'] })
  assert.equal(
    found.map((check) =>
      check.kind === 'forward' ? `${check.protocol} ${check.port} ${check.to.port} ${typeof check.from}` : '',
    ),
    ['tcp 9100 9000 string', 'tcp 9100 9000 object', 'udp 9100 9000 string', 'udp 9100 9000 object'],
  )
})

test.run()
