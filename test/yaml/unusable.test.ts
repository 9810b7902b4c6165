import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { PvectlError } from '../../src/errors.ts'
import { parseYaml } from '../../src/yaml/document.ts'

const test = suite('YAML that is no data')

/** Message, place and hint of each problem of a text. */
function problemsOf(text: string): readonly string[] {
  try {
    parseYaml(text, 'a.yml', 'PLAYBOOK_INVALID')
  } catch (error) {
    if (!(error instanceof PvectlError)) throw error
    return error.problems.map(
      ({ message, location, hint = '' }) =>
        `${location?.line}:${location?.column} ${message.split('\n')[0]}${hint && ` | ${hint}`}`,
    )
  }
  return []
}

test('an alias within what it stands for has no end', () => {
  assert.equal(problemsOf('vars:\n  a: &a { b: [1, *a] }\n'), ['2:18 `*a` stands within `&a`, without end'])
  assert.match(problemsOf('a: &x [1, &y [*x]]\nb: *y\n').join(), '1:15 `*x` stands within `&x`')
})

test('an alias without an anchor is named with its place, all of them at once', () => {
  const [first, second, ...more] = problemsOf('hosts: *.lan\nvars: { <<: [*base] }\nlater: &base {}\n')
  assert.match(first ?? '', /^1:8 there is no anchor for `\*\.lan` \| .* in quotes if it is a pattern$/)
  assert.match(second ?? '', /^2:14 there is no anchor for `\*base`/)
  assert.equal(more, [])
})

test('a mapping as a key is Jinja without quotes, as a rule', () => {
  const [problem] = problemsOf('tasks:\n  - package: { name: {{ tool }} }\n')
  assert.match(problem ?? '', /^2:23 a key cannot be a mapping or a list \| .*<%= vars\.NAME %>/)
})

test('characters that mean something in YAML: what to put in quotes', () => {
  const hints = { 'hosts: *': '`*`', 'hosts: !node3': '`!`', 'name: a: b': '`: `' }
  for (const [text, what] of Object.entries(hints)) {
    const [problem = ''] = problemsOf(text)
    assert.ok(problem.includes(what) && problem.includes('in quotes'), `${text}: ${problem}`)
  }
})

test('anchors, aliases and merges that are data stay', () => {
  assert.equal(problemsOf('a: &a { b: 1 }\nb: *a\nc: { <<: *a, d: [*a, *a] }\n"*": 1\n'), [])
})

test.run()
