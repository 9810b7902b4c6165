import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { runQuietly } from '../../src/onboard/quiet-run.ts'
import type { Resource } from '../../src/resources/resource.ts'
import { testJob, testTask } from '../helpers/job.ts'
import { localConnector } from '../helpers/local-connection.ts'
import { failureOf } from '../helpers/within.ts'

const test = suite('a step of onboarding that cannot be done')

for (const mode of ['check', 'apply'] as const) {
  test(`${mode} says why, and the remedy`, async () => {
    const root = mkdtempSync(path.join(tmpdir(), 'pvectl-quiet-'))
    const keys: Resource = {
      kind: 'keys',
      key: 'keys:root',
      title: 'keys of root',
      reads: [],
      plan: () => ({ kind: 'blocked', reason: '/root/.ssh is no folder', hint: 'move it away' }),
    }
    try {
      const error = await failureOf(runQuietly(testJob([testTask('1', keys)]), localConnector(root), mode))
      assert.match(error.problems[0]?.message ?? '', '/root/.ssh is no folder')
      assert.is(error.problems[0]?.hint, 'move it away')
    } finally {
      rmSync(root, { recursive: true, force: true })
    }
  })
}

test.run()
