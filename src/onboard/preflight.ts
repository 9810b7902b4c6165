/** The preflight of a new node: what is known of it, judged. Pure. */
import { type JoinView, joinRows } from './judge-join.ts'
import { interfacesRows } from './judge-network.ts'
import {
  clockRow,
  diskRow,
  hostnameRow,
  shellRow,
  subscriptionRow,
  timeServiceRow,
  versionRow,
} from './judge-system.ts'
import type { Row } from './row.ts'
import type { NodeSurvey } from './survey.ts'

/** What the preflight judges. */
export interface PreflightInput {
  readonly node: NodeSurvey
  /** Address that the controller reaches the node at. */
  readonly address: string
  /** Other nodes to compare with, by name. */
  readonly members: ReadonlyMap<string, NodeSurvey>
  /** The cluster that the node is to join, or to found. */
  readonly join: JoinView | undefined
}

/** All rows, in the order in which one would mend them. */
export function judgeNode(input: PreflightInput): readonly Row[] {
  const { node, members } = input
  return [
    versionRow(node, members),
    hostnameRow(node, input.address),
    clockRow(node, members),
    timeServiceRow(node),
    ...interfacesRows(node),
    diskRow(node),
    subscriptionRow(node),
    shellRow(node),
    ...(input.join === undefined ? [] : joinRows(node, input.join)),
  ]
}
