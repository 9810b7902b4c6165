/** Facts about nft tables that pvectl loads itself: which version of them is live, and whether it is whole. */
import { joinScripts, type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** A live table. How nft words a rule differs between versions, so a table is known by the mark that it carries. */
export type NftTableState =
  | { readonly present: false }
  | {
      readonly present: true
      /** Comment of its first rule; undefined when there is none. */
      readonly mark: string | undefined
      /** Rules in all its chains. */
      readonly rules: number
    }

/** One `nft` a table; it only lists. The id is the name of a table of family inet. */
export const nftTableFact: FactKind<NftTableState> = {
  name: 'nft-table',
  observe: (ids, mark): Script =>
    joinScripts(
      ids.map(
        (id) => sh`nft list table inet ${id} 2>/dev/null || :
echo ${mark}`,
      ),
    ),
  parse(output, ids, mark) {
    const parts = output.toString('utf8').split(`${mark}\n`)
    return ids.map((_, i) => parseTable(parts[i] ?? ''))
  },
}

/** Reference to a table of family inet. */
export function nftTableNamed(name: string): FactRef<NftTableState> {
  return { kind: nftTableFact, id: name }
}

function parseTable(text: string): NftTableState {
  if (text.trim() === '') return { present: false }
  const rules = text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !/^(table|chain|type|policy|comment|\})/.test(line))
  return { present: true, mark: /comment "([^"]*)"/.exec(rules[0] ?? '')?.[1], rules: rules.length }
}
