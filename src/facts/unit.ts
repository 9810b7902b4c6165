/** Facts about systemd units. */
import { type Script, sh } from '../connection/script.ts'
import type { FactKind, FactRef } from './fact.ts'

/** State of a unit; the words are systemd's own. */
export interface UnitState {
  /** `loaded`, `not-found`, `masked`, … */
  readonly load: string
  /** `active`, `inactive`, `failed`, … */
  readonly active: string
  /** `enabled`, `disabled`, `static`, …; empty where there is no unit file. */
  readonly enabled: string
  /** When it last became active, milliseconds since the epoch; 0 for never. */
  readonly activeSince: number
  /** When it last changed state at all, which a reload does too. */
  readonly changedAt: number
  /** Unit files on disk are newer than what systemd has loaded. */
  readonly needsDaemonReload: boolean
  /** Of a prediction: when a step of this run makes systemd read unit files again. */
  readonly reloadedAt?: number
}

const PROPERTIES = [
  'LoadState',
  'ActiveState',
  'UnitFileState',
  'ActiveEnterTimestamp',
  'StateChangeTimestamp',
  'NeedDaemonReload',
] as const

/** All units that a run asks for, by one `systemctl show`; it prints one block a unit, in the order of its arguments. */
export const unitFact: FactKind<UnitState> = {
  name: 'unit',
  observe: (ids): Script => sh`systemctl show --timestamp=us+utc -p ${PROPERTIES.join(',')} -- ${ids}`,
  parse(output, ids) {
    const blocks = output.toString('utf8').trim().split(/\n\n+/)
    if (blocks.length !== ids.length)
      throw new Error(`systemctl show answered for ${blocks.length} of ${ids.length} units`)
    return blocks.map(parseUnit)
  },
}

/** Reference to the fact about a unit, named with its suffix: `nginx.service`. */
export function unitNamed(name: string): FactRef<UnitState> {
  return { kind: unitFact, id: name }
}

function parseUnit(block: string): UnitState {
  const entries = new Map(
    block.split('\n').map((line) => {
      const split = line.indexOf('=')
      return [line.slice(0, split), line.slice(split + 1)] as const
    }),
  )
  const get = (name: (typeof PROPERTIES)[number]) => entries.get(name) ?? ''
  return {
    load: get('LoadState'),
    active: get('ActiveState'),
    enabled: get('UnitFileState'),
    activeSince: parseTimestamp(get('ActiveEnterTimestamp')),
    changedAt: parseTimestamp(get('StateChangeTimestamp')),
    needsDaemonReload: get('NeedDaemonReload') === 'yes',
  }
}

/** `Sat 2026-11-21 04:30:06.123456 UTC` in milliseconds with their fraction; 0 for `n/a` and nothing. */
function parseTimestamp(text: string): number {
  const match = /(\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d)\.(\d{6}) UTC$/.exec(text)
  return match === null ? 0 : Date.parse(`${match[1]}T${match[2]}Z`) + Number(match[3]) / 1000
}
