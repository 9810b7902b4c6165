import { spawnSync } from 'node:child_process'
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type Cluster, readCluster } from '../../src/discover/cluster.ts'
import { parseSurvey, surveyScript } from '../../src/discover/survey.ts'
import { PvectlError } from '../../src/errors.ts'
import { exampleCluster, type PveshAnswers, writePvesh } from '../helpers/pve-cluster.ts'

const test = suite('discover: survey')

const MEMBERS = [
  { name: 'pve1', ip: '10.99.0.1', outer: '203.0.113.11/24', inner: '10.10.1.1/24' },
  { name: 'pve2', ip: '10.99.0.2', outer: '203.0.113.12/24' },
  { name: 'pve3', ip: '10.99.0.3', outer: '203.0.113.13/24', online: false },
]
const GUESTS = {
  pve1: {
    100: {
      name: 'web',
      net0: 'virtio=BC:24:11:00:00:64,bridge=vmbr1,firewall=1',
      ipconfig0: 'ip=10.10.1.20/24,gw=10.10.1.1',
    },
    101: { hostname: 'git', net0: 'name=eth0,bridge=vmbr1,hwaddr=BC:24:11:00:00:65,ip=dhcp,tag=5,type=veth' },
  },
  pve3: { 300: { name: 'far', net0: 'virtio=BC:24:11:00:00:66,bridge=vmbr0' } },
}

interface Played {
  readonly cluster: () => Cluster
  readonly asked: readonly string[]
}

/** Runs the survey with the stand-in on this machine. */
function play(answers: PveshAnswers, { fault = '', guests = true, before = '' } = {}): Played {
  const dir = mkdtempSync(join(tmpdir(), 'pvectl-pvesh-'))
  try {
    mkdirSync(join(dir, 'bin'))
    copyFileSync(join(import.meta.dirname, '../stand-ins/pvesh-stand-in'), join(dir, 'bin/pvesh'))
    spawnSync('chmod', ['755', join(dir, 'bin/pvesh')])
    writePvesh(dir, answers)
    writeFileSync(join(dir, 'fault'), fault)
    const env = { PATH: `${join(dir, 'bin')}:${process.env.PATH}`, PVESH_STAND_IN: dir }
    const input = Buffer.concat([Buffer.from(before), surveyScript('mark', guests).bytes()])
    const { stdout } = spawnSync('/bin/sh', ['-s'], { input, env, timeout: 20_000 })
    const asked = readFileSync(join(dir, 'asked'), 'utf8').trim().split('\n')
    return { cluster: () => readCluster(parseSurvey(stdout, 'mark')), asked }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

test('members, networks and guests of a cluster; nobody asks a member that is offline', () => {
  const { cluster, asked } = play(exampleCluster(MEMBERS, GUESTS))
  const { name, quorate, members, guests, gaps } = cluster()
  assert.equal([name, quorate], ['example', true])
  assert.equal(
    members.map((m) => [m.name, m.ip, m.online, m.local, m.networks.map((n) => n.name)]),
    [
      ['pve1', '10.99.0.1', true, true, ['eno1', 'vmbr0', 'vmbr1']],
      ['pve2', '10.99.0.2', true, false, ['eno1', 'vmbr0']],
      ['pve3', '10.99.0.3', false, false, []],
    ],
  )
  assert.equal(members[0]?.networks[2], {
    name: 'vmbr1',
    type: 'bridge',
    active: true,
    addresses: ['10.10.1.1/24'],
    ports: [],
    vlanAware: false,
    comment: 'Internal',
  })
  assert.equal(members[0]?.networks[1]?.gateway, '203.0.113.254')
  assert.equal(
    guests.map(({ id, kind, name: title, node, nics }) => ({ id, kind, title, node, nics })),
    [
      {
        id: 100,
        kind: 'qemu',
        title: 'web',
        node: 'pve1',
        nics: [{ name: 'net0', mac: 'bc:24:11:00:00:64', bridge: 'vmbr1', address: '10.10.1.20/24' }],
      },
      {
        id: 101,
        kind: 'lxc',
        title: 'git',
        node: 'pve1',
        nics: [{ name: 'net0', mac: 'bc:24:11:00:00:65', bridge: 'vmbr1', tag: 5 }],
      },
      { id: 300, kind: 'qemu', title: 'far', node: 'pve3', nics: [] },
    ],
  )
  assert.equal(gaps, ['pve3 is offline: its networks and guests were not looked at'])
  assert.not.ok(asked.some((path) => path.includes('pve3')))
})

test('a node that is in no cluster, and guests left out', () => {
  const alone = { ...exampleCluster(MEMBERS.slice(0, 1), GUESTS) }
  const status = alone['/cluster/status'] as readonly unknown[]
  const { cluster, asked } = play({ ...alone, '/cluster/status': status.slice(1) }, { guests: false })
  const { name, quorate, members, guests } = cluster()
  assert.equal([name, quorate, members.length], [undefined, true, 1])
  assert.equal(
    guests.map(({ nics }) => nics.length),
    [0, 0],
  )
  assert.equal([...asked].sort(), ['/cluster/resources', '/cluster/status', '/nodes/pve1/network'])
})

test('what a login prints, and what pvesh prints before its JSON, is passed over', () => {
  const { cluster } = play(exampleCluster(MEMBERS, GUESTS), { fault: 'polluted', before: 'echo "[motd] {}"\n' })
  assert.is(cluster().members.length, 3)
  assert.is(cluster().guests[0]?.nics.length, 1)
})

test('one member that cannot be asked is a gap, not the end', () => {
  const said = "Host key verification failed.\nproxy handler failed: command 'ssh …' failed: exit code 255\n"
  const { cluster } = play({ ...exampleCluster(MEMBERS, GUESTS), '/nodes/pve2/network': said })
  const { members, gaps } = cluster()
  assert.is(members.length, 3)
  assert.match(
    gaps.join('\n'),
    /pvesh get \/nodes\/pve2\/network failed: Host key.*exit code 255 \(pvesh asks other members by ssh/,
  )
})

for (const [fault, expected] of [
  ['no-pmxcfs', /failed: .*Unable to load access control list.*\n.*systemctl status pve-cluster/],
  ['no-quorum', /no quorum\?\n.*pvecm status/],
] as const) {
  test(`${fault}: an error with what to do`, () => {
    const { cluster } = play(exampleCluster(MEMBERS), { fault })
    try {
      cluster()
      assert.unreachable()
    } catch (error) {
      assert.instance(error, PvectlError)
      const [problem] = (error as PvectlError).problems
      assert.match(`${problem?.message}\n${problem?.hint}`, expected)
    }
  })
}

test('no pvesh, broken output and no JSON are told apart', () => {
  const { stdout } = spawnSync('/bin/sh', ['-s'], { input: surveyScript('mark', true).bytes(), timeout: 20_000 })
  assert.throws(() => parseSurvey(stdout, 'mark'), /there is no pvesh/)
  assert.throws(() => parseSurvey(Buffer.from('\nmark /cluster/status 0 2 0\n[]'), 'mark'), /broke off/)
  const text = '\nmark /cluster/status 0 3 0\nhi\n\nmark end\n'
  assert.throws(() => readCluster(parseSurvey(Buffer.from(text), 'mark')), /printed no JSON/)
})

test.run()
