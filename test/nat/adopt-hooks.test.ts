import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { formatLines, parseLines } from '../../src/interfaces/lines.ts'
import { adoptHooks, dropHooks } from '../../src/nat/adopt-hooks.ts'
import { downCommand, upCommand } from '../../src/nat/hook-lines.ts'
import type { SourceNat } from '../../src/nat/source-nat.ts'
import { masqueradeWish } from '../../src/resources/masquerade-wish.ts'

const test = suite('adopting NAT hooks')

const rule: SourceNat = {
  kind: 'source',
  source: { family: 4, address: 0x0a0a0a00n, prefix: 24 },
  out: 'vmbr0',
  target: { kind: 'masquerade' },
}
const UP = `post-up ${upCommand(rule)}`
const DOWN = `post-down ${downCommand(rule)}`
const SPEC = `-s '10.10.10.0/24' -o vmbr0 -j MASQUERADE`
const HEAD = 'auto vmbr1\niface vmbr1 inet static\n\taddress 10.10.10.1/24\n\tbridge-ports none\n'
const DONE = `${HEAD}\t${UP}\n\t${DOWN}\n`

function adopt(text: string, serves: (rule: SourceNat) => boolean = () => false): string {
  const wish = masqueradeWish(rule, 'vmbr1', serves)
  const edit = (now: string) => formatLines(adoptHooks(parseLines(Buffer.from(now)), wish)).toString()
  const once = edit(text)
  assert.is(edit(once), once, 'the second edit changes nothing')
  return once
}

test('the guarded form is that of the documentation', () => {
  assert.is(
    UP,
    'post-up iptables -t nat -C POSTROUTING -s 10.10.10.0/24 -o vmbr0 -j MASQUERADE 2>/dev/null || iptables -t nat -A POSTROUTING -s 10.10.10.0/24 -o vmbr0 -j MASQUERADE',
  )
  assert.is(DOWN, 'post-down iptables -t nat -D POSTROUTING -s 10.10.10.0/24 -o vmbr0 -j MASQUERADE || true')
})

