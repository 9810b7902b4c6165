/** Playbooks that must not load, as tables: what is wrong, and how each problem is told. */
import type { Test } from 'uvu'
import * as assert from 'uvu/assert'
import { type ErrorCode, formatLocation, PvectlError } from '../../src/errors.ts'
import { loadInventory } from '../../src/inventory/load.ts'
import { type LoadJobOptions, loadJob } from '../../src/playbook/load.ts'
import { type Files, project } from './project.ts'
import { testTaskTypes } from './task-types.ts'

/** A playbook with mistakes. */
export interface BadPlaybook {
  readonly name: string
  /** Tasks of a play for all hosts (they begin in line 3), a whole playbook, or files. */
  readonly tasks?: string
  readonly playbook?: string
  readonly files?: Files
  readonly options?: Partial<LoadJobOptions>
  readonly code?: ErrorCode
  /** All problems: line and column in site.yml (or a whole place), part of the message, part of the hint. */
  readonly expected: readonly (readonly [place: string, message: string, hint?: string])[]
}

const INVENTORY = `all:
  vars: { domain: example.org, internal_address: 10.0.0.1/24, list: [a, b], net: { gw: 10.0.0.1 }, text: abc }
  hosts:
    node1: { vars: { only_here: 1, mtu: "x" } }
    node2: { vars: { mtu: 1500 } }
    node3: { vars: { mtu: 1500 } }
    node4: { vars: { mtu: "y" } }
`

/** A test for each: all problems at once, each with its place, message and hint. */
export function refused(test: Test, cases: readonly BadPlaybook[]): void {
  for (const { name, tasks, playbook, files = {}, options = {}, code = 'PLAYBOOK_INVALID', expected } of cases) {
    test(name, async () => {
      const error = await problemsOf(
        { 'site.yml': playbook ?? `- hosts: all\n  tasks:\n${tasks ?? ''}`, ...files },
        options,
      )
      assert.instance(error, PvectlError, `${String(error)}`)
      const { problems } = error as PvectlError
      const places = problems.map(({ location }) => (location === undefined ? '' : formatLocation(location)))
      const wanted = expected.map(([place]) => (/^\d+:\d+$/.test(place) ? `site.yml:${place}` : place))
      assert.equal(places, wanted, JSON.stringify(problems, null, 1))
      assert.is((error as PvectlError).code, code)
      for (const [index, [, message, hint]] of expected.entries()) {
        assert.match(problems[index]?.message ?? '', message)
        if (hint !== undefined) assert.match(problems[index]?.hint ?? '', hint)
      }
    })
  }
}

/** What loading `site.yml` of these files throws; undefined when nothing. */
export async function problemsOf(files: Files, options: Partial<LoadJobOptions>): Promise<unknown> {
  const cwd = project({ 'inventory/prod.yml': INVENTORY, ...files })
  const inventory = await loadInventory('prod', { cwd })
  return loadJob({ playbook: 'site.yml', inventory, cwd, registry: testTaskTypes, ...options }).then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
}
