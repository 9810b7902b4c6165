import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assertOnboardFlags } from '../../src/cli/onboard-checks.ts'
import { clusterOf, linksOf } from '../../src/cli/onboard-flags.ts'
import { onboardReporter } from '../../src/cli/onboard-text.ts'
import { rememberedPassphrases } from '../../src/cli/passphrase.ts'
import { Secret } from '../../src/connection/secret.ts'
import type { OnboardEvent } from '../../src/onboard/events.ts'
import { fail, pass, warn } from '../../src/onboard/row.ts'
import { createPalette } from '../../src/reporters/palette.ts'
import { symbolsFor } from '../../src/reporters/symbols.ts'

const test = suite('onboarding on screen')

function shown(events: readonly OnboardEvent[], columns = 80, json = false): string {
  let text = ''
  const emit = onboardReporter({
    json,
    write: (part) => {
      text += part
    },
    palette: createPalette(false),
    symbols: symbolsFor({ LANG: 'C.UTF-8' }),
    columns,
  })
  for (const event of events) emit(event)
  return text
}

const STEP: OnboardEvent = {
  event: 'onboard:step',
  node: '192.0.2.14',
  step: 'preflight',
  status: 'failed',
  text: '1 passed, 1 to look at, 1 failed',
  rows: [
    pass('version', 'Proxmox VE', '8.2.4'),
    warn('nics', 'names of network cards', 'eno1 not pinned', 'pin it, then reboot'),
    fail('route', 'default route', 'none', 'give the node a gateway'),
  ],
}

test('a node is named once, its rows stand in a table, and a failure names what --ignore takes', () => {
  const text = shown([
    { event: 'onboard:started', mode: 'apply', addresses: ['192.0.2.14'], inventory: 'prod' },
    { event: 'onboard:step', node: '192.0.2.14', step: 'login', status: 'ok', text: 'root by key' },
    STEP,
  ])
  assert.is(
    text,
    `pvectl onboard  1 node → prod

192.0.2.14
  ✔ login      root by key
  ✖ preflight  1 passed, 1 to look at, 1 failed
      pass  Proxmox VE              8.2.4
      warn  names of network cards  eno1 not pinned
            → pin it, then reboot
      FAIL  default route           none (route)
            → give the node a gateway
`,
  )
})

test('on a narrow terminal lines break between words', () => {
  const long: OnboardEvent = {
    ...STEP,
    text: 'a text that is longer than forty columns for sure',
    rows: [],
  } as OnboardEvent
  for (const line of shown([long], 40).split('\n')) assert.ok(line.length <= 40, line)
})

test('what a node prints cannot drive the terminal', () => {
  const evil = `\u001b[2Jgone\nnext`
  const text = shown([{ event: 'onboard:begin', node: 'x', step: 'cluster', text: evil }])
  assert.not.match(text, '\u001b')
  assert.is(
    shown([{ event: 'onboard:begin', node: 'x', step: 'cluster', text: 'pvecm runs' }]),
    '\nx\n  · cluster: pvecm runs\n',
  )
})

test('with --json each event is a line of its own', () => {
  const lines = shown([STEP, STEP], 80, true).trim().split('\n')
  assert.is(lines.length, 2)
  assert.equal(JSON.parse(lines[0] ?? ''), STEP)
})

test('names of clusters and addresses of links are read as pvecm takes them', () => {
  assert.equal(clusterOf({ create: 'lab-1' }), { kind: 'create', name: 'lab-1' })
  assert.is(clusterOf({}), undefined)
  for (const wrong of ['', 'a name', '-lab', 'much-too-long-name', 'lab_1']) {
    assert.throws(() => clusterOf({ create: wrong }), /cannot be the name/, wrong)
  }
  assert.equal(
    [...linksOf({ link0: '192.0.2.14', link3: '10.0.0.1' }, ['a'])],
    [
      [0, '192.0.2.14'],
      [3, '10.0.0.1'],
    ],
  )
  assert.throws(() => linksOf({ link0: '192.0.2.14' }, ['a', 'b']), /for one node/)
})

test('flags that do not go together, and checks that nobody knows, are mistakes', () => {
  assertOnboardFlags({ name: 'pve4', ignore: ['pending', 'corosync-ports'] }, ['192.0.2.14'])
  assert.throws(() => assertOnboardFlags({ name: 'pve4' }, ['a', 'b']), /for one node/)
  assert.throws(() => assertOnboardFlags({}, ['a', 'a']), /twice/)
  assert.throws(() => assertOnboardFlags({ ignore: ['pendign'] }, ['a']), /no check/)
})

test('a passphrase is asked for once, and again only when it was wrong', async () => {
  const answers = ['wrong', 'right']
  let asked = 0
  const factory = rememberedPassphrases(async () => new Secret(answers[asked++] ?? 'never'))
  const first = factory().askPassphrase
  assert.is((await first?.('id'))?.reveal(), 'wrong')
  assert.is((await first?.('id'))?.reveal(), 'right')
  assert.is((await factory().askPassphrase?.('id'))?.reveal(), 'right')
  assert.is(asked, 2)
})

test.run()
