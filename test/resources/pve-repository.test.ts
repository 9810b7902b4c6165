import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { filesIn } from '../../src/facts/directory-files.ts'
import { fileAt } from '../../src/facts/file.ts'
import { packageNamed } from '../../src/facts/package.ts'
import { type PveState, pveRef } from '../../src/facts/pve.ts'
import { unitNamed } from '../../src/facts/unit.ts'
import { aptSources, switchSources } from '../../src/resources/apt-sources.ts'
import { type PveChannel, pveRepository } from '../../src/resources/pve-repository.ts'
import { timeService } from '../../src/resources/time-service.ts'
import { fact, fileState, modelOf, planChange, summaries, unitState } from '../helpers/model.ts'

const test = suite('repositories and time')

const DIR = '/etc/apt/sources.list.d'
type Files = Readonly<Record<string, string>>

function model(pve: Partial<PveState>, files: Files, main?: string) {
  const state: PveState = { version: '8.2.4', major: 8, subscription: 'notfound', ...pve }
  const listed = Object.entries(files).map(([name, text]) => ({ path: `${DIR}/${name}`, content: Buffer.from(text) }))
  return modelOf(
    fact(pveRef, state),
    fact(filesIn(DIR), listed),
    fact(fileAt('/etc/apt/sources.list'), main === undefined ? { type: 'absent' } : fileState(main)),
  )
}

/** The files afterwards, after a change that must be ok on its own outcome. */
function after(channel: PveChannel, pve: Partial<PveState>, files: Files, main?: string): Record<string, string> {
  const before = model(pve, files, main)
  const plan = planChange(pveRepository(channel), before)
  const then = before.with(plan.after)
  const own = then.get(fileAt('/etc/apt/sources.list'))
  return {
    ...Object.fromEntries(
      then.get(filesIn(DIR)).map(({ path, content }) => [path.replace(`${DIR}/`, ''), content.toString()]),
    ),
    ...(own.type === 'file' ? { main: own.content.toString() } : {}),
  }
}

const ENTERPRISE = 'deb https://enterprise.proxmox.com/debian/pve bookworm pve-enterprise\n'
const CEPH = 'deb https://enterprise.proxmox.com/debian/ceph-quincy bookworm enterprise\n'
const FREE = 'deb http://download.proxmox.com/debian/pve bookworm pve-no-subscription\n'
const NINE = { version: '9.0.3', major: 9 }
const STANZA = (component: string, more = '', uri = 'https://enterprise.proxmox.com/debian/pve') =>
  `Types: deb\nURIs: ${uri}\nSuites: trixie\nComponents: ${component}\nSigned-By: /usr/share/keyrings/proxmox-archive-keyring.gpg\n${more}`
const DOWNLOAD = 'http://download.proxmox.com/debian/pve'

test('PVE 8 as installed, without a subscription: lines are switched off, one is added', () => {
  assert.equal(
    after('auto', {}, { 'pve-enterprise.list': ENTERPRISE, 'ceph.list': CEPH, 'mine.list': 'deb http://x y z\n' }),
    {
      'pve-enterprise.list': `# ${ENTERPRISE}`,
      'ceph.list': `# ${CEPH}`,
      'mine.list': 'deb http://x y z\n',
      'pve-no-subscription.list': FREE,
    },
  )
})

test('PVE 9 as installed, without a subscription: stanzas get Enabled: false', () => {
  const files = {
    'pve-enterprise.sources': STANZA('pve-enterprise'),
    'ceph.sources': STANZA('enterprise', '', 'https://enterprise.proxmox.com/debian/ceph-squid'),
  }
  assert.equal(after('auto', NINE, files), {
    'pve-enterprise.sources': STANZA('pve-enterprise', 'Enabled: false\n'),
    'ceph.sources': STANZA('enterprise', 'Enabled: false\n', 'https://enterprise.proxmox.com/debian/ceph-squid'),
    'proxmox.sources': STANZA('pve-no-subscription', '', DOWNLOAD),
  })
})

