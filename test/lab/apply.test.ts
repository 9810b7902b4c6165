import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { suite } from 'uvu'
import { labUp, type TestLab } from '../helpers/pvectl.ts'
import { testSite } from '../helpers/site.ts'

const test = suite('apply on lab nodes')
const dir = mkdtempSync(join(tmpdir(), 'pvectl-lab-'))
let lab: TestLab

test.before(() => {
  lab = labUp('apply', 3, dir)
})
test.after(() => {
  lab?.down()
  rmSync(dir, { recursive: true, force: true })
})

testSite(test, ['node1', 'node2', 'node3'], () => lab)

test.run()
