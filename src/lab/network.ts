/** The lab's network on the host: one bridge for each lab. Cables and namespaces of nodes come and go with their boot. */
import { PvectlError } from '../errors.ts'
import type { LabNames } from './names.ts'
import { run, tryRun } from './run.ts'
import { gatewayOf } from './state.ts'

/** Makes sure that the host bridge is there, up, and holds the gateway's address. */
export async function ensureBridge({ bridge, lab }: LabNames, network: string): Promise<void> {
  const ip = (...args: string[]) => run('ip', args)
  if (!(await listLinks()).includes(bridge)) {
    try {
      await ip('link', 'add', 'name', bridge, 'type', 'bridge', 'stp_state', '0', 'mcast_snooping', '0')
    } catch (cause) {
      throw new PvectlError('LAB_FAILED', 'cannot create a bridge on this machine', {
        hint: 'its kernel needs the modules bridge and veth',
        cause,
      })
    }
  }
  await ip('link', 'set', bridge, 'alias', `pvectl lab ${lab}`)
  // A node that announces itself as a router must not become the host's.
  await tryRun('sysctl', ['-qw', `net.ipv6.conf.${bridge}.accept_ra=0`])
  await ip('address', 'replace', `${gatewayOf(network)}/24`, 'dev', bridge)
  await ip('link', 'set', bridge, 'up')
}

/** Removes all links of a lab, and all its namespaces with what runs in them gone already. */
export async function removeNetwork(names: LabNames): Promise<void> {
  for (const netns of await listNamespaces(names)) await tryRun('ip', ['netns', 'delete', netns])
  const links = (await listLinks()).filter((link) => link.startsWith(names.bridge))
  for (const link of links) await tryRun('ip', ['link', 'delete', link])
}

/** Network namespaces of a lab that exist, also those that no node list knows. */
export async function listNamespaces({ netnsPrefix }: LabNames): Promise<readonly string[]> {
  const { stdout } = await tryRun('ip', ['netns', 'list'])
  const all = stdout.split('\n').map((line) => line.split(' ')[0] ?? '')
  return all.filter((name) => name.startsWith(netnsPrefix))
}

/** Names of the host's network interfaces. */
export async function listLinks(): Promise<readonly string[]> {
  const links = JSON.parse((await run('ip', ['-json', 'link', 'show'])) || '[]') as { ifname: string }[]
  return links.map((link) => link.ifname)
}
