import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { type FileState, fileAt, fileFact } from '../../src/facts/file.ts'
import type { Model } from '../../src/facts/model.ts'
import {
  nginxDefaultSiteDisabled,
  nginxPackageBrings,
  nginxSite,
  nginxSiteAbsent,
  SITES_ENABLED,
} from '../../src/resources/nginx-site.ts'
import type { Resource } from '../../src/resources/resource.ts'
import { fact, fileState, modelOf, planChange, summaries } from '../helpers/model.ts'
import { machineBelow } from '../helpers/run-here.ts'

const test = suite<{ root: string }>('nginx site')
const NAME = 'pvectl-a.conf'
const FILE = `/etc/nginx/sites-available/${NAME}`
const LINK = `${SITES_ENABLED}/${NAME}`
const ABSENT: FileState = { type: 'absent' }
const folder = fact(fileAt(SITES_ENABLED), fileState('', { type: 'directory', mode: '0755' }))
const conf = fact(fileAt('/etc/nginx/nginx.conf'), fileState('include /etc/nginx/sites-enabled/*;'))

const model = (file: FileState, link: FileState) =>
  modelOf(folder, conf, fact(fileAt(FILE), file), fact(fileAt(LINK), link))

test.before.each((context) => {
  context.root = mkdtempSync(path.join(tmpdir(), 'pvectl-nginx-'))
})

test.after.each(({ root }) => rmSync(root, { recursive: true }))

test('a new site: file and link in one step, and the directory counts as changed', () => {
  const plan = planChange(nginxSite(NAME, Buffer.from('new\n')), model(ABSENT, ABSENT))
  assert.equal(summaries(plan), [`create ${FILE} (0644 root:root)`, `link ${LINK} → ${FILE}`])
  const directory = plan.after.find(({ ref }) => ref.id === SITES_ENABLED)?.state as { ctime: number }
  assert.ok(directory.ctime >= 8e15)
})

test('a disabled site is enabled, an enabled one with this content is left alone', () => {
  const site = nginxSite(NAME, Buffer.from('x'))
  assert.equal(summaries(planChange(site, model(fileState('x'), ABSENT))), [`link ${LINK} → ${FILE}`])
  assert.is(site.plan(model(fileState('x'), fileState('x', { link: FILE }))).kind, 'ok')
})

test('a regular file in place of the link, and an nginx.conf without sites, block', () => {
  const site = nginxSite(NAME, Buffer.from('x'))
  assert.is(site.plan(model(ABSENT, fileState('mine'))).kind, 'blocked')
  const bare = model(ABSENT, ABSENT).with([fact(fileAt('/etc/nginx/nginx.conf'), fileState('http {}'))])
  assert.is(site.plan(bare).kind, 'blocked')
})

test('absence takes the link and the file', () => {
  const plan = planChange(nginxSiteAbsent(NAME), model(fileState('x'), fileState('x', { link: FILE })))
  assert.equal(summaries(plan), [`remove the link ${LINK} → ${FILE}`, `remove ${FILE}`])
  assert.is(nginxSiteAbsent(NAME).plan(model(ABSENT, ABSENT)).kind, 'ok')
})

test("only the package's own default link goes, also one that the package is yet to bring", () => {
  const ref = fileAt(`${SITES_ENABLED}/default`)
  const off = nginxDefaultSiteDisabled()
  assert.is(off.plan(modelOf(folder, fact(ref, fileState('x', { link: '/srv/my-default' })))).kind, 'ok')
  assert.is(off.plan(modelOf(folder, fact(ref, fileState('x')))).kind, 'ok')
  const fresh = modelOf(fact(fileAt(SITES_ENABLED), ABSENT), fact(ref, ABSENT))
  assert.is(off.plan(fresh).kind, 'ok')
  planChange(off, fresh.with(nginxPackageBrings()))
})

/** An nginx that rejects a configuration with the word `broken` in an enabled site, or an enabled site that is gone. */
function machine(root: string) {
  const here = machineBelow(root, ['/etc/nginx'])
  mkdirSync(here.here(SITES_ENABLED), { recursive: true })
  mkdirSync(here.here('/etc/nginx/sites-available'))
  mkdirSync(`${root}/bin`)
  writeFileSync(
    `${root}/bin/nginx`,
    `#!/bin/sh\n! grep -s broken ${root}${SITES_ENABLED}/* >&2 && cat ${root}${SITES_ENABLED}/*\n`,
  )
  chmodSync(`${root}/bin/nginx`, 0o755)
  const refs = [FILE, LINK, SITES_ENABLED, '/etc/nginx/nginx.conf'].map((file) => fileAt(file))
  const look = (): Model => {
    const states = here.observe(
      fileFact,
      refs.map(({ id }) => id),
    )
    return modelOf(...refs.map((ref, i) => fact(ref, unmoved(states[i] ?? ABSENT, root))))
  }
  return {
    look,
    apply: (resource: Resource) => here.step(planChange(resource, look()).script, `${root}/bin:`),
    content: () => readFileSync(here.here(LINK), 'utf8'),
    path: here.here,
  }
}

function unmoved(state: FileState, root: string): FileState {
  return state.link === undefined ? state : { ...state, link: state.link.replace(root, '') }
}

test('what is applied is ok afterwards; a rejected change puts back what was there', ({ root }) => {
  const node = machine(root)
  const good = nginxSite(NAME, Buffer.from('good\n'))
  assert.equal(node.apply(good), { code: 0, stderr: '' })
  assert.is(readlinkSync(node.path(LINK)), node.path(FILE))
  assert.is(good.plan(node.look()).kind, 'ok')
  const failed = node.apply(nginxSite(NAME, Buffer.from('broken\n')))
  assert.is(failed.code, 1)
  assert.match(failed.stderr, `nginx -t rejects the new ${node.path(FILE)}; the previous state is back`)
  assert.is(node.content(), 'good\n')
})

test('a rejected new site leaves neither file nor link', ({ root }) => {
  const node = machine(root)
  assert.is(node.apply(nginxSite(NAME, Buffer.from('broken\n'))).code, 1)
  assert.not(existsSync(node.path(FILE)))
  assert.throws(() => readlinkSync(node.path(LINK)))
})

test('a rejected change of mode alone keeps the file', ({ root }) => {
  const node = machine(root)
  const broken = nginxSite(NAME, Buffer.from('broken\n'))
  writeFileSync(node.path(FILE), 'broken\n', { mode: 0o600 })
  assert.is(node.apply(broken).code, 1)
  assert.is(readFileSync(node.path(FILE), 'utf8'), 'broken\n')
  assert.throws(() => readlinkSync(node.path(LINK)))
})

test('removed: neither file nor link', ({ root }) => {
  const node = machine(root)
  node.apply(nginxSite(NAME, Buffer.from('good\n')))
  assert.equal(node.apply(nginxSiteAbsent(NAME)), { code: 0, stderr: '' })
  assert.not(existsSync(node.path(FILE)))
  assert.throws(() => readlinkSync(node.path(LINK)))
})

test.run()
