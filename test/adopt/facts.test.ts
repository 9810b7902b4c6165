import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { accountsFact } from '../../src/facts/accounts.ts'
import { configurationFilesFact } from '../../src/facts/configuration-files.ts'
import { manualPackagesFact } from '../../src/facts/manual-packages.ts'
import { machineBelow } from '../helpers/run-here.ts'

const test = suite('adopt: facts')
const root = mkdtempSync(join(tmpdir(), 'pvectl-adopt-facts-'))
test.after(() => rmSync(root, { recursive: true, force: true }))

const SUM = 'd41d8cd98f00b204e9800998ecf8427e'

test('files are told apart by what dpkg and ucf remember', () => {
  const output = `f 644 root:root 3\t/etc/a/own\t
f 600 root:adm 0\t/etc/a/packaged\t
f 644 root:root 9\t/etc/a/changed\t
l 777 root:root 5\t/etc/a/link\t/x y
l 777 root:root 5\t/etc/a/ours\t../y
f 644 root:root 5\t/etc/a/ucf\t
f 644 root:root 5\t/etc/b\t
f 644 root:root 5\t/etc/a/sub/deeper\t
mark
${SUM}  /etc/a/packaged
${SUM}  /etc/a/changed
${SUM}  /etc/a/ucf
mark
 /etc/a/packaged ${SUM}
 /etc/a/changed ${SUM.replace('d', 'e')} obsolete
${SUM}  /etc/a/ucf
mark
/etc/a
/etc/a/ours
`
  const [directory = [], single = []] = configurationFilesFact.parse(Buffer.from(output), ['/etc/a', '/etc/b'], 'mark')
  assert.equal(
    directory.map(({ path, origin }) => `${path.slice(7)} ${origin}`),
    ['changed changed', 'link own', 'ours packaged', 'own own', 'packaged packaged', 'ucf packaged'],
  )
  assert.equal(directory[1], {
    path: '/etc/a/link',
    type: 'link',
    target: '/x y',
    mode: '0777',
    owner: 'root:root',
    size: 5,
    origin: 'own',
  })
  assert.equal(directory[4]?.mode, '0600')
  assert.equal(
    single.map(({ path, origin }) => [path, origin]),
    [['/etc/b', 'own']],
  )
})

test('the script reads this machine', () => {
  const etc = join(root, 'conf.d')
  mkdirSync(etc)
  writeFileSync(join(etc, 'x y.conf'), 'a')
  symlinkSync('/nowhere', join(etc, 'z'))
  const [found = [], none = []] = machineBelow(root).observe(configurationFilesFact, [etc, join(root, 'absent')])
  assert.equal(
    found.map(({ path, type, origin, target }) => [path.slice(etc.length + 1), type, origin, target]),
    [
      ['x y.conf', 'file', 'own', undefined],
      ['z', 'link', 'own', '/nowhere'],
    ],
  )
  assert.equal(none, [])
  const [accounts = []] = machineBelow(root).observe(accountsFact, [''])
  assert.ok(accounts.every(({ name, uid }) => name !== '' && Number.isInteger(uid)))
  const [packages = []] = machineBelow(root).observe(manualPackagesFact, [''])
  assert.ok(packages.every(({ name, priority }) => name !== '' && priority !== ''))
})

test('accounts with their groups and keys', () => {
  const output = `mark 0 ada:x:1000:1000:Ada,,,:/home/ada:/bin/bash
mark 12 jump:x:998:998::/srv/jump:/usr/sbin/nologin
ssh-x AAAA a
mark groups
sudo:x:27:ada,jump
adm:x:4:ada
`.replace('ssh-x AAAA a\n', 'ssh-x AAAA\n\n')
  const [accounts] = accountsFact.parse(Buffer.from(output), [''], 'mark')
  assert.equal(accounts, [
    {
      name: 'ada',
      uid: 1000,
      gecos: 'Ada,,,',
      home: '/home/ada',
      shell: '/bin/bash',
      groups: ['sudo', 'adm'],
      authorizedKeys: '',
    },
    {
      name: 'jump',
      uid: 998,
      gecos: '',
      home: '/srv/jump',
      shell: '/usr/sbin/nologin',
      groups: ['sudo'],
      authorizedKeys: 'ssh-x AAAA\n\n',
    },
  ])
})

test.run()
