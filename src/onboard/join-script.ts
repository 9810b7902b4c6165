/** Scripts that run pvecm on a node, detached, and look how it gets on. */
import { joinScripts, rawScript, type Script, sh } from '../connection/script.ts'
import type { Links } from './links.ts'

/** Transient unit in which pvecm runs, so that it neither ends with our connection nor is started twice. */
export const UNIT = 'pvectl-join.service'
const DIR = '/run/pvectl/join'

/** How pvecm gets on. */
export interface Progress {
  readonly running: boolean
  /** Exit status; undefined while it runs, and when it never ran. It proves nothing: pvecm ends with 0 after failures. */
  readonly exitStatus: number | undefined
  /** What it printed, the last lines. */
  readonly log: readonly string[]
  /** Text of /etc/pve/.members; empty when /etc/pve is not there. */
  readonly members: string
  /** The node has a corosync.conf: the cluster took it in, as far as it knows. */
  readonly hasConf: boolean
  /** The node has a certificate of the cluster, which comes last. */
  readonly hasCertificate: boolean
}

/** Makes sure that root has the RSA key that pvecm uses, and prints its public half and PermitRootLogin. */
export const ROOT_KEY = rawScript(`mkdir -p -m 700 /root/.ssh
[ -f /root/.ssh/id_rsa.pub ] || ssh-keygen -q -t rsa -b 4096 -N '' -f /root/.ssh/id_rsa </dev/null >&2
cat /root/.ssh/id_rsa.pub`)

/**
 * Logs in from the node to a member as pvecm is going to. Prints \`ok\` alone when that works and prints nothing else.
 * The host key must be known: pvecm would ask, and wait for an answer that never comes.
 */
export function sshProbe(member: string): Script {
  return sh`timeout 30 ssh -o BatchMode=yes -o StrictHostKeyChecking=yes -o ConnectTimeout=10 ${`root@${member}`} true </dev/null >${DIR}.out 2>${DIR}.err
pv_rc=$?
if [ $pv_rc -ne 0 ]; then echo failed; head -c 600 ${DIR}.err
elif [ -s ${DIR}.out ]; then echo noise; head -c 200 ${DIR}.out
else echo ok; fi
rm -f ${DIR}.out ${DIR}.err`
}

/** Starts \`pvecm add\` by SSH keys, so that no password is needed. Prints \`running\` when it runs already. */
export function startJoin(member: string, links: Links): Script {
  return start(sh`add ${member} --use_ssh 1 ${linkFlags(links)}`)
}

/** Starts \`pvecm create\`. */
export function startCreate(name: string, links: Links): Script {
  return start(sh`create ${name} ${linkFlags(links)}`)
}

function linkFlags(links: Links): Script {
  return joinScripts(
    [...links].map(([link, address]) => sh`${`--link${link}`} ${address}`),
    ' ',
  )
}

/** It must not run within /etc/pve, which is unmounted meanwhile. */
function start(args: Script): Script {
  return sh`cd /
if systemctl is-active --quiet ${UNIT}; then echo running; exit 0; fi
systemctl reset-failed ${UNIT} 2>/dev/null || :
mkdir -p -m 700 ${DIR}
rm -f ${DIR}/rc
: >${DIR}/log
systemd-run --quiet --collect --unit=${UNIT} --working-directory=/ --setenv=HOME=/root --setenv=LC_ALL=C /bin/sh -c ${`pvecm "$@" </dev/null >${DIR}/log 2>&1; echo $? >${DIR}/rc`} sh ${args} && echo started`
}

/** Ends pvecm. */
export const STOP = sh`systemctl stop ${UNIT} 2>/dev/null || :`

/** Looks how pvecm gets on; read-only. */
export const POLL = sh`cd /
echo "running $(systemctl is-active ${UNIT} 2>/dev/null)"
echo "rc $(cat ${DIR}/rc 2>/dev/null)"
if [ -e /etc/corosync/corosync.conf ] || [ -e /etc/pve/corosync.conf ]; then echo conf; fi
if [ -e "/etc/pve/nodes/$(hostname)/pve-ssl.pem" ]; then echo certificate; fi
echo log; tail -n 12 ${DIR}/log 2>/dev/null
echo; echo pvectl-members; timeout 5 cat /etc/pve/.members 2>/dev/null || :`

/** Reads what {@link POLL} prints. */
export function parseProgress(text: string): Progress {
  const [head = '', ...rest] = text.split(/^log$/m)
  const [log = '', members = ''] = rest.join('log').split(/^pvectl-members$/m)
  const status = /^rc (\d+)$/m.exec(head)?.[1]
  return {
    running: /^running (active|activating)$/m.test(head),
    exitStatus: status === undefined ? undefined : Number(status),
    hasConf: /^conf$/m.test(head),
    hasCertificate: /^certificate$/m.test(head),
    log: log.split('\n').filter((line) => line.trim() !== ''),
    members: members.trim(),
  }
}