const CASES: readonly (readonly [string, string, string])[] = [
  ['none yet', HEAD, DONE],
  ['above the comment, below the options', `${HEAD}#Inner\n`, `${DONE}#Inner\n`],
  [
    'the tutorial',
    `${HEAD}\tpost-up iptables -t nat -A POSTROUTING ${SPEC}\n\tpost-down iptables -t nat -D POSTROUTING ${SPEC}\n`,
    DONE,
  ],
  [
    'without its down line',
    `${HEAD}\tpost-up iptables -t nat -A POSTROUTING ${SPEC}\n\tmtu 1500\n`,
    `${HEAD}\t${UP}\n\t${DOWN}\n\tmtu 1500\n`,
  ],
  [
    'twice',
    `${HEAD}\tup iptables -t nat -A POSTROUTING ${SPEC}\n\tpost-up iptables -t nat -A POSTROUTING ${SPEC}\n`,
    `${HEAD}\t${UP.replace('post-up', 'up')}\n\t${DOWN}\n`,
  ],
  [
    'other hooks stay',
    `${HEAD}\tpost-up echo 1 > /proc/sys/net/ipv4/ip_forward\n\tpost-up   iptables -t raw -I PREROUTING -i fwbr+ -j CT --zone 1\n`,
    `${HEAD}\tpost-up echo 1 > /proc/sys/net/ipv4/ip_forward\n\tpost-up   iptables -t raw -I PREROUTING -i fwbr+ -j CT --zone 1\n\t${UP}\n\t${DOWN}\n`,
  ],
  [
    'below a blank line, where PVE loses them',
    `${HEAD}\n\tpost-up echo 1\n\tpost-up iptables -t nat -A POSTROUTING ${SPEC}\n`,
    `${DONE}\n\tpost-up echo 1\n`,
  ],
  [
    'a line that does more',
    `${HEAD}\tup echo 1 && iptables -t nat -A POSTROUTING ${SPEC}; echo 2\n`,
    `${HEAD}\tup echo 1 && { ${upCommand(rule)}; }; echo 2\n\t${DOWN}\n`,
  ],
  [
    'a line that does more, twice',
    `${DONE}\tup echo 1; iptables -t nat -A POSTROUTING ${SPEC}\n`,
    `${DONE}\tup echo 1; true\n`,
  ],
  [
    'guarded by somebody else',
    `${HEAD}\tup /sbin/iptables -t nat -C POSTROUTING ${SPEC} || /sbin/iptables -t nat -A POSTROUTING ${SPEC}\n`,
    `${HEAD}\tup /sbin/iptables -t nat -C POSTROUTING ${SPEC} || /sbin/iptables -t nat -A POSTROUTING ${SPEC}\n\t${DOWN}\n`,
  ],
  [
    'guarded, but another rule to the kernel',
    `${HEAD}\tup iptables -t nat -C POSTROUTING ${SPEC} --random || iptables -t nat -A POSTROUTING ${SPEC} --random\n`,
    `${HEAD}\tup ${upCommand(rule)}\n\t${DOWN}\n`,
  ],
  [
    'SNAT before',
    `${HEAD}\tpost-up iptables -t nat -A POSTROUTING -s 10.10.10.0/24 -o vmbr0 -j SNAT --to-source 192.0.2.1\n`,
    DONE,
  ],
  [
    'a network that the bridge had before',
    `${HEAD}\tpost-up iptables -t nat -A POSTROUTING -s 10.77.0.0/24 -o vmbr0 -j MASQUERADE\n\tpost-down iptables -t nat -D POSTROUTING -s 10.77.0.0/24 -o vmbr0 -j MASQUERADE\n`,
    DONE,
  ],
  [
    'through another interface: stays',
    `${HEAD}\tpost-up iptables -t nat -A POSTROUTING -s 10.10.10.0/24 -o eno1 -j MASQUERADE\n`,
    `${HEAD}\tpost-up iptables -t nat -A POSTROUTING -s 10.10.10.0/24 -o eno1 -j MASQUERADE\n\t${UP}\n\t${DOWN}\n`,
  ],
  ['orphans', `\tpost-up iptables -t nat -A POSTROUTING ${SPEC}\n${HEAD}`, DONE],
  [
    'in the stanza of the uplink: adopted there',
    `${HEAD}\nauto vmbr0\niface vmbr0 inet manual\n\tbridge-ports eno1\n\tpost-up iptables -t nat -A POSTROUTING ${SPEC}\n`,
    `${HEAD}\nauto vmbr0\niface vmbr0 inet manual\n\tbridge-ports eno1\n\t${UP}\n\t${DOWN}\n`,
  ],
  [
    'in both: those of the bridge stay',
    `${DONE}\nauto vmbr0\niface vmbr0 inet manual\n\tpost-up iptables -t nat -A POSTROUTING ${SPEC}\n`,
    `${DONE}\nauto vmbr0\niface vmbr0 inet manual\n`,
  ],
  ['CRLF', HEAD.replaceAll('\n', '\r\n'), DONE.replaceAll('\n', '\r\n')],
]

for (const [what, before, after] of CASES) test(what, () => assert.is(adopt(before), after))

test('hooks for other networks of the node stay', () => {
  const text = `${DONE}\tup iptables -t nat -A POSTROUTING -s 10.77.0.0/24 -o vmbr0 -j MASQUERADE\n`
  assert.is(
    adopt(text, ({ source }) => source.address === 0x0a4d0000n),
    text,
  )
})

test('taken out without a trace, and nothing else', () => {
  const drop = (text: string) => formatLines(dropHooks(parseLines(Buffer.from(text)), { rule, holder: '' })).toString()
  assert.is(drop(DONE), HEAD)
  assert.is(drop(`${HEAD}\tup echo 1; iptables -t nat -A POSTROUTING ${SPEC}\n`), `${HEAD}\tup echo 1; true\n`)
  const other = `${HEAD}\tup iptables -t nat -A POSTROUTING -s 10.10.0.0/16 -o vmbr0 -j MASQUERADE\n`
  assert.is(drop(other), other)
})

test.run()
