/** The one list of task types, in alphabetical order. */
import { additionalIpTask } from './additional-ip.ts'
import { authorizedKeyTask } from './authorized-key.ts'
import { bondTask } from './bond.ts'
import { bridgeTask } from './bridge.ts'
import { commandTask } from './command.ts'
import { conntrackZoneTask } from './conntrack-zone.ts'
import { dnsmasqTask } from './dnsmasq.ts'
import { fileTask } from './file.ts'
import { guestNicTask } from './guest-nic.ts'
import { hostsEntryTask } from './hosts-entry.ts'
import { interfaceCommentTask } from './interface-comment.ts'
import { ipForwardingTask } from './ip-forwarding.ts'
import { jumpUserTask } from './jump-user.ts'
import { knownHostTask } from './known-host.ts'
import { managementNetworkTask } from './management-network.ts'
import { masqueradeTask } from './masquerade.ts'
import { nginxVhostTask } from './nginx-vhost.ts'
import { ovsBondTask } from './ovs-bond.ts'
import { ovsBridgeTask } from './ovs-bridge.ts'
import { ovsIntPortTask } from './ovs-int-port.ts'
import { ovsPortTask } from './ovs-port.ts'
import { packageTask } from './package.ts'
import { partitionTask } from './partition.ts'
import { portForwardTask } from './port-forward.ts'
import { pveAclTask } from './pve-acl.ts'
import { pveFirewallClusterTask } from './pve-firewall-cluster.ts'
import { pveFirewallGuestTask } from './pve-firewall-guest.ts'
import { pveFirewallHostTask } from './pve-firewall-host.ts'
import { pveRepositoryTask } from './pve-repository.ts'
import { pveRoleTask } from './pve-role.ts'
import { pveUserTask } from './pve-user.ts'
import { serviceTask } from './service.ts'
import { sysctlTask } from './sysctl.ts'
import type { TaskType } from './task-type.ts'
import { templateTask } from './template.ts'
import { timeSyncTask } from './time-sync.ts'
import { userTask } from './user.ts'
import { vlanTask } from './vlan.ts'
import { vxlanTask } from './vxlan.ts'

/** Every task type that a playbook may name. */
export const taskTypes: readonly TaskType[] = [
  additionalIpTask,
  authorizedKeyTask,
  bondTask,
  bridgeTask,
  commandTask,
  conntrackZoneTask,
  dnsmasqTask,
  fileTask,
  guestNicTask,
  hostsEntryTask,
  interfaceCommentTask,
  ipForwardingTask,
  jumpUserTask,
  knownHostTask,
  managementNetworkTask,
  masqueradeTask,
  nginxVhostTask,
  ovsBondTask,
  ovsBridgeTask,
  ovsIntPortTask,
  ovsPortTask,
  packageTask,
  partitionTask,
  portForwardTask,
  pveAclTask,
  pveFirewallClusterTask,
  pveFirewallGuestTask,
  pveFirewallHostTask,
  pveRepositoryTask,
  pveRoleTask,
  pveUserTask,
  serviceTask,
  sysctlTask,
  templateTask,
  timeSyncTask,
  userTask,
  vlanTask,
  vxlanTask,
]

/** The task type of a name; undefined when there is none. */
export function findTaskType(name: string): TaskType | undefined {
  return taskTypes.find((type) => type.name === name)
}