test('with a subscription, enterprise is switched on where it stands, and the others off', () => {
  const files = { 'pve-enterprise.list': `#${ENTERPRISE}`, 'free.list': FREE, 'ceph.list': CEPH }
  assert.equal(after('auto', { subscription: 'active' }, files), {
    'pve-enterprise.list': ENTERPRISE,
    'free.list': `# ${FREE}`,
    'ceph.list': CEPH,
  })
  assert.equal(
    after(
      'auto',
      { ...NINE, subscription: 'active' },
      { 'pve-enterprise.sources': STANZA('pve-enterprise', 'Enabled: no\n') },
    ),
    {
      'pve-enterprise.sources': STANZA('pve-enterprise', 'Enabled: true\n'),
    },
  )
})

test('a repository in sources.list itself counts, and is not added twice', () => {
  const main = `deb http://deb.debian.org/debian bookworm main contrib\n\n# PVE\n${FREE}`
  const plan = pveRepository('no-subscription').plan(model({}, {}, main))
  assert.is(plan.kind, 'ok')
  assert.equal(after('test', {}, {}, main).main, main.replace(FREE, `# ${FREE}`))
})

test('one that is off elsewhere is switched on once; the one of another release does not count', () => {
  const old = FREE.replace('bookworm', 'bullseye')
  const result = after('no-subscription', {}, { 'a.list': `# ${FREE}`, 'b.list': `# ${FREE}`, 'c.list': old })
  assert.equal(result, { 'a.list': FREE, 'b.list': `# ${FREE}`, 'c.list': `# ${old}` })
})

test('a node without Proxmox VE, or of a release nobody knows, is refused', () => {
  assert.is(pveRepository('auto').plan(model({ version: undefined, major: undefined }, {})).kind, 'blocked')
  assert.is(pveRepository('auto').plan(model({ version: '12.0', major: 12 }, {})).kind, 'blocked')
})

test('options, comments, several stanzas and continuation lines are read and kept', () => {
  const text = `# head\n${STANZA('pve-enterprise')}\n# second\nTypes: deb\nURIs:\n http://a.example/x\n http://b.example/y\nSuites: s\nComponents: c\nEnabled: no\n`
  assert.equal(
    aptSources('x.sources', text).map(({ uris, enabled }) => [uris.length, enabled]),
    [
      [1, true],
      [2, false],
    ],
  )
  const switched = switchSources('x.sources', text, ({ uris }) => uris.length === 2)
  assert.match(switched, 'Enabled: false\n\n# second')
  assert.match(switched, 'Enabled: true\n')
  const line = 'deb [arch=amd64 signed-by=/x.gpg] http://a.example/x s c1 c2 # why\n'
  assert.is(
    switchSources('x.list', line, () => false),
    `# ${line}`,
  )
  assert.is(
    switchSources('x.list', '# a note: http://a.example/x\n', () => true),
    '# a note: http://a.example/x\n',
  )
})

const OTHERS = ['systemd-timesyncd', 'ntpsec', 'ntp', 'openntpd']

function timeModel(
  chrony: Parameters<typeof unitState>[0],
  others: Readonly<Record<string, Parameters<typeof unitState>[0]>> = {},
  installed = false,
) {
  const none = { load: 'not-found', active: 'inactive', enabled: '' }
  return modelOf(
    fact(packageNamed('chrony'), { installed }),
    fact(unitNamed('chrony.service'), unitState(chrony)),
    ...OTHERS.map((name) => fact(unitNamed(`${name}.service`), unitState(others[name] ?? none))),
  )
}

test('chrony is installed and started where there is no time service at all', () => {
  const [installed, running] = timeService()
  if (installed === undefined || running === undefined) throw new Error('two resources')
  const before = timeModel({ load: 'not-found', active: 'inactive', enabled: '' })
  const plan = planChange(installed, before)
  assert.equal(summaries(plan), ['install chrony'])
  assert.equal(summaries(planChange(running, before.with(plan.after))), [
    'enable chrony.service',
    'start chrony.service',
  ])
})

test('another service that runs will do; one that is there but stopped is started', () => {
  const none = { load: 'not-found', active: 'inactive', enabled: '' }
  const other = timeModel(none, { 'systemd-timesyncd': {} })
  for (const resource of timeService()) assert.is(resource.plan(other).kind, 'ok')
  const stopped = timeModel({ active: 'inactive' }, {}, true)
  const [installed, running] = timeService()
  assert.is(installed?.plan(stopped).kind, 'ok')
  const plan = running?.plan(stopped)
  assert.is(plan?.kind, 'change')
})

test.run()
