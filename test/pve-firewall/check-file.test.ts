import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parseLines } from '../../src/interfaces/lines.ts'
import { checkFile } from '../../src/pve-firewall/check-file.ts'
import type { FileKind } from '../../src/pve-firewall/sections.ts'

const test = suite('what both parsers of Proxmox VE make of a file')

const CLUSTER = `[OPTIONS]

enable: 1

[ALIASES]

lan 10.0.0.0/8
six fd00::/8

[IPSET nodes]

10.0.0.1

[RULES]

IN ACCEPT

[group web]

IN ACCEPT
`

/** A line put into a section of a good file, and what it spoils. The outcomes are those of the parsers themselves. */
const LINES: readonly (readonly [
  section: string,
  line: string,
  spoils: 'nothing' | 'line' | 'whole',
  file?: FileKind,
])[] = [
  ['[OPTIONS]', 'enable: yes', 'whole'],
  ['[OPTIONS]', 'policy_in: reject', 'nothing'],
  ['[OPTIONS]', 'policy_in: NOPE', 'whole'],
  ['[OPTIONS]', 'Enable: 1', 'whole'],
  ['[OPTIONS]', 'log_ratelimit: enable=1,rate=5/second', 'nothing'],
  ['[OPTIONS]', 'log_ratelimit: burst=12,enable=1,rate=2/second', 'nothing'],
  ['[OPTIONS]', 'log_ratelimit: bad', 'whole'],
  ['[OPTIONS]', 'log_level_in:', 'whole', 'host'],
  ['[OPTIONS]', 'nftables: 1', 'nothing', 'host'],
  ['[ALIASES]', 'wan 192.0.2.1 # note', 'nothing'],
  ['[ALIASES]', 'wan  192.0.2.1', 'line'],
  ['[ALIASES]', 'LAN 192.0.2.1', 'whole'],
  ['[ALIASES]', '1x 192.0.2.1', 'whole'],
  ['[ALIASES]', 'bad', 'whole'],
  ['[IPSET nodes]', '!10.1.0.0/16 # not these', 'nothing'],
  ['[IPSET nodes]', 'dc/lan', 'nothing'],
  ['[IPSET nodes]', 'elsewhere', 'line'],
  ['[IPSET nodes]', '0.0.0.0/0', 'line'],
  ['[IPSET nodes]', '10.0.0.1-10.0.0.5', 'whole'],
  ['[RULES]', 'in ssh(ACCEPT)', 'line'],
  ['[RULES]', 'IN Foo(DROP)', 'line'],
  ['[RULES]', 'IN ACCEPT -dport 22', 'line'],
  ['[RULES]', 'IN ACCEPT -p tcp -dport http', 'nothing'],
  ['[RULES]', 'IN ACCEPT -dport http', 'line'],
  ['[RULES]', 'IN ACCEPT -p icmp -dport echo-request', 'nothing'],
  ['[RULES]', 'IN ACCEPT -p tcp -dport 22,', 'whole'],
  ['[RULES]', 'IN ACCEPT -p tcp -dport 30:20', 'whole'],
  ['[RULES]', 'IN ACCEPT -source 10.0.0.1/24', 'line'],
  ['[RULES]', 'IN ACCEPT -source 10.0.0.1 -dest fd00::1', 'whole'],
  ['[RULES]', 'IN ACCEPT -source lan -dest six', 'line'],
  ['[RULES]', 'IN ACCEPT -source lan -dest fd00::1', 'line'],
  ['[RULES]', 'IN ACCEPT -source +nodes', 'nothing'],
  ['[RULES]', 'IN ACCEPT -source +none', 'line'],
  ['[RULES]', 'IN ACCEPT -i vmbr0 -i vmbr1', 'whole'],
  ['[RULES]', 'IN ACCEPT -log bogus', 'whole'],
  ['[RULES]', 'IN ACCEPT -p tcp #', 'whole'],
  ['[RULES]', 'IN ACCEPT -p icmp -icmp-type nope', 'whole'],
  ['[RULES]', 'FORWARD REJECT', 'line'],
  ['[RULES]', 'FORWARD DROP', 'line', 'guest'],
  ['[RULES]', 'GROUP web -i vmbr0', 'nothing'],
  ['[RULES]', 'GROUP none', 'line'],
  ['[RULES]', 'GROUP web -source 10.0.0.1', 'whole'],
  ['[RULES]', 'group web', 'whole'],
  ['[RULES]', 'garbage', 'whole'],
  ['[RULES]', '[foo]', 'whole'],
  ['[RULES]', '[ALIASES]', 'whole', 'host'],
  ['[RULES]', 'IN ACCEPT -i net0', 'nothing', 'guest'],
  ['[RULES]', 'IN ACCEPT -i vmbr0', 'line', 'guest'],
  ['[group web]', 'IN ACCEPT -i vmbr0', 'line'],
  ['[group web]', 'GROUP web', 'line'],
]

