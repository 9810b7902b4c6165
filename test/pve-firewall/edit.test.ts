import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { formatLines, type Lines, parseLines } from '../../src/interfaces/lines.ts'
import { checkFile } from '../../src/pve-firewall/check-file.ts'
import { checkRule } from '../../src/pve-firewall/check-rule.ts'
import { setAliases, setIpset } from '../../src/pve-firewall/edit-named.ts'
import { removeNamed, setRules } from '../../src/pve-firewall/edit-rules.ts'
import { setOptions } from '../../src/pve-firewall/options.ts'
import { type FirewallRule, formatRule, parseRule, ruleMeaning } from '../../src/pve-firewall/rule.ts'
import { draws } from '../helpers/draws.ts'

const test = suite('edits of firewall files')

const rule = (text: string): FirewallRule => {
  const parsed = parseRule(text)
  if (parsed === undefined) throw new Error(`no rule: ${text}`)
  return parsed
}

const edit = (text: string, change: (lines: Lines) => Lines) =>
  formatLines(change(parseLines(Buffer.from(text)))).toString()

test('a new file is what PVE itself would write', () => {
  const all = [
    (lines: Lines) => setRules(lines, { file: 'cluster', rules: [rule('IN SSH(ACCEPT) -source +management')] }),
    (lines: Lines) => setRules(lines, { file: 'cluster', group: 'web', rules: [rule('IN Web(ACCEPT)')] }),
    (lines: Lines) => setOptions(lines, 'cluster', { enable: '1' }),
    (lines: Lines) =>
      setIpset(lines, 'cluster', { name: 'nodes', entries: [{ address: '10.0.0.1' }], comment: 'größe' }),
    (lines: Lines) => setIpset(lines, 'cluster', { name: 'management', entries: [{ address: '192.0.2.0/24' }] }),
    (lines: Lines) => setAliases(lines, 'cluster', [{ name: 'office', address: '192.0.2.0/24', comment: 'x' }]),
  ]
  const expected = `[OPTIONS]

enable: 1

[ALIASES]

office 192.0.2.0/24 # x

[IPSET management]

192.0.2.0/24

[IPSET nodes] # größe

10.0.0.1

[RULES]

IN SSH(ACCEPT) -source +management

[group web]

IN Web(ACCEPT)

`
  assert.is(
    edit('', (lines) => all.reduce((now, one) => one(now), lines)),
    expected,
  )
  assert.is(
    edit('', (lines) => [...all].reverse().reduce((now, one) => one(now), lines)),
    expected,
  )
  assert.is(
    edit(expected, (lines) => all.reduce((now, one) => one(now), lines)),
    expected,
  )
})

const MESSY = `# by hand
[options]
enable:1
Policy_In: drop
[RULES]
# keep me
IN  ACCEPT  -p tcp -dport 8006 -i vmbr0 # gui

|OUT DROP -dest 203.0.113.9
garbage here
[IPSET management]
10.0.0.9   # me
[group web]
in Web(ACCEPT)`

test('foreign lines stay byte for byte, whatever they look like', () => {
  const out = edit(MESSY, (lines) =>
    setRules(setOptions(lines, 'cluster', { enable: '1', policy_in: 'DROP', ebtables: '0' }), {
      file: 'cluster',
      rules: [rule('IN SSH(ACCEPT)')],
    }),
  )
  assert.is(
    out,
    MESSY.replace('Policy_In: drop\n', 'Policy_In: drop\nebtables: 0\n').replace(
      '# keep me\n',
      'IN SSH(ACCEPT)\n# keep me\n',
    ),
  )
})

test('a rule of the same meaning is taken over; switch, log and comment are put right', () => {
  const wanted = [rule('IN ACCEPT -i vmbr0 -p tcp -dport 8006 # web')]
  const out = edit(MESSY, (lines) => setRules(lines, { file: 'cluster', rules: wanted }))
  assert.is(out, MESSY.replace(/^IN {2}ACCEPT.*$/m, 'IN ACCEPT -i vmbr0 -p tcp -dport 8006 # web'))
  const set = edit(MESSY, (lines) =>
    setIpset(lines, 'cluster', { name: 'management', entries: [{ address: '10.0.0.9/32' }] }),
  )
  assert.is(set, MESSY)
})

test('described rules keep their order among each other; the ones that are out of order move', () => {
  const file = '[RULES]\n\nIN DROP\nIN ACCEPT -p tcp -dport 1\nIN ACCEPT -p tcp -dport 2\nIN ACCEPT -p udp\n'
  const rules = ['IN ACCEPT -p tcp -dport 2', 'IN ACCEPT -p tcp -dport 3', 'IN ACCEPT -p tcp -dport 1'].map(rule)
  const out = edit(file, (lines) => setRules(lines, { file: 'cluster', rules }))
  const at = (text: string) => out.split('\n').indexOf(text)
  assert.ok(at('IN ACCEPT -p tcp -dport 2') < at('IN ACCEPT -p tcp -dport 3'))
  assert.ok(at('IN ACCEPT -p tcp -dport 3') < at('IN ACCEPT -p tcp -dport 1'))
  assert.is(out.split('IN ACCEPT -p tcp -dport 1').length, 2)
  assert.match(out, 'IN ACCEPT -p udp\n')
})

