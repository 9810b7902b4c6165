import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { filesIn } from '../../src/facts/directory-files.ts'
import type { FactUpdate } from '../../src/facts/fact.ts'
import { type FileState, fileAt } from '../../src/facts/file.ts'
import { type SshdState, sshdFact, sshdFor } from '../../src/facts/sshd.ts'
import { unitNamed } from '../../src/facts/unit.ts'
import { type UserState, userNamed } from '../../src/facts/user.ts'
import type { Plan, Resource } from '../../src/resources/resource.ts'
import { jumpUserTask } from '../../src/tasks/jump-user.ts'
import { hostContext } from '../helpers/host-context.ts'
import { fact, fileState, modelOf, summaries, unitState } from '../helpers/model.ts'
import { planAll } from '../helpers/plan-all.ts'

const test = suite('jump_user')
const ABSENT: FileState = { type: 'absent' }
const DROP_IN = '/etc/ssh/sshd_config.d/60-pvectl-jump.conf'
const KEYS = '/etc/ssh/pvectl-authorized-keys/jump'
const KEY = keyOf(1)
const BASE = { keys: [KEY], permit_open: ['10.0.0.20'] }
const DIRECTORY = { type: 'directory', mode: '0755' } as Partial<FileState>

function keyOf(seed: number): string {
  const type = Buffer.from('ssh-ed25519')
  const blob = Buffer.concat([Buffer.from([0, 0, 0, 11]), type, Buffer.from([0, 0, 0, 32]), Buffer.alloc(32, seed)])
  return `ssh-ed25519 ${blob.toString('base64')} ada@laptop`
}

function expand(params: unknown): readonly Resource[] {
  return jumpUserTask.resources(jumpUserTask.params.parse(params), hostContext())
}

function node(given: { user?: UserState; main?: string; dropIn?: FileState; keys?: FileState; sshd?: SshdState } = {}) {
  const main = given.main ?? 'Include /etc/ssh/sshd_config.d/*.conf\nX11Forwarding yes\n'
  const facts: FactUpdate[] = [
    fact(fileAt('/etc/ssh/sshd_config'), fileState(main)),
    fact(userNamed('jump'), given.user ?? { exists: false }),
    fact(fileAt('/etc/ssh/pvectl-authorized-keys'), given.keys ? fileState('', DIRECTORY) : ABSENT),
    fact(fileAt(KEYS), given.keys ?? ABSENT),
    fact(fileAt(DROP_IN), given.dropIn ?? ABSENT),
    fact(fileAt('/etc/ssh/sshd_config.d'), fileState('', DIRECTORY)),
    fact(filesIn('/etc/ssh/sshd_config.d'), []),
    fact(sshdFor('jump'), given.sshd ?? { permitopen: ['any'], allowtcpforwarding: ['yes'] }),
    fact(unitNamed('ssh.service'), unitState()),
  ]
  return modelOf(...facts)
}

const ACCOUNT = {
  exists: true,
  uid: 990,
  gecos: '',
  home: '/home/jump',
  shell: '/bin/bash',
  locked: true,
  groups: [],
} as const

test('a fresh node: account, keys, settings, then the reload', () => {
  const plans = planAll(expand(BASE), node())
  assert.equal(plans.flatMap(summaries), [
    'create the system user jump (shell /usr/sbin/nologin, home /nonexistent)',
    'create directory /etc/ssh/pvectl-authorized-keys (0755 root:root)',
    `create ${KEYS} (0644 root:root)`,
    `create ${DROP_IN} (0644 root:root)`,
    `reload ssh.service (${DROP_IN} is newer)`,
  ])
  assert.match(plans[3]?.script.display ?? '', /pv_validate .* 'sshd -t' \/usr\/sbin\/sshd -t/)
  assert.is(plans[3]?.risk, 'link')
})

test('a shell given by hand is taken away', () => {
  const [first] = planAll(expand(BASE), node({ user: ACCOUNT }))
  assert.ok(first)
  assert.is(summaries(first)[0], 'shell of jump: /bin/bash → /usr/sbin/nologin')
})

function dropIn(params: object): string {
  const plan = planAll(expand({ ...BASE, ...params }), node()).find(({ changes }) => changes[0]?.diff?.path === DROP_IN)
  return plan?.changes[0]?.diff?.after?.toString() ?? ''
}

test('the settings', () => {
  const text = dropIn({ permit_open: ['10.0.0.20', '10.0.0.21:2222', '[fd00::1]', 'web1.lab:80'], ports: [22, 443] })
  assert.match(
    text,
    '    PermitOpen 10.0.0.20:22 10.0.0.20:443 10.0.0.21:2222 [fd00::1]:22 [fd00::1]:443 web1.lab:80\n',
  )
  assert.match(text, '    AuthorizedKeysFile /etc/ssh/pvectl-authorized-keys/jump .ssh/authorized_keys\n')
  assert.match(text, '\nMatch User jump\n')
  assert.match(dropIn({ exclusive: true }), '    AuthorizedKeysFile /etc/ssh/pvectl-authorized-keys/jump\n')
})

