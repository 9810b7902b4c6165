import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { MAIN, play } from '../helpers/network-node.ts'

const test = suite('edits of the interfaces file')

const COMMENT = { interface_comment: { name: 'vmbr0', comment: 'External network' } }

test('interfaces: the step guards the content, takes the lock of PVE and refuses pending changes', () => {
  const { plans } = play({}, COMMENT)
  const [plan] = plans
  const script = plan?.kind === 'change' ? plan.script.display : ''
  for (const part of [
    'flock -w 10 9',
    '.pve-interfaces.lock',
    'interfaces.new ]',
    "pv_write /etc/network/interfaces 0644 root:root '",
  ])
    assert.ok(script.includes(part), `${part} in ${script}`)
})

test('interfaces: a pending change of the web interface blocks edits', () => {
  const pending = MAIN.replace('192.168.1.10', '192.168.1.11')
  const { kinds, reasons } = play({ pending }, COMMENT)
  assert.equal(kinds, ['blocked'])
  assert.match(reasons[0] ?? '', /pending.*- address 192\.168\.1\.10\/24, \+ address 192\.168\.1\.11\/24/)
})

test('interfaces: a pending change that keeps what is described is none of our business', () => {
  const main = MAIN.replace('bridge-fd 0\n', 'bridge-fd 0\n#External network\n')
  assert.equal(play({ main, pending: `${main}\n` }, COMMENT).kinds, ['ok'])
  assert.equal(play({ main, pending: MAIN }, COMMENT).kinds, ['blocked'])
})

test('interfaces: what cannot be edited', () => {
  assert.match(play({ main: `${MAIN}\\` }, COMMENT).reasons[0] ?? '', /ends with a backslash/)
  assert.match(play({ main: `${MAIN}#\0\n` }, COMMENT).reasons[0] ?? '', /NUL/)
  const none = { interface_comment: { name: 'vmbr7', comment: 'x' } }
  assert.match(play({}, none).reasons[0] ?? '', /no interface vmbr7/)
  const sourced = { '/etc/network/interfaces.d/sdn': 'auto vmbr7\niface vmbr7\n' }
  assert.match(play({ sourced }, none).reasons[0] ?? '', /interfaces\.d\/sdn/)
  assert.match(play({ sourced }, { bridge: { name: 'vmbr7' } }).reasons[0] ?? '', /interfaces\.d\/sdn/)
})

test.run()
