/** The one list of task types, in alphabetical order. */
import { authorizedKeyTask } from './authorized-key.ts'
import { bridgeTask } from './bridge.ts'
import { commandTask } from './command.ts'
import { dnsmasqTask } from './dnsmasq.ts'
import { fileTask } from './file.ts'
import { interfaceCommentTask } from './interface-comment.ts'
import { ipForwardingTask } from './ip-forwarding.ts'
import { jumpUserTask } from './jump-user.ts'
import { masqueradeTask } from './masquerade.ts'
import { nginxVhostTask } from './nginx-vhost.ts'
import { packageTask } from './package.ts'
import { portForwardTask } from './port-forward.ts'
import { serviceTask } from './service.ts'
import { sysctlTask } from './sysctl.ts'
import type { TaskType } from './task-type.ts'
import { templateTask } from './template.ts'
import { userTask } from './user.ts'
import { vlanTask } from './vlan.ts'

/** Every task type that a playbook may name. */
export const taskTypes: readonly TaskType[] = [
  authorizedKeyTask,
  bridgeTask,
  commandTask,
  dnsmasqTask,
  fileTask,
  interfaceCommentTask,
  ipForwardingTask,
  jumpUserTask,
  masqueradeTask,
  nginxVhostTask,
  packageTask,
  portForwardTask,
  serviceTask,
  sysctlTask,
  templateTask,
  userTask,
  vlanTask,
]

/** The task type of a name; undefined when there is none. */
export function findTaskType(name: string): TaskType | undefined {
  return taskTypes.find((type) => type.name === name)
}