for (const [section, line, spoils, file = 'cluster'] of LINES) {
  test(`${file}: ${line} in ${section} spoils ${spoils}`, () => {
    const cluster = parseLines(Buffer.from(CLUSTER))
    assert.equal(checkFile(cluster, 'cluster'), [])
    const text =
      file === 'cluster' ? CLUSTER.replace(`${section}\n\n`, `${section}\n\n${line}\n`) : `${section}\n\n${line}\n`
    const found = checkFile(parseLines(Buffer.from(text)), file, cluster)
    const worst = found.some((problem) => problem.spoils === 'whole') ? 'whole' : found.length > 0 ? 'line' : 'nothing'
    assert.is(worst, spoils, JSON.stringify(found))
  })
}

test('headers in another spelling, above no section, twice; and bytes that are not UTF-8', () => {
  const whole = (text: string | Buffer) =>
    checkFile(parseLines(Buffer.from(text)), 'cluster').map((p) => [p.line, p.spoils])
  assert.equal(whole('[ipset nodes]\n'), [[1, 'whole']])
  assert.equal(whole('[GROUP web]\n'), [[1, 'whole']])
  assert.equal(whole('IN ACCEPT\n[RULES]\n'), [[1, 'whole']])
  assert.equal(whole('[IPSET a1]\n[IPSET a1]\n'), [[2, 'whole']])
  assert.equal(whole('[group Web]\n'), [[1, 'line']])
  assert.equal(whole(Buffer.from([0x23, 0xff, 0x0a])), [[1, 'whole']])
})

test('aliases and sets count from where they stand; those of the cluster, in files of nodes and guests', () => {
  const late = checkFile(
    parseLines(Buffer.from('[RULES]\nIN ACCEPT -source lan\n[ALIASES]\nlan 10.0.0.0/8\n')),
    'cluster',
  )
  assert.equal(
    late.map(({ line, message }) => [line, message]),
    [[2, 'there is no alias lan above the rule that uses it']],
  )
  const guest = parseLines(
    Buffer.from('[ALIASES]\nlan 10.9.0.0/16\n[RULES]\nIN ACCEPT -source +nodes -dest guest/lan\n'),
  )
  assert.equal(checkFile(guest, 'guest', parseLines(Buffer.from(CLUSTER))), [])
})

test('names with a scope: `guest/` is for files of guests alone, `dc/` for what the cluster has', () => {
  const cluster = parseLines(Buffer.from('[ALIASES]\nlan 10.0.0.0/8\n[IPSET nodes]\n10.0.0.1\n'))
  const told = (text: string, file: 'cluster' | 'host' | 'guest') =>
    checkFile(parseLines(Buffer.from(text)), file, file === 'cluster' ? [] : cluster).map(({ message }) => message)
  const rule = (source: string) => `[RULES]\nIN ACCEPT -source ${source}\n`
  for (const file of ['host', 'guest'] as const)
    assert.equal([...told(rule('dc/lan'), file), ...told(rule('+dc/nodes'), file), ...told(rule('lan'), file)], [])
  assert.equal(told(rule('guest/lan'), 'host'), ['there is no alias guest/lan above the rule that uses it'])
  assert.equal(told(rule('+guest/nodes'), 'guest'), ['there is no set guest/nodes above the rule that uses it'])
  const own = '[ALIASES]\ndb 10.9.0.1\n[IPSET webs]\nguest/db\n'
  assert.equal(told(own + rule('guest/db') + rule('+guest/webs'), 'guest'), [])
  assert.equal(told(own + rule('dc/db'), 'guest'), ['there is no alias dc/db above the rule that uses it'])
  assert.equal(told(`[ALIASES]\nlan 10.0.0.0/8\n${rule('dc/lan')}`, 'cluster'), [])
})

test('an alias in the filter of a card makes PVE leave out that of hardware addresses', () => {
  const [problem] = checkFile(parseLines(Buffer.from('[ALIASES]\ndb 10.9.0.1\n[IPSET ipfilter-net0]\ndb\n')), 'guest')
  assert.equal([problem?.line, problem?.spoils], [4, 'line'])
  assert.match(problem?.message ?? '', /ipfilter-net0 has an alias/)
})

test.run()
