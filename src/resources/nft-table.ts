/** Tables of nft that pvectl owns: a file, the live table, and a unit that loads the file at boot. */
import { createHash } from 'node:crypto'
import { sh } from '../connection/script.ts'
import { becomes } from '../facts/fact.ts'
import { type NftTableState, nftTableNamed } from '../facts/nft-table.ts'
import { bootUnit, bootUnitAbsent } from './boot-unit.ts'
import { file, fileAbsent } from './file.ts'
import { OK, type Resource } from './resource.ts'

/** One table of family inet. The statements are nft's own; names in them come from validated parameters. */
export interface NftTable {
  /** Also of its file below /etc/pvectl and of its unit. */
  readonly name: string
  readonly chains: readonly {
    readonly name: string
    /** `type filter hook forward priority filter; policy accept;` */
    readonly hook: string
    readonly rules: readonly string[]
  }[]
}

/**
 * Ensures the table, live and at the next boot. /etc/nftables.conf is not used: it begins with `flush ruleset`, which
 * would take the firewall of Proxmox VE with it.
 */
export function nftTable(table: NftTable): readonly Resource[] {
  const path = filePath(table.name)
  const content = Buffer.from(tableText(table))
  return [
    file({
      path,
      content,
      mode: '0644',
      owner: 'root:root',
      validate: { what: 'nft', command: sh`nft -c -f ${path}` },
    }),
    liveTable(table, path),
    bootUnit({ unit: `${table.name}.service`, content: unitText(table.name, path) }),
  ]
}

/** Ensures that there is no such table, neither live nor at the next boot. */
export function nftTableAbsent(name: string): readonly Resource[] {
  const ref = nftTableNamed(name)
  const live: Resource = {
    kind: 'firewall_table',
    key: `nft:${name}`,
    title: `no nft table ${name}`,
    reads: [ref],
    plan: (model) =>
      model.get(ref).present
        ? {
            kind: 'change',
            changes: [{ summary: `remove the live table ${name}` }],
            script: sh`nft delete table inet ${name}`,
            after: [becomes(ref, { present: false })],
            risk: 'link',
          }
        : OK,
  }
  return [bootUnitAbsent(`${name}.service`), live, fileAbsent(filePath(name))]
}

function liveTable(table: NftTable, path: string): Resource {
  const ref = nftTableNamed(table.name)
  const wanted = liveState(table)
  return {
    kind: 'firewall_table',
    key: `nft:${table.name}`,
    title: `nft table ${table.name}`,
    reads: [ref],
    plan(model) {
      const state = model.get(ref)
      if (state.present && state.mark === wanted.mark && state.rules === wanted.rules) return OK
      return {
        kind: 'change',
        changes: [{ summary: `load ${wanted.rules} rules${why(state, wanted.mark)}` }],
        script: sh`nft -f ${path}`,
        after: [becomes(ref, wanted)],
        risk: 'link',
      }
    },
  }
}

function why(state: NftTableState, mark: string): string {
  if (!state.present) return ''
  return state.mark === mark ? ` (${state.rules} are live)` : ' (others are live)'
}

function liveState(table: NftTable) {
  const rules = table.chains.reduce((sum, chain) => sum + chain.rules.length, 0)
  return { present: true, mark: markOf(table), rules } as const satisfies NftTableState
}

/** Replaces the table in one transaction, whether or not it is there. */
function tableText(table: NftTable): string {
  const [first, ...rest] = table.chains.flatMap(({ rules }) => rules)
  if (first === undefined) throw new Error(`table ${table.name} has no rules`)
  const marked = [`${first} comment "${markOf(table)}"`, ...rest]
  let next = 0
  const chains = table.chains.map(({ name, hook, rules }) => {
    const lines = rules.map(() => `\t\t${marked[next++]}\n`).join('')
    return `\tchain ${name} {\n\t\t${hook}\n${lines}\t}\n`
  })
  return `# Written by pvectl, which writes over it.
add table inet ${table.name}
delete table inet ${table.name}
table inet ${table.name} {
${chains.join('')}}
`
}

function markOf(table: NftTable): string {
  return `pvectl ${createHash('sha256').update(JSON.stringify(table)).digest('hex').slice(0, 16)}`
}

function filePath(name: string): string {
  return `/etc/pvectl/${name}.nft`
}

function unitText(name: string, path: string): string {
  return `# Written by pvectl, which writes over it.
[Unit]
Description=Rules of ${name}
DefaultDependencies=no
Wants=network-pre.target
Before=network-pre.target shutdown.target
Conflicts=shutdown.target

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/usr/sbin/nft -f ${path}

[Install]
WantedBy=multi-user.target
`
}
