/**
 * Whether Docker keeps guests from being reached through the node. Where it turned forwarding on itself, it also makes
 * the FORWARD chain drop what no rule accepts (moby, daemon/libnetwork/drivers/bridge/setup_ip_forwarding.go), which is
 * everybody but its own containers.
 */
import { type ForwardFilterState, forwardFilterOf } from '../facts/forward-filter.ts'
import type { Model } from '../facts/model.ts'
import { readOptions } from '../nat/iptables-call.ts'
import { type IpCidr, type IpFamily, ipOverlaps, parseIpCidr } from '../net/ip-cidr.ts'
import type { PlanBlocked } from './resource.ts'

/** Packets of one connection, as they pass the node the first way. */
export interface Passage {
  readonly in: string
  readonly out: string
  readonly source?: IpCidr
  readonly destination?: IpCidr
}

/** Why a connection of guests does not get through the node; `bridge` is theirs. Reads {@link forwardFilterOf}. */
export function dockerBlocked(
  family: IpFamily,
  passage: Passage,
  bridge: string,
  model: Model,
): PlanBlocked | undefined {
  const filter = model.get(forwardFilterOf(family))
  if (!isClosed(filter) || (accepted(filter, passage, 'NEW') && accepted(filter, back(passage), 'ESTABLISHED')))
    return undefined
  return {
    kind: 'blocked',
    reason: `Docker makes the node drop what it forwards for others (policy DROP of the chain FORWARD), and no rule accepts what goes from ${passage.in} to ${passage.out}`,
    hint: remedy(family, bridge),
  }
}

/** What Docker does to all that the node forwards, in a sentence; undefined when it does nothing to it. */
export function dockerNotice(family: IpFamily, model: Model): string | undefined {
  const filter = model.get(forwardFilterOf(family))
  if (!isClosed(filter) || filter.rules.some(isForeignAccept)) return undefined
  return `Docker makes the node drop the IPv${family} packets that it forwards for others than containers (policy DROP of the chain FORWARD): ${remedy(family, 'BRIDGE')}`
}

function isClosed({ policy, docker }: ForwardFilterState): boolean {
  return docker && policy === 'DROP'
}

function remedy(family: IpFamily, bridge: string): string {
  const program = family === 4 ? 'iptables' : 'ip6tables'
  const rule = (option: string) => `\`${program} -I DOCKER-USER ${option} ${bridge} -j ACCEPT\``
  return `accept them by ${rule('-i')} and ${rule('-o')}, and again after each boot; or set "ip-forward-no-drop": true in /etc/docker/daemon.json (Docker 28 and newer; before, "iptables": false) and run \`${program} -P FORWARD ACCEPT\``
}

function back({ in: from, out, source, destination }: Passage): Passage {
  return {
    in: out,
    out: from,
    ...(destination === undefined ? {} : { source: destination }),
    ...(source === undefined ? {} : { destination: source }),
  }
}

type Rule = ForwardFilterState['rules'][number]

/** True when some rule accepts such packets, or hands them to a chain of somebody else, who may. */
function accepted({ rules }: ForwardFilterState, passage: Passage, state: 'NEW' | 'ESTABLISHED'): boolean {
  return rules.some((rule) => {
    const target = targetOf(rule)
    // Proxmox VE's chain accepts answers, and leaves the rest that no guest's firewall is about to the policy.
    if (target === 'PVEFW-FORWARD') return state === 'ESTABLISHED'
    return isForeign(rule, target) && matches(rule, passage, state)
  })
}

function isForeignAccept(rule: Rule): boolean {
  const target = targetOf(rule)
  const about = rule.args.some((word) => /^(docker0|docker_gwbridge|br-[0-9a-f]{12})$/.test(word))
  return target !== 'PVEFW-FORWARD' && !about && isForeign(rule, target)
}

function targetOf({ args }: Rule): string | undefined {
  const at = args.findIndex((word) => word === '-j' || word === '-g')
  return at < 0 ? undefined : args[at + 1]
}

/** Sets are how Docker names its own bridges. */
function isForeign({ args }: Rule, target: string | undefined): boolean {
  if (target === undefined || args.includes('--match-set')) return false
  return !/^(DROP|REJECT|RETURN|LOG|NFLOG|MARK|CONNMARK|TCPMSS|DOCKER.*)$/.test(target)
}

/** Options other than interfaces, addresses and states may narrow a rule further; it is believed to be meant for this. */
function matches({ args }: Rule, passage: Passage, state: string): boolean {
  return (readOptions(args) ?? []).every(({ name, negated, value = '' }) => {
    switch (name) {
      case '-i':
        return isLink(value, passage.in) !== negated
      case '-o':
        return isLink(value, passage.out) !== negated
      case '-s':
        return negated || isNear(value, passage.source)
      case '-d':
        return negated || isNear(value, passage.destination)
      case '--ctstate':
      case '--state':
        return value.split(',').includes(state) !== negated
      default:
        return true
    }
  })
}

function isLink(pattern: string, name: string): boolean {
  return pattern.endsWith('+') ? name.startsWith(pattern.slice(0, -1)) : name === pattern
}

function isNear(text: string, network: IpCidr | undefined): boolean {
  const cidr = parseIpCidr(text)
  return network === undefined || cidr === undefined || ipOverlaps(cidr, network)
}
