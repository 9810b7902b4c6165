/** A small cluster as pvesh shows it, for the stand-in. Shapes are those of pve-manager's API schema. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** Answers by path; a text instead of data is what pvesh says when it fails. */
export type PveshAnswers = Readonly<Record<string, unknown>>

/** A member of the example. */
export interface ExampleMember {
  readonly name: string
  /** Of the cluster network. */
  readonly ip: string
  /** On vmbr0, with prefix. */
  readonly outer: string
  /** On vmbr1, with prefix. */
  readonly inner?: string
  readonly online?: boolean
}

/** Answers of a cluster; the first member is the one that is asked. `guests`: by member, configurations by id. */
export function exampleCluster(
  members: readonly ExampleMember[],
  guests: Readonly<Record<string, Readonly<Record<string, PveshAnswers>>>> = {},
): PveshAnswers {
  const nodes = members.map(({ name, ip, online = true }, i) => ({
    type: 'node',
    id: `node/${name}`,
    name,
    ip,
    nodeid: i + 1,
    local: i === 0 ? 1 : 0,
    online: online ? 1 : 0,
    level: '',
  }))
  const cluster = { type: 'cluster', id: 'cluster', name: 'example', nodes: nodes.length, version: 3, quorate: 1 }
  const configs = members.flatMap(({ name }) =>
    Object.entries(guests[name] ?? {}).map(([id, config]) => {
      const kind = 'hostname' in config ? 'lxc' : 'qemu'
      const title = config.hostname ?? config.name
      return {
        name,
        id,
        kind,
        config,
        row: { id: `${kind}/${id}`, type: kind, vmid: Number(id), node: name, name: title, status: 'running' },
      }
    }),
  )
  return {
    '/cluster/status': [cluster, ...nodes],
    '/cluster/resources': [
      ...configs.map(({ row }) => row),
      ...members.map(({ name }) => ({ id: `node/${name}`, type: 'node', node: name, status: 'online' })),
      { id: `storage/${members[0]?.name}/local`, type: 'storage', storage: 'local', plugintype: 'dir' },
    ],
    ...Object.fromEntries(
      members.filter(({ online = true }) => online).map((m) => [`/nodes/${m.name}/network`, networks(m)]),
    ),
    ...Object.fromEntries(configs.map(({ name, kind, id, config }) => [`/nodes/${name}/${kind}/${id}/config`, config])),
  }
}

function networks({ outer, inner }: ExampleMember): readonly PveshAnswers[] {
  const bridge = { type: 'bridge', active: 1, autostart: 1, bridge_fd: '0', bridge_stp: 'off', method: 'static' }
  const address = (cidr: string) => ({ cidr, address: cidr.split('/')[0], netmask: cidr.split('/')[1] })
  return [
    { iface: 'eno1', type: 'eth', active: 1, exists: 1, method: 'manual' },
    { ...bridge, iface: 'vmbr0', ...address(outer), gateway: outer.replace(/\.\d+\/.*/, '.254'), bridge_ports: 'eno1' },
    ...(inner === undefined
      ? []
      : [{ ...bridge, iface: 'vmbr1', ...address(inner), bridge_ports: '', comments: 'Internal\n' }]),
  ]
}

/** Files for the stand-in, below `dir`. */
export function pveshFiles(answers: PveshAnswers): readonly { readonly path: string; readonly content: string }[] {
  return Object.entries(answers).map(([path, data]) =>
    typeof data === 'string'
      ? { path: `${path}.err`, content: data }
      : { path: `${path}.json`, content: `${JSON.stringify(data)}\n` },
  )
}

/** Writes the answers where a stand-in with PVESH_STAND_IN=`dir` looks for them. */
export function writePvesh(dir: string, answers: PveshAnswers): void {
  for (const { path, content } of pveshFiles(answers)) {
    mkdirSync(dirname(join(dir, path)), { recursive: true })
    writeFileSync(join(dir, path), content)
  }
}
