import { symlinkSync } from 'node:fs'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { PvectlError } from '../../src/errors.ts'
import { TemplateFiles } from '../../src/templates/files.ts'
import { project } from '../helpers/project.ts'

const test = suite('templates: files')

const CONFIG = { XDG_CONFIG_HOME: '/nowhere' }

/** Renders with the working directory at `cwd` and the playbook in `cwd/play/books`. */
function render(cwd: string, name: string, locals = {}, env: NodeJS.ProcessEnv = CONFIG): string {
  return new TemplateFiles({ cwd, env }).render(name, locals, path.join(cwd, 'play/books'))
}

const NAMES = ['play/books/templates/x.ejs', 'play/templates/x.ejs', 'templates/x.ejs', 'config/pvectl/templates/x.ejs']

for (const [index, expected] of NAMES.entries()) {
  test(`search order: ${expected} comes before ${NAMES.slice(index + 1).join(', ') || 'the shipped ones'}`, () => {
    const cwd = project(Object.fromEntries(NAMES.slice(index).map((name) => [name, name])))
    assert.is(render(cwd, 'x.ejs', {}, { XDG_CONFIG_HOME: path.join(cwd, 'config') }), expected)
  })
}

test('shipped templates are found last', () => {
  assert.match(render(project({}), 'nginx/websocket.conf.ejs'), 'map $http_upgrade')
})

test('the ending .ejs may be left out; control tags and whitespace work', () => {
  const cwd = project({
    'templates/list.conf.ejs': '<%_ for (const n of items) { -%>\n  item <%= n %>;\n<%_ } -%>\nend\r\n',
  })
  assert.is(render(cwd, 'list.conf', { items: [1, 2] }), '  item 1;\n  item 2;\nend\r\n')
})

test('includes see the same values and stay in their folder', () => {
  const cwd = project({
    'templates/a/main.ejs': '[<%- include("part", { y: 2 }) %>][<%- include("../common.conf") %>]',
    'templates/a/part.ejs': '<%= x %>+<%= y %>',
    'templates/common.conf': 'common <%= x %>',
  })
  assert.is(render(cwd, 'a/main.ejs', { x: 1, y: 0 }), '[1+2][common 1]')
})

test('an include by a symbolic link out of the folder is refused', () => {
  const cwd = project({ 'templates/main.ejs': '<%- include("link.ejs") %>', 'secret.ejs': 'secret' })
  symlinkSync(path.join(cwd, 'secret.ejs'), path.join(cwd, 'templates/link.ejs'))
  assert.throws(
    () => render(cwd, 'main.ejs'),
    (error: PvectlError) => error.code === 'TEMPLATE_FAILED' && error.message.includes('leads out of'),
  )
})

test('`<%-` insists on values as `<%=` does', () => {
  const cwd = project({ 'templates/x.ejs': 'a\n<%- gone %>\n' })
  assert.throws(
    () => render(cwd, 'x.ejs', { gone: undefined }),
    (error: PvectlError) => error.problems[0]?.location?.line === 2,
  )
})

test('a miss lists every place that was tried', () => {
  const cwd = project({})
  assert.throws(
    () => render(cwd, 'x'),
    (error: PvectlError) => {
      const hint = error.problems[0]?.hint ?? ''
      const tried = [
        'play/books/templates/x',
        'play/books/templates/x.ejs',
        'play/templates/x',
        'templates/x',
        '/nowhere/pvectl/templates/x',
      ]
      return error.code === 'TEMPLATE_MISSING' && tried.every((place) => hint.includes(place))
    },
  )
})

test('the message of a failure is one line, without stack or excerpt', () => {
  const cwd = project({ 'templates/x.ejs': '1\n2\n<%= a.b.c %>\n' })
  assert.throws(
    () => render(cwd, 'x.ejs', { a: {} }),
    (error: PvectlError) =>
      error.message === '`c` is asked of something that is undefined' &&
      error.problems[0]?.location?.file === 'templates/x.ejs' &&
      error.problems[0].location.line === 3,
  )
})

test.run()
