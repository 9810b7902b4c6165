/** Facts about the connection that observes: where it comes from, where it arrived, and where answers to it leave. */
import { rawScript } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** One end of a TCP connection. */
export interface Endpoint {
  /** Without zone: `fe80::1`. */
  readonly address: string
  readonly port: number
}

/** An SSH connection as the node sees it. */
export interface Arrival {
  /** The controller, or the last jump host before the node. */
  readonly client: Endpoint
  readonly server: Endpoint
  /** Who logged in, before becoming root; undefined where the session does not tell. */
  readonly user?: string
  /** How packets to the client leave; undefined where the node has no route back. */
  readonly back?: { readonly device: string; readonly gateway?: string }
}

/** Undefined where the script does not run in an SSH session. */
export type ArrivalState = Arrival | undefined

const SCRIPT = rawScript(`pv_s=$SSH_CONNECTION pv_q=$PPID pv_n=0
while [ -z "$pv_s" ] && [ "\${pv_q:-0}" -gt 1 ] && [ $pv_n -lt 8 ]; do
	pv_s=$(tr '\\000' '\\n' 2>/dev/null < "/proc/$pv_q/environ" | sed -n 's/^SSH_CONNECTION=//p')
	pv_q=$(sed -n 's/^PPid:[[:space:]]*//p' "/proc/$pv_q/status" 2>/dev/null)
	pv_n=$((pv_n+1))
done
set -- $pv_s
if [ $# -eq 4 ]; then
	echo "$* \${SUDO_USER:-$LOGNAME}"
	case $1 in
	*%*) ip -j route get "\${1%%%*}" oif "\${1#*%}" ;;
	*) ip -j route get "$1" from "$3" || ip -j route get "$1" ;;
	esac 2>/dev/null || :
fi`)

/**
 * One instance: the id is always empty. sudo drops SSH_CONNECTION, so it is looked for in the processes above too;
 * only builtins and one `ip` where it is there.
 */
export const arrivalFact: FactKind<ArrivalState> = {
  name: 'arrival',
  observe: () => SCRIPT,
  parse(output, ids) {
    const text = output.toString('utf8')
    const state = readSession(text.slice(0, text.indexOf('\n') + 1).trim(), text.slice(text.indexOf('\n') + 1).trim())
    return ids.map(() => state)
  },
}

/** The one reference to the connection. */
export const arrivalRef: FactRef<ArrivalState> = { kind: arrivalFact, id: '' }

function readSession(line: string, route: string): ArrivalState {
  const [client = '', clientPort, server = '', serverPort, user = ''] = line.split(' ')
  if (serverPort === undefined) return undefined
  const [hop] = (route.startsWith('[') ? JSON.parse(route) : []) as { dev?: string; gateway?: string }[]
  const back =
    hop?.dev === undefined
      ? {}
      : { back: { device: hop.dev, ...(hop.gateway === undefined ? {} : { gateway: hop.gateway }) } }
  return {
    client: endpoint(client, clientPort),
    server: endpoint(server, serverPort),
    ...(user === '' ? {} : { user }),
    ...back,
  }
}

/** IPv4 may show in its IPv6 form, where sshd listens on one socket for both. */
function endpoint(address: string, port: string | undefined): Endpoint {
  return { address: address.replace(/%.*$/, '').replace(/^::ffff:(?=\d+\.)/, ''), port: Number(port) }
}