test('absent rules, sets, groups and aliases go; exclusive parts hold nothing else', () => {
  const gone = edit(MESSY, (lines) =>
    setRules(lines, { file: 'cluster', rules: [], absent: [rule('OUT DROP -dest 203.0.113.9')] }),
  )
  assert.is(gone, MESSY.replace(/^\|OUT.*\n/m, ''))
  assert.is(
    edit(MESSY, (lines) => removeNamed(lines, 'cluster', 'ipset', 'management')),
    MESSY.replace(/\[IPSET management\]\n.*\n/, ''),
  )
  const only = edit(MESSY, (lines) =>
    setRules(lines, { file: 'cluster', rules: [rule('IN SSH(ACCEPT)')], exclusive: true }),
  )
  assert.match(only, /\[RULES\]\n+# keep me\nIN SSH\(ACCEPT\)\n+\[IPSET|\[RULES\]\nIN SSH\(ACCEPT\)|IN SSH/)
  assert.not.match(only, 'garbage')
  assert.not.match(only, '8006')
  const aliases = '[ALIASES]\n\nA1  10.0.0.1\nb2 10.0.0.2\n'
  assert.is(
    edit(aliases, (lines) => setAliases(lines, 'cluster', [{ name: 'a1', address: '10.0.0.1' }], { absent: ['B2'] })),
    '[ALIASES]\n\na1 10.0.0.1\n',
    'two blanks would lose the alias, so the line is written anew',
  )
})

test('an option that stands there twice is made one, which both parsers read alike', () => {
  const file = '[OPTIONS]\nenable: 0\npolicy_in: DROP\nenable: 1\n'
  assert.is(
    edit(file, (lines) => setOptions(lines, 'cluster', { enable: '1' })),
    '[OPTIONS]\npolicy_in: DROP\nenable: 1\n',
  )
})

const ruleText = fc
  .record({
    off: fc.boolean(),
    head: fc.constantFrom('IN ACCEPT', 'IN DROP', 'OUT ACCEPT', 'IN SSH(ACCEPT)', 'in Ping(ACCEPT)', 'GROUP web'),
    rest: fc.constantFrom('', ' -i vmbr0', ' -source 10.0.0.0/8', '  -p tcp -dport 22', ' -p udp -dport 67 -sport 68'),
    note: fc.constantFrom('', ' # hi', '#x', ' -log info', ' # größer'),
  })
  .map(({ off, head, rest, note }) => `${off ? '|' : ''}${head}${rest}${note}`)
const line = fc.oneof(
  { weight: 4, arbitrary: ruleText },
  fc.constantFrom(
    '',
    '# comment',
    '  ',
    '[RULES]',
    '[group web] # g',
    '[OPTIONS]',
    'enable: 1',
    '[IPSET nodes]',
    '10.0.0.1',
    '!10.0.0.0/8 # n',
    '[ALIASES]',
    'a  10.1.1.1',
    'b 10.1.1.2',
    '[foo',
    '\u00ff',
  ),
)
const anyFile = fc
  .array(line, { maxLength: 25 })
  .chain((lines) => fc.constantFrom('\n', '').map((end) => lines.join('\n') + end))
const wantedRules = fc
  .array(ruleText, { maxLength: 5 })
  .map((texts) => texts.flatMap((text) => parseRule(text) ?? []))
  .map((rules) => rules.filter((one, i) => rules.findIndex((other) => ruleMeaning(other) === ruleMeaning(one)) === i))

/** Lines of `before` that are neither blank nor touched are in `after`, in their order. */
function keepsForeign(before: string, after: string, isOurs: (text: string) => boolean): void {
  const rest = after.split('\n')
  for (const text of before.split('\n').filter((one) => one.trim() !== '' && !isOurs(one))) {
    const at = rest.indexOf(text)
    assert.ok(at >= 0, `lost: ${JSON.stringify(text)}\n${after}`)
    rest.splice(0, at + 1)
  }
}

test('any file, any rules: every foreign byte stays, and a second edit changes nothing', () => {
  fc.assert(
    fc.property(
      anyFile,
      wantedRules,
      fc.constantFrom('first', 'last'),
      fc.boolean(),
      (file, rules, position, group) => {
        const wanted = { file: 'cluster', rules, position, group: group ? 'web' : undefined } as const
        const once = edit(file, (lines) => setRules(lines, wanted))
        assert.is(
          edit(once, (lines) => setRules(lines, wanted)),
          once,
        )
        const ours = new Set(rules.map(ruleMeaning))
        keepsForeign(file, once, (text) => {
          const parsed = parseRule(text.trim())
          return parsed !== undefined && ours.has(ruleMeaning(parsed))
        })
      },
    ),
    draws(400),
  )
})

test('any file, any set, alias and option: the same', () => {
  const change = (lines: Lines) => {
    const set = setIpset(lines, 'cluster', {
      name: 'nodes',
      entries: [{ address: '10.0.0.2' }, { address: '10.0.0.1' }],
      comment: 'all',
    })
    return setOptions(setAliases(set, 'cluster', [{ name: 'A', address: '10.1.1.1' }]), 'cluster', {
      enable: '1',
      ebtables: '0',
    })
  }
  fc.assert(
    fc.property(anyFile, (file) => {
      const once = edit(file, change)
      assert.is(edit(once, change), once)
      keepsForeign(file, once, (text) => /^(a {2}10|enable: 1|\[IPSET nodes\])/.test(text.trim()))
    }),
    draws(300),
  )
})

test('any rule is read back as it was written', () => {
  fc.assert(
    fc.property(ruleText, (text) => {
      const parsed = rule(text)
      assert.equal(parseRule(formatRule(parsed)), parsed)
    }),
    draws(),
  )
})

test('what is written holds no mistakes that were not there before', () => {
  fc.assert(
    fc.property(wantedRules, (all) => {
      const rules = all.filter((one) => checkRule(one, 'cluster').length === 0)
      const out = setRules(parseLines(Buffer.from('[RULES]\n\n[group web]\n\n')), { file: 'cluster', rules })
      assert.equal(checkFile(out, 'cluster'), [])
    }),
    draws(),
  )
})

test.run()
