import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { Connector } from '../../src/connection/connection.ts'
import type { Target } from '../../src/connection/target.ts'
import { Peers, sharedFiles } from '../../src/engine/peers.ts'
import { planTasks, stepsUntilBarrier } from '../../src/engine/plan.ts'
import { Session } from '../../src/engine/session.ts'
import { PvectlError } from '../../src/errors.ts'
import { fileAt } from '../../src/facts/file.ts'
import { file } from '../../src/resources/file.ts'
import { testHost, testTask } from '../helpers/job.ts'
import { fact, fileState, modelOf } from '../helpers/model.ts'

const test = suite('hosts that share files of /etc/pve')
const target = (name: string): Target => testHost(name).target

function members(node: string, cluster: string, ips: Readonly<Record<string, string>>): string {
  const nodelist = Object.fromEntries(Object.entries(ips).map(([name, ip]) => [name, { online: 1, ip }]))
  return JSON.stringify({ nodename: node, cluster: { name: cluster, quorate: 1 }, nodelist })
}

const OURS = { a: '10.0.0.1', b: '10.0.0.2', c: '10.0.0.3' }
const NODES: Readonly<Record<string, string>> = {
  a: `Welcome!\n${members('a', 'home', OURS)}`,
  b: members('b', 'home', OURS),
  other: members('b', 'home', { a: '10.9.0.1', b: '10.9.0.2' }),
  alone: '{"nodename":"alone","version":1}',
}

/** Nodes by name; those in `closed` let in nobody any more once they have been asked. */
function connector(closed: readonly string[] = []): Connector<Target> & { open: number } {
  const connected = new Set<string>()
  const made = {
    open: 0,
    close: async () => undefined,
    connect: async ({ name }: Target) => {
      const shut = !(name in NODES) || (closed.includes(name) && connected.has(name))
      if (shut) throw new PvectlError('AUTH_FAILED', `${name}: no`)
      connected.add(name)
      made.open += 1
      return {
        peer: name,
        run: async () => ({ code: 0, signal: null, stdout: Buffer.from(NODES[name] ?? ''), stderr: Buffer.alloc(0) }),
        close: async () => {
          made.open -= 1
        },
      }
    },
  }
  return made
}

async function peersOf(own: string, others: readonly string[], net = connector()): Promise<Peers> {
  return Peers.of(new Session(net, target(own)), net, others.map(target))
}

test('members of the same cluster, told from a namesake by its address; those that are down are named', async () => {
  const found = await peersOf('a', ['b', 'other', 'alone', 'c', 'elsewhere'])
  assert.is(found.none, false)
  assert.equal(found.silent, ['c'])
  assert.ok((await peersOf('a', ['other', 'alone'])).none)
  assert.ok((await peersOf('alone', ['a', 'b'])).none)
})

test('each logs in anew; who cannot is named with the reason, and nothing stays open', async () => {
  const good = connector()
  const open = await peersOf('a', ['b', 'other'], good)
  assert.equal(await open.shutOut([{ path: '/etc/pve/firewall/cluster.fw', digest: 'absent' }]), [])
  await open.close()
  assert.is(good.open, 1, 'only the session of the node itself')
  const shut = await peersOf('a', ['b'], connector(['b']))
  assert.equal(await shut.shutOut([]), ['b lets no new connection in: b: no'])
})

test('of a plan, the files of the cluster as they will be', () => {
  const content = Buffer.from('x\n')
  const paths = ['/etc/pve/firewall/cluster.fw', '/etc/pve/local/host.fw', '/etc/motd']
  const model = modelOf(...paths.map((path) => fact(fileAt(path), fileState('before\n'))))
  const plan = planTasks([testTask('1', ...paths.map((path) => file({ path, content })))], model)
  const digest = '73cb3858a687a8494ca3323053016282f3dad39d42cf62ca4e79dda2aac7d9ac'
  assert.equal(sharedFiles(stepsUntilBarrier(plan)), [{ path: '/etc/pve/firewall/cluster.fw', digest }])
})

test.run()
