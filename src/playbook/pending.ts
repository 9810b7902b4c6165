/** Puts the wish about a pending network change before the tasks that would meet it. */
import { interfacesFact } from '../facts/interfaces.ts'
import { type PendingChoice, pendingInterfaces } from '../resources/pending-interfaces.ts'
import type { HostStage, HostTask, Job } from './job.ts'

/** The job with a first task on each host whose tasks look at /etc/network/interfaces; other hosts stay as they are. */
export function withPending(job: Job, choice: PendingChoice): Job {
  const stages = job.stages.map((stage, i) => ({
    ...stage,
    hosts: stage.hosts.map((host) => (editsNetwork(host) ? withTask(host, pendingTask(job, choice, i)) : host)),
  }))
  return { ...job, stages }
}

function editsNetwork({ tasks }: HostStage): boolean {
  return tasks.some(({ resources }) =>
    resources.some(({ reads }) => reads.some(({ kind }) => kind.name === interfacesFact.name)),
  )
}

function withTask(stage: HostStage, task: HostTask): HostStage {
  return { ...stage, tasks: [task, ...stage.tasks] }
}

function pendingTask({ playbook }: Job, choice: PendingChoice, stage: number): HostTask {
  return {
    id: `pending ${stage}`,
    title: choice === 'adopt' ? 'Take over the pending network change' : 'Discard the pending network change',
    type: 'pending',
    tags: [],
    location: { file: playbook },
    resources: [pendingInterfaces(choice)],
  }
}
