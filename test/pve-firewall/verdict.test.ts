import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseLines } from '../../src/interfaces/lines.ts'
import { parseIpCidr } from '../../src/net/ip-cidr.ts'
import { judge, type NewConnection } from '../../src/pve-firewall/verdict.ts'

const test = suite('whether the firewall lets a connection in')

const FROM: NewConnection = { client: '192.0.2.7', server: '10.0.0.1', port: 22, ifaces: ['vmbr0', 'wan'] }

interface Case {
  readonly rules?: string
  readonly host?: string
  /** Further sections of the cluster's file. */
  readonly more?: string
  readonly options?: string
  readonly from?: Partial<NewConnection>
}

function outcome({ rules = '', host = '', more = '', options = 'enable: 1', from = {} }: Case): string {
  const cluster = `[OPTIONS]\n${options}\n[ALIASES]\nlan 192.0.2.0/28\n${more}\n[RULES]\n${rules}\n`
  return judge(
    { ...FROM, ...from },
    {
      cluster: parseLines(Buffer.from(cluster)),
      host: parseLines(Buffer.from(host)),
      localNetwork: parseIpCidr('10.0.0.0/24'),
    },
  ).outcome
}

/** Outcomes are those of PVE's own compiler and simulator, but where nobody can say. */
const CASES: readonly (readonly [what: string, expected: string, given: Case])[] = [
  ['off is off', 'allowed', { options: 'enable: 0' }],
  ['never switched on', 'allowed', { options: '' }],
  ['off on the node', 'allowed', { host: '[OPTIONS]\nenable: 0\n' }],
  ['the policy drops', 'refused', {}],
  ['the policy accepts', 'allowed', { options: 'enable: 1\npolicy_in: accept' }],
  ['the local network is trusted', 'allowed', { from: { client: '10.0.0.50' } }],
  ['but not by other ports', 'refused', { from: { client: '10.0.0.50', port: 2222 } }],
  [
    'an alias replaces the local network',
    'refused',
    { from: { client: '10.0.0.50' }, more: 'local_network 203.0.113.1' },
  ],
  ['management by alias', 'allowed', { more: '[IPSET management]\nlan' }],
  ['management without this one', 'refused', { more: '[IPSET management]\n192.0.2.0/24\n!192.0.2.7' }],
  [
    'management without one of the local network',
    'refused',
    { more: '[ALIASES]\nlocal_network 192.0.2.0/24\n[IPSET management]\n192.0.2.0/24\n!192.0.2.7' },
  ],
  [
    'an exception that is the local network itself, which PVE adds last',
    'allowed',
    { more: '[ALIASES]\nlocal_network 192.0.2.0/24\n[IPSET management]\n!192.0.2.0/24' },
  ],
  [
    'a wider exception, for nftables',
    'refused',
    { more: '[IPSET management]\n192.0.2.7\n!192.0.2.0/24', host: '[OPTIONS]\nnftables: 1' },
  ],
  ['management with a wider exception', 'allowed', { more: '[IPSET management]\n192.0.2.7\n!192.0.2.0/24' }],
  ['blacklist comes before all', 'refused', { more: '[IPSET blacklist]\n192.0.2.0/24', rules: 'IN ACCEPT' }],
  [
    'rules come before management',
    'refused',
    { more: '[IPSET management]\n192.0.2.7', rules: 'IN DROP -p tcp -dport 20:30' },
  ],
  ['the first rule decides', 'allowed', { rules: 'IN SSH(ACCEPT)\nIN DROP' }],
  ['rules of the node come first', 'allowed', { rules: 'IN DROP', host: '[RULES]\nIN SSH(ACCEPT)\n' }],
  ['other directions do not matter', 'allowed', { rules: 'OUT DROP\nFORWARD DROP\nIN SSH(ACCEPT)' }],
  ['disabled rules do not matter', 'refused', { rules: '|IN ACCEPT' }],
  ['another protocol', 'refused', { rules: 'IN ACCEPT -p udp -dport 22\nIN Ping(ACCEPT)' }],
  ['a list of ports', 'allowed', { rules: 'IN ACCEPT -p tcp -dport 80,22' }],
  ['a range of addresses', 'allowed', { rules: 'IN ACCEPT -source 192.0.2.1-192.0.2.9' }],
  ['another destination', 'refused', { rules: 'IN ACCEPT -dest 10.0.0.9' }],
  ['an interface by its other name', 'allowed', { rules: 'IN ACCEPT -i wan' }],
  ['another interface', 'refused', { rules: 'IN ACCEPT -i eno9' }],
  ['ports without a protocol: PVE drops the rule', 'refused', { rules: 'IN ACCEPT -dport 22' }],
  ['an alias that is not there: the same', 'refused', { rules: 'IN ACCEPT -source nolias' }],
  ['a set that is not there: the same', 'refused', { rules: 'IN ACCEPT -source +none' }],
  ['an unknown macro: the same', 'refused', { rules: 'IN foo(ACCEPT)' }],
  ['a set in a rule', 'allowed', { more: '[IPSET admins]\n192.0.2.0/28', rules: 'IN ACCEPT -source +admins' }],
  [
    'management in a rule holds the local network',
    'refused',
    {
      more: '[IPSET management]\n192.0.2.7',
      rules: 'IN SSH(DROP) -source +management',
      from: { client: '10.0.0.50' },
    },
  ],
  [
    'management in a rule needs the set',
    'allowed',
    { rules: 'IN SSH(DROP) -source +management', from: { client: '10.0.0.50' } },
  ],
  ['a group', 'allowed', { rules: 'GROUP web', more: '[group web]\nIN SSH(ACCEPT)' }],
  ['a group on another interface', 'refused', { rules: 'GROUP web -i eno9', more: '[group web]\nIN SSH(ACCEPT)' }],
  [
    'a rule with an interface in a group: PVE drops it',
    'refused',
    { rules: 'GROUP web', more: '[group web]\nIN SSH(ACCEPT) -i vmbr0' },
  ],
  ['a port by name: nobody knows here', 'unknown', { rules: 'IN ACCEPT -p tcp -dport ssh' }],
  ['a source port', 'unknown', { rules: 'IN ACCEPT -p tcp -sport 1024:65535' }],
  ['an interface that nobody knows', 'unknown', { rules: 'IN DROP -i eno9', from: { ifaces: undefined } }],
  ['what may have let it in before', 'unknown', { rules: 'IN ACCEPT -p tcp -dport ssh\nIN DROP' }],
  ['from the node itself', 'allowed', { from: { client: '10.0.0.1' } }],
  [
    'IPv6 by its own rules',
    'refused',
    { rules: 'IN ACCEPT -source 192.0.2.0/24', from: { client: 'fd00::1', server: 'fd00::2' } },
  ],
  [
    'IPv6 by a set',
    'allowed',
    { more: '[IPSET management]\nfd00::/8', from: { client: 'fd00::1', server: 'fd00::2' } },
  ],
]

for (const [what, expected, given] of CASES) test(what, () => assert.is(outcome(given), expected))

test('the verdict names what decided', () => {
  const lines = parseLines(Buffer.from('[OPTIONS]\nenable: 1\n[RULES]\nIN REJECT -i vmbr0 # all\n'))
  const { by } = judge(FROM, { cluster: lines, host: [], localNetwork: undefined })
  assert.is(by, 'the rule `IN REJECT -i vmbr0 # all`')
})

test.run()
