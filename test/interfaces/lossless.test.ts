import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { addAutostart, removeAutostart } from '../../src/interfaces/allow.ts'
import { writeBridge } from '../../src/interfaces/bridge.ts'
import { setComment } from '../../src/interfaces/comments.ts'
import { continues, formatLines, type Lines, parseLines } from '../../src/interfaces/lines.ts'
import { parseBlocks, stanzasOf } from '../../src/interfaces/stanzas.ts'
import { removeStanzas } from '../../src/interfaces/whole-stanza.ts'
import { adoptHooks, dropHooks } from '../../src/nat/adopt-hooks.ts'
import { parseIpv4Cidr } from '../../src/net/ip-cidr.ts'
import { masqueradeWish } from '../../src/resources/masquerade-wish.ts'
import { draws } from '../helpers/draws.ts'

const test = suite('interfaces: nothing foreign is lost')

const corpus = readdirSync(new URL('corpus', import.meta.url)).map((name) =>
  readFileSync(new URL(`corpus/${name}`, import.meta.url)),
)

const FRAGMENTS = [
  'auto lo vmbr0 vmbr1',
  'auto vmbr1',
  'allow-hotplug eno2',
  'iface lo inet loopback',
  'iface vmbr0 inet static',
  '  iface vmbr0 inet6 static',
  'iface vmbr1 inet manual',
  'iface vmbr1',
  'iface vmbr1.5 inet manual',
  'iface vlan5 inet manual',
  'iface vmbr1 inet static # note',
  'source /etc/network/interfaces.d/*',
  'mapping eth0',
  '\taddress 10.0.0.1/24',
  'address 10.0.0.1',
  '        netmask 255.255.255.0',
  '\tgateway 10.0.0.254',
  '\tbridge_ports none',
  '\tbridge-ports eno1 \\',
  '\t\teno2',
  '  bridge-stp off',
  '\tbridge-fd 0  ',
  '\tvlan-raw-device vmbr0',
  '\tpost-up echo 1 > /proc/sys/net/ipv4/ip_forward',
  "\tpost-up iptables -t nat -A POSTROUTING -s '10.0.0.0/24' -o vmbr0 -j MASQUERADE",
  '\tup true; /sbin/iptables -w -t nat -I POSTROUTING -s 10.0.0.0/255.255.255.0 -o vmbr0 -j MASQUERADE; echo x',
  '\tpost-down iptables -t nat -D POSTROUTING -s 10.0.0.0/24 -o vmbr0 -j MASQUERADE',
  '\tpost-up iptables -t raw -I PREROUTING -i fwbr+ -j CT --zone 1',
  '#External network',
  '  # a note',
  '#\tmtu 9000',
  '#auto vmbr7',
  '',
  ' \t',
  'frobnicate',
  '\\',
  'caf\xe9 \xff\xa0',
  '\tup echo "unclosed',
]

const line = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...FRAGMENTS) },
  fc.string({ unit: fc.constantFrom('a', '#', ' ', '\t', '\\', '\xa0', '"', "'", ';', '|', '$', '\r') }),
)
const file = fc.oneof(
  fc.constantFrom(...corpus),
  fc
    .tuple(fc.array(fc.tuple(line, fc.constantFrom('\n', '\n', '\n', '\r\n')), { maxLength: 40 }), fc.boolean())
    .map(([lines, open]) => {
      const text = lines.map(([content, end]) => content + end).join('')
      // A backslash at the very end would swallow what is added; the resource refuses to edit such a file.
      if (/\\\s*$/.test(text)) return Buffer.alloc(0)
      return Buffer.from(open ? text.replace(/\r?\n$/, '') : text, 'latin1')
    }),
)

const wish = masqueradeWish(
  {
    kind: 'source',
    source: { family: 4, address: 0x0a000000n, prefix: 24 },
    out: 'vmbr0',
    target: { kind: 'masquerade' },
  },
  'vmbr1',
  () => false,
)
const name = fc.constantFrom('vmbr0', 'vmbr1', 'vmbr2')

interface Edit {
  readonly what: string
  readonly run: (lines: Lines) => Lines
  /** Texts that the edit may add, change or take away. */
  readonly owns: RegExp
}

