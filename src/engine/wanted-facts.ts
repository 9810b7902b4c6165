/** What a run reads of a node: what its resources ask for, and what the run itself wants to know. Pure. */
import { arrivalRef } from '../facts/arrival.ts'
import type { FactRef } from '../facts/fact.ts'
import { ifupdownRefs } from '../facts/ifupdown.ts'
import { INTERFACES_PATH, interfacesRef } from '../facts/interfaces.ts'
import { linksRef } from '../facts/links.ts'
import { unfinishedRunsRef } from '../facts/run-records.ts'
import type { HostTask } from '../playbook/job.ts'
import { mayBeRisky } from '../resources/risk.ts'

/** References in the order of the tasks, with repetitions. */
export function wantedFacts(tasks: readonly HostTask[]): readonly FactRef<unknown>[] {
  const resources = tasks.flatMap((task) => task.resources)
  const reads = resources.flatMap((resource) => resource.reads)
  const asFile = reads.some(({ kind, id }) => kind.name === 'file' && id === INTERFACES_PATH)
  const asNetwork = reads.some(({ kind }) => kind.name === interfacesRef.kind.name)
  return [
    ...reads,
    unfinishedRunsRef,
    ...(resources.some(mayBeRisky) ? [linksRef, arrivalRef] : []),
    ...(asFile ? [interfacesRef] : []),
    ...(asFile || asNetwork ? ifupdownRefs : []),
  ] as readonly FactRef<unknown>[]
}
