/**
 * A change of /etc/network/interfaces that harms nothing now, and cuts the node off at its next boot: no timer and no
 * confirmation can notice that, so it is refused.
 */
import { PvectlError } from '../errors.ts'
import { arrivalRef } from '../facts/arrival.ts'
import { fileAt } from '../facts/file.ts'
import { INTERFACES_PATH, type InterfacesState, interfacesRef } from '../facts/interfaces.ts'
import type { Model } from '../facts/model.ts'
import { isAutostarted } from '../interfaces/allow.ts'
import { type Lines, parseLines } from '../interfaces/lines.ts'
import { optionsNamed, stanzasOf } from '../interfaces/stanzas.ts'
import type { HostPlan } from './plan.ts'

/**
 * The error, where the files gave the node the address of this connection (or the gateway back to it) at boot, and will
 * not any more. Undefined where that cannot be told: DHCP, or no SSH connection.
 */
export function lostAtNextBoot({ before, after }: HostPlan): PvectlError | undefined {
  if (!before.has(arrivalRef) || !before.has(interfacesRef)) return undefined
  const arrival = before.get(arrivalRef)
  if (arrival === undefined) return undefined
  const was = before.get(interfacesRef)
  const is = { ...after.get(interfacesRef), main: writtenAsFile(before, after) ?? after.get(interfacesRef).main }
  if (was.main === is.main) return undefined
  const { server, back } = arrival
  if (gives(was, 'address', server.address) && !gives(is, 'address', server.address))
    return lost(`the address ${server.address}, by which this connection comes in`)
  const gateway = back?.gateway
  const leads = (state: InterfacesState) => gateway !== undefined && gives(state, 'gateway', gateway)
  return leads(was) && !gives(is, 'gateway')
    ? lost(`a gateway, by which answers reach ${arrival.client.address}`)
    : undefined
}

/** What a step writes without knowing what the file means. */
function writtenAsFile(before: Model, after: Model): Buffer | undefined {
  const ref = fileAt(INTERFACES_PATH)
  if (!after.has(ref) || before.get(ref) === after.get(ref)) return undefined
  const state = after.get(ref)
  return state.type === 'file' ? state.content : Buffer.alloc(0)
}

/** True when an interface that comes up at boot has the option, with that value where one is given. */
function gives({ main, sourced }: InterfacesState, option: 'address' | 'gateway', value?: string): boolean {
  const files = [main ?? Buffer.alloc(0), ...sourced.map(({ content }) => content)].map(parseLines)
  return files.some((lines) =>
    stanzasOf(lines).some(
      (stanza) =>
        startsAtBoot(files, stanza.name) &&
        optionsNamed(stanza, option).some((line) => value === undefined || line.value.split('/')[0] === value),
    ),
  )
}

function startsAtBoot(files: readonly Lines[], name: string): boolean {
  return files.some((lines) => isAutostarted(lines, name))
}

function lost(what: string): PvectlError {
  return new PvectlError('BLOCKED', `after its next boot the node would not have ${what} (/etc/network/interfaces)`, {
    hint: 'give it that on an interface with an `auto` line in the same run; at the console, --no-guard does without this check',
  })
}
