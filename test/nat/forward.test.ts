import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Forward } from '../../src/nat/forward.ts'
import { relationTo } from '../../src/nat/forward-relation.ts'
import { splitRule } from '../../src/nat/rule-text.ts'
import { readRule, readRuleCall, ruleArgs } from '../../src/nat/rules.ts'
import { shellCommands } from '../../src/nat/shell-line.ts'

const test = suite('reading forwards')

/** The rule in pvectl's words, `~` before those that the kernel stores otherwise. */
function call(text: string): string | undefined {
  const [command] = shellCommands(text, 'vmbr0')
  const read = command === undefined ? undefined : readRuleCall(command.words)
  return read === undefined ? undefined : `${read.exact ? '' : '~'}${ruleArgs(read.rule).join(' ')}`
}

const T = 'iptables -t nat -A PREROUTING'

const READ: readonly (readonly [string, string | undefined])[] = [
  [
    `${T} -i vmbr0 -p tcp --dport 2222 -j DNAT --to 10.0.0.2:22`,
    '-i vmbr0 -p tcp -m tcp --dport 2222 -j DNAT --to-destination 10.0.0.2:22',
  ],
  [
    `${T} -d 203.0.113.5 -p tcp -m tcp --dport 2222 -j DNAT --to-destination 10.0.0.2:22`,
    '-d 203.0.113.5/32 -p tcp -m tcp --dport 2222 -j DNAT --to-destination 10.0.0.2:22',
  ],
  [
    `${T} -d 203.0.113.5 -p udp --dport 8000:8010 -j DNAT --to-destination 10.0.0.2:9000-9010/8000`,
    '-d 203.0.113.5/32 -p udp -m udp --dport 8000:8010 -j DNAT --to-destination 10.0.0.2:9000-9010/8000',
  ],
  [
    `${T} -d 203.0.113.5 -p udp --dport 8000:8010 -j DNAT --to 10.0.0.2:8000-8010`,
    '~-d 203.0.113.5/32 -p udp -m udp --dport 8000:8010 -j DNAT --to-destination 10.0.0.2',
  ],
  [
    `${T} -p tcp -m tcp --dport 25 -m comment --comment mail -j DNAT --to-destination 10.0.0.2`,
    '~-p tcp -m tcp --dport 25 -j DNAT --to-destination 10.0.0.2:25',
  ],
  [`${T} -p tcp --dport 443 -j REDIRECT --to-ports 8006`, '-p tcp -m tcp --dport 443 -j REDIRECT --to-ports 8006'],
  [
    `ip6tables -t nat -A PREROUTING -d 2001:db8::5 -p tcp --dport 443 -j DNAT --to-destination [fd00::2]:443`,
    '-d 2001:db8::5/128 -p tcp -m tcp --dport 443 -j DNAT --to-destination [fd00::2]:443',
  ],
  // A purpose of its own, or nothing that could be told for sure.
  [`${T} -s 192.0.2.0/24 -p tcp --dport 22 -j DNAT --to 10.0.0.2`, undefined],
  [`${T} ! -i vmbr1 -p tcp --dport 22 -j DNAT --to 10.0.0.2`, undefined],
  [`${T} -p tcp --dport $PORT -j DNAT --to 10.0.0.2`, undefined],
  [`${T} -p tcp --dport 22 -j ACCEPT`, undefined],
  [`iptables -t mangle -A PREROUTING -p tcp --dport 22 -j DNAT --to 10.0.0.2`, undefined],
]

for (const [text, expected] of READ) test(text, () => assert.is(call(text), expected))

function forward(chain: 'PREROUTING' | 'OUTPUT', text: string): Forward {
  const rule = readRule({ family: 4, table: 'nat', chain }, splitRule(text))
  if (rule?.kind !== 'forward') throw new Error(text)
  return rule
}

const OURS = '-d 203.0.113.5/32 -p tcp -m tcp --dport 8000:8010 -j DNAT --to-destination 10.0.0.2'

const RELATIONS: readonly (readonly [string, string])[] = [
  [OURS, 'same'],
  ['-i vmbr0 -p tcp -m tcp --dport 8000:8010 -j DNAT --to-destination 10.0.0.2', 'same'],
  ['-i vmbr0 -p tcp -m tcp --dport 8005 -j DNAT --to-destination 10.0.0.2:8005', 'same'],
  ['-p tcp -m multiport --dports 8001,8002 -j DNAT --to-destination 10.0.0.2', 'same'],
  ['-d 203.0.113.5/32 -p tcp -m tcp --dport 8000:8010 -j DNAT --to-destination 10.0.0.3', 'moved'],
  ['-i vmbr0 -p tcp -m tcp --dport 8005 -j DNAT --to-destination 10.0.0.2:80', 'conflict'],
  ['-i vmbr0 -p tcp -m tcp --dport 8000:9000 -j DNAT --to-destination 10.0.0.3', 'conflict'],
  ['-i vmbr0 -j DNAT --to-destination 10.0.0.3', 'conflict'],
  ['-p tcp -m tcp --dport 8000 -j REDIRECT --to-ports 8006', 'conflict'],
  ['-p tcp -m tcp --dport 8000:8010 -j DNAT --to-destination 10.0.0.2-10.0.0.9', 'conflict'],
  // A wider one to the same place serves these ports too.
  ['-i vmbr0 -p tcp -m tcp --dport 8000:9000 -j DNAT --to-destination 10.0.0.2', 'none'],
  ['-i vmbr0 -p udp -m udp --dport 8000:8010 -j DNAT --to-destination 10.0.0.3', 'none'],
  ['-i vmbr1 -p tcp -m tcp --dport 8000:8010 -j DNAT --to-destination 10.0.0.3', 'none'],
  ['-d 203.0.113.6/32 -p tcp -m tcp --dport 8000:8010 -j DNAT --to-destination 10.0.0.3', 'none'],
  ['-p tcp -m tcp --dport 8011 -j DNAT --to-destination 10.0.0.3', 'none'],
]

for (const [text, expected] of RELATIONS)
  test(`${expected}: ${text}`, () =>
    assert.is(relationTo(forward('PREROUTING', OURS), forward('PREROUTING', text), ['vmbr0']), expected))

test('another chain is another rule', () => {
  assert.is(relationTo(forward('PREROUTING', OURS), forward('OUTPUT', OURS), ['vmbr0']), 'none')
})

test.run()
