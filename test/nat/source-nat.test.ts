import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { splitRule } from '../../src/nat/rule-text.ts'
import { readRuleCall, ruleArgs } from '../../src/nat/rules.ts'
import { shellCommands } from '../../src/nat/shell-line.ts'
import { readSourceNat } from '../../src/nat/source-nat.ts'

const test = suite('reading source NAT')

const SPEC = '-s 10.10.10.0/24 -o vmbr0 -j MASQUERADE'

/** `operation rule`, with `~` before rules that say more than pvectl's, for each call in a line. */
function calls(line: string): readonly string[] {
  return shellCommands(line, 'vmbr0').flatMap(({ words }) => {
    const call = readRuleCall(words)
    return call?.rule.kind !== 'source'
      ? []
      : [`${call.operation} ${call.exact ? '' : '~'}${ruleArgs(call.rule).join(' ')}`]
  })
}

const READ: readonly (readonly [string, readonly string[]])[] = [
  [`iptables -t nat -A POSTROUTING -s '10.10.10.0/24' -o vmbr0 -j MASQUERADE`, [`add ${SPEC}`]],
  [`iptables -t nat -A POSTROUTING -s "10.10.10.0/24" -o vmbr0 -j MASQUERADE`, [`add ${SPEC}`]],
  [`/sbin/iptables -w -t nat -D POSTROUTING -o vmbr0 -s 10.10.10.0/255.255.255.0 -j MASQUERADE`, [`delete ${SPEC}`]],
  [
    `iptables -w 5 --table nat --append POSTROUTING --source 10.10.10.7/24 --out-interface vmbr0 --jump MASQUERADE`,
    [`add ${SPEC}`],
  ],
  [`iptables --table=nat -I POSTROUTING 1 --src=10.10.10.0/24 -o vmbr0 -j MASQUERADE`, [`insert ${SPEC}`]],
  [`iptables -tnat -APOSTROUTING -s10.10.10.0/24 -ovmbr0 -jMASQUERADE`, [`add ${SPEC}`]],
  [`iptables -t nat -A POSTROUTING -s 10.10.10.0/24 ! -d 10.10.10.0/24 -o vmbr0 -j MASQUERADE`, [`add ~${SPEC}`]],
  [
    `iptables -t nat -A POSTROUTING -s 10.10.10.0/24 -o vmbr0 -m comment --comment "a b; c" -j MASQUERADE`,
    [`add ~${SPEC}`],
  ],
  [`iptables -t nat -A POSTROUTING -s 10.10.10.0/24 -o vmbr0 -j MASQUERADE --random-fully`, [`add ~${SPEC}`]],
  [`iptables -t nat -A POSTROUTING -s 10.10.10.0/24 -o $IFACE -j MASQUERADE`, [`add ${SPEC}`]],
  [
    `iptables -t nat -A POSTROUTING -s 10.10.10.0/24 -o vmbr0 -j SNAT --to 192.0.2.1`,
    ['add -s 10.10.10.0/24 -o vmbr0 -j SNAT --to-source 192.0.2.1'],
  ],
  [
    `iptables -t nat -C POSTROUTING ${SPEC} 2>/dev/null || iptables -t nat -A POSTROUTING ${SPEC}`,
    [`check ${SPEC}`, `add ${SPEC}`],
  ],
  [
    `if ! iptables -t nat -C POSTROUTING ${SPEC} >/dev/null 2>&1; then iptables -t nat -A POSTROUTING ${SPEC}; fi`,
    [`check ${SPEC}`, `add ${SPEC}`],
  ],
  [`echo 1 > /proc/sys/net/ipv4/ip_forward && iptables -t nat -A POSTROUTING ${SPEC}`, [`add ${SPEC}`]],
  // Conditions, other tables and chains, what only a shell can tell: not ours to touch.
  [`iptables -t nat -A POSTROUTING -s 10.10.10.0/24 ! -d 10.0.0.0/8 -o vmbr0 -j MASQUERADE`, []],
  [`iptables -t nat -A POSTROUTING -s 10.10.10.0/24 -o vmbr0 -p tcp --dport 80 -j MASQUERADE`, []],
  [`iptables -t nat -A POSTROUTING -s 10.10.10.0/24 ! -o vmbr0 -j MASQUERADE`, []],
  [`iptables -t nat -A POSTROUTING ! -s 10.10.10.0/24 -o vmbr0 -j MASQUERADE`, []],
  [`iptables -t nat -A POSTROUTING -o vmbr0 -j MASQUERADE`, []],
  [`iptables -t nat -A POSTROUTING -s 10.10.10.0/24 -o vmbr+ -j MASQUERADE`, []],
  [`iptables -t nat -A POSTROUTING -s 10.1.0.0/16,10.2.0.0/16 -o vmbr0 -j MASQUERADE`, []],
  [`iptables -t nat -A POSTROUTING -s $NET -o vmbr0 -j MASQUERADE`, []],
  [`iptables -t nat -A POSTROUTING -s 10.10.10.0/24 -o vmbr0 -j RETURN`, []],
  [`iptables -t nat -A PREROUTING -s 10.10.10.0/24 -o vmbr0 -j MASQUERADE`, []],
  [`iptables -A POSTROUTING ${SPEC}`, []],
  [`ip6tables -t nat -A POSTROUTING ${SPEC}`, []],
  [`iptables -t raw -I PREROUTING -i fwbr+ -j CT --zone 1`, []],
  [`echo iptables -t nat -A POSTROUTING ${SPEC}`, []],
  [`# iptables -t nat -A POSTROUTING ${SPEC}`, []],
  [`iptables -t nat -A POSTROUTING -s "10.10.10.0/24 -o vmbr0 -j MASQUERADE`, []],
]

for (const [line, expected] of READ) test(line, () => assert.equal(calls(line), expected))

test('words of iptables-save', () => {
  assert.equal(splitRule('-s 10.0.0.0/8 -m comment --comment "a \\"b\\" \\\\ c" -j MASQUERADE'), [
    '-s',
    '10.0.0.0/8',
    '-m',
    'comment',
    '--comment',
    'a "b" \\ c',
    '-j',
    'MASQUERADE',
  ])
})

test('a rule as pvectl writes it reads as itself', () => {
  const rule = {
    kind: 'source',
    source: { family: 4, address: 0x0a000000n, prefix: 8 },
    out: 'vmbr0',
    target: { kind: 'snat', to: '192.0.2.1' },
  } as const
  assert.equal(readSourceNat(4, ruleArgs(rule)), rule)
})

test.run()