const MISTAKES: [string, object, string][] = [
  ['no keys', { keys: [] }, 'keys: must name at least one public key'],
  ['no destination', { permit_open: [] }, 'permit_open: must name at least one address'],
  ['a subnet', { permit_open: ['10.0.0.0/16'] }, 'permit_open.0: must be an address or name'],
  ['a pattern', { permit_open: ['*:22'] }, 'permit_open.0: must be an address or name'],
  ['a port too far', { permit_open: ['a:70000'] }, 'permit_open.0: has a port beyond 65535'],
  ['a private key', { keys: ['-----BEGIN OPENSSH PRIVATE KEY-----'] }, 'keys.0: is a private key'],
  ['a cut key', { keys: [KEY.slice(0, 30)] }, 'keys.0: is not a public key'],
  ['a wrong type', { keys: [KEY.replace('ssh-ed25519', 'ssh-rsa')] }, 'keys.0: is not a public key'],
  ['options', { keys: [`no-pty ${KEY}`] }, 'keys.0: must have no options'],
  ['two keys in one', { keys: [`${KEY}\n${keyOf(2)}`] }, 'keys.0: must be one line'],
  ['the same key twice', { keys: [KEY, `${KEY} again`] }, 'keys.1: is key 1 again'],
  ['root', { name: 'root' }, 'name: must not be root'],
  ['a name for Match', { name: 'a,b' }, 'name: must be a name'],
]
for (const [name, params, expected] of MISTAKES) {
  test(`mistake: ${name}`, () => {
    const issues = jumpUserTask.params.safeParse({ ...BASE, ...params }).error?.issues ?? []
    const texts = issues.map(({ path, message }) => `${path.join('.')}: ${message}`)
    assert.is(texts.length, 1, texts.join('; '))
    assert.ok(texts[0]?.startsWith(expected), texts[0])
  })
}

/** Plans on a node that has the files already, but where sshd says something else. */
function blockedBy(given: { main?: string; sshd?: SshdState }): Plan[] {
  const text = dropIn({})
  const keys = fileState(`# Managed by pvectl: changes made here will be overwritten.\n${KEY}\n`)
  const user = { ...ACCOUNT, shell: '/usr/sbin/nologin', gecos: 'jump host access, no shell' }
  const model = node({ user, dropIn: fileState(text), keys, ...given })
  return expand(BASE)
    .map((resource) => resource.plan(model))
    .filter(({ kind }) => kind !== 'ok')
}

const SETTINGS: SshdState = {
  authenticationmethods: ['publickey'],
  authorizedkeysfile: [`${KEYS} .ssh/authorized_keys`],
  allowtcpforwarding: ['local'],
  allowstreamlocalforwarding: ['no'],
  allowagentforwarding: ['no'],
  x11forwarding: ['no'],
  permittunnel: ['no'],
  permitlisten: ['none'],
  permitopen: ['10.0.0.20:22'],
  permittty: ['no'],
  forcecommand: ['/usr/sbin/nologin'],
}

test('what sshd makes of it decides, not the file', () => {
  const reason = (sshd: SshdState) => {
    const [plan, ...others] = blockedBy({ sshd })
    assert.is(others.length, 0)
    return plan?.kind === 'blocked' ? plan.reason : String(plan?.kind)
  }
  assert.equal(blockedBy({ sshd: SETTINGS }), [])
  assert.is(reason({ ...SETTINGS, permitopen: ['any'] }), 'sshd gives jump permitopen any instead of 10.0.0.20:22')
  assert.is(reason({}), 'sshd rejects its configuration as it is')
  assert.match(reason({ ...SETTINGS, allowusers: ['root', 'ad?'] }), 'allowusers root ad?')
  assert.match(reason({ ...SETTINGS, denyusers: ['ju*@10.0.0.1'] }), 'denyusers')
  assert.match(reason({ ...SETTINGS, allowgroups: ['sudo root'] }), 'allowgroups sudo root')
  assert.equal(blockedBy({ sshd: { ...SETTINGS, allowusers: ['root', 'jump'], denygroups: ['sudo'] } }), [])
})

test('a main file without the include blocks, once', () => {
  for (const main of [
    'X11Forwarding yes\n',
    '#Include /etc/ssh/sshd_config.d/*.conf\n',
    'Match User x\nInclude sshd_config.d/*.conf\n',
  ]) {
    const [plan, ...others] = blockedBy({ main })
    assert.equal([plan?.kind, others], ['blocked', []])
    assert.match(plan?.kind === 'blocked' ? (plan.hint ?? '') : '', 'Include /etc/ssh/sshd_config.d/*.conf')
  }
})

test('absent: the account goes before its restrictions; a second time there is nothing', () => {
  const model = node({ user: ACCOUNT, dropIn: fileState('x'), keys: fileState('k') })
  assert.equal(planAll(expand({ state: 'absent' }), model).flatMap(summaries), [
    'remove the user jump (the home directory stays)',
    `remove ${KEYS}`,
    `remove ${DROP_IN}`,
    'reload ssh.service (/etc/ssh/sshd_config.d is newer)',
  ])
  assert.equal(planAll(expand({ state: 'absent' }), node()), [])
})

test('sshd -T is read, several users in one exchange', () => {
  const output = Buffer.from('permitopen a:1 b:2\nallowusers x\nallowusers y\nMARK\nMARK\n')
  assert.equal(sshdFact.parse(output, ['a', 'b'], 'MARK'), [{ permitopen: ['a:1 b:2'], allowusers: ['x', 'y'] }, {}])
})

test.run()