const edit: fc.Arbitrary<Edit> = fc.oneof(
  fc.record({ name, address: fc.constantFrom('10.0.0.1/24', '10.9.0.1/16') }).map(({ name, address }) => ({
    what: `bridge ${name} ${address}`,
    run: (lines: Lines) => writeBridge(lines, { name, address: parseIpv4Cidr(address), ports: [], comment: 'Inner' }),
    owns: /address|netmask|bridge[-_]|^auto|iface|#|^\s*eno2$|^\s*$/,
  })),
  fc.tuple(name, fc.constantFrom('Inner', 'External network', '')).map(([name, comment]) => ({
    what: `comment ${name} ${comment}`,
    run: (lines: Lines) => setComment(lines, name, comment),
    owns: /#|^\s*$/,
  })),
  fc.constant({
    what: 'hooks',
    run: (lines: Lines) => adoptHooks(lines, wish),
    owns: /iptables (-w )?-t nat|echo x|^\s*$/,
  }),
  fc.constant({
    what: 'no hooks',
    run: (lines: Lines) => dropHooks(lines, wish),
    owns: /iptables (-w )?-t nat|echo x/,
  }),
  name.map((name) => ({
    what: `auto ${name}`,
    run: (lines: Lines) => addAutostart(lines, name),
    owns: /^auto /,
  })),
  name.map((name) => ({
    what: `no auto ${name}`,
    run: (lines: Lines) => removeAutostart(lines, name),
    owns: /^(auto|allow-)/,
  })),
)

/** Line `i` goes on from the one before, or on to the next: part of one option. */
const isContinued = (lines: Lines, i: number) => [lines[i - 1], lines[i]].some((line) => continues(line?.text))
const filled = (lines: Lines) => lines.map(({ text }) => text).filter((text) => text.trim() !== '')
const show = (bytes: Buffer) => JSON.stringify(bytes.toString('latin1'))

test('parsing and formatting are inverse', () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => formatLines(parseLines(Buffer.from(bytes))).equals(Buffer.from(bytes))),
    draws(),
  )
  fc.assert(
    fc.property(file, (bytes) => formatLines(parseLines(bytes)).equals(bytes)),
    draws(),
  )
})

test('an edit keeps every foreign line, byte for byte and in order', () => {
  fc.assert(
    fc.property(file, edit, (bytes, { run, owns, what }) => {
      const foreign = (lines: Lines) =>
        lines
          .filter((_, i) => !isContinued(lines, i))
          .map(({ text }) => text)
          .filter((text) => !owns.test(text))
      const before = parseLines(bytes)
      const after = run(before)
      assert.equal(foreign(after), foreign(before), `${what} on ${show(bytes)}`)
    }),
    draws(3000),
  )
})

test('the same edit again changes nothing', () => {
  fc.assert(
    fc.property(file, edit, (bytes, { run, what }) => {
      const once = formatLines(run(parseLines(bytes)))
      const twice = formatLines(run(parseLines(once)))
      assert.is(show(twice), show(once), `${what} on ${show(bytes)}`)
    }),
    draws(3000),
  )
})

test('a bridge added and removed leaves the file as it was', () => {
  for (const bytes of corpus.filter((bytes) => bytes.toString().endsWith('\n'))) {
    const added = writeBridge(parseLines(bytes), { name: 'vmbr42', comment: 'Inner' })
    assert.is(show(formatLines(removeStanzas(added, 'vmbr42'))), show(bytes))
  }
  fc.assert(
    fc.property(file, (bytes) => {
      const before = parseLines(bytes)
      const added = writeBridge(before, { name: 'vmbr42', comment: 'Inner' })
      assert.is(stanzasOf(added, 'vmbr42').length, 1, show(bytes))
      assert.equal(filled(removeStanzas(added, 'vmbr42')), filled(before), show(bytes))
    }),
    draws(2000),
  )
})

test('removing an interface leaves none of its settings to another', () => {
  fc.assert(
    fc.property(file, name, (bytes, name) => {
      const before = parseLines(bytes)
      // Settings that stand below no interface at all are an error already.
      fc.pre(parseBlocks(before).every((block) => block.kind !== 'other' || /^(source|mapping)/.test(block.keyword)))
      const after = removeStanzas(before, name)
      assert.is(stanzasOf(after, name).length, 0)
      const others = (lines: Lines) =>
        stanzasOf(lines)
          .filter((stanza) => stanza.name !== name)
          .map((stanza) => [stanza.name, stanza.family, stanza.options.map(({ name: key, value }) => [key, value])])
      assert.equal(others(after), others(before), show(bytes))
    }),
    draws(2000),
  )
})

test.run()
