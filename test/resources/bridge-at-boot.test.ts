import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { INNER, MAIN, play, resourcesOf, type Task, WITH_VMBR1 } from '../helpers/network-node.ts'

const test = suite('bridges: what the next boot makes of them')

const VMBR1 = { bridge: { name: 'vmbr1', address: '10.10.10.1/24' } }
const NO_AUTO = INNER.replace('auto vmbr1\n', '')

/** What is said of a bridge with this text after the stanzas of the installer. */
function said(text: string, task: Task = VMBR1): readonly string[] {
  const { model, reasons } = play({ main: `${MAIN}\n${text}`, links: WITH_VMBR1 }, task)
  assert.equal(reasons, [])
  return resourcesOf([task]).flatMap((resource) => resource.notices?.(model) ?? [])
}

test('a stanza by hand that does not come up at boot stays so, and is told', () => {
  const [notice, ...more] = said(NO_AUTO)
  assert.match(notice ?? '', 'vmbr1 does not come up at boot')
  assert.equal(more, [])
  assert.not.match(play({ main: `${MAIN}\n${NO_AUTO}`, links: WITH_VMBR1 }, VMBR1).main, 'auto vmbr1')
})

test('nothing is said of what comes up, or is meant not to', () => {
  assert.equal(said(INNER), [])
  assert.equal(said(''), [])
  assert.equal(said(`allow-hotplug vmbr1\n${NO_AUTO}`), [])
  for (const autostart of [true, false]) assert.equal(said(NO_AUTO, { bridge: { ...VMBR1.bridge, autostart } }), [])
  assert.equal(said(`${NO_AUTO}\nauto vmbr1.5\niface vmbr1.5 inet manual\n`), [])
  assert.equal(said(`${NO_AUTO}\nauto five\niface five inet manual\n\tvlan-raw-device vmbr1\n\tvlan-id 5\n`), [])
})

test('a stanza in a file of its own is left there, and the remedy is to move it', () => {
  const { plans } = play({ sourced: { '/etc/network/interfaces.d/vmbr1': INNER }, links: WITH_VMBR1 }, VMBR1)
  const [plan] = plans
  assert.is(
    plan?.kind === 'blocked' && plan.reason,
    'vmbr1 is described in /etc/network/interfaces.d/vmbr1, which pvectl does not edit',
  )
  assert.match((plan?.kind === 'blocked' && plan.hint) || '', 'move its stanza to /etc/network/interfaces')
})

test.run()
