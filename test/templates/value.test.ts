import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { Secret } from '../../src/connection/secret.ts'
import { guard, plain } from '../../src/templates/guard.ts'
import { net } from '../../src/templates/net.ts'
import { TemplateProblem } from '../../src/templates/problem.ts'
import { ValueCompiler } from '../../src/templates/value.ts'

const test = suite('templates: values')

function render(data: unknown, locals: Record<string, unknown> = {}) {
  const compiler = new ValueCompiler(Object.keys(locals))
  return compiler.value(data).render(locals)
}

test('data without templates is static, and passes as it is', () => {
  const data = { a: [1, 'x', null, { b: true }], c: 'a % b > c' }
  const template = new ValueCompiler([]).value(data)
  assert.ok(template.isStatic)
  assert.is(template.render({}).value, data)
})

test('expressions of several lines, with comments and with braces', () => {
  assert.is(render('<%= 1 +\n  2 // three\n%>').value, 3)
  assert.equal(render('<%= ({ a: [1, 2] }) %>').value, { a: [1, 2] })
  assert.is(render('<%= x; %>', { x: 5 }).value, 5)
  assert.is(render('<%= x %>\n', { x: 5 }).value, 5)
})

test('statements make text', () => {
  assert.is(render('<% for (const n of list) { %>[<%= n %>]<% } %>', { list: [1, 2] }).value, '[1][2]')
})

test('nothing is escaped as HTML, and values are never rendered again', () => {
  assert.is(render('a <%= x %>', { x: `<b> & "c" <%= 1 %>` }).value, 'a <b> & "c" <%= 1 %>')
})

test('every failure of a value is told, with its path', () => {
  const vars = guard({ ok: 1 }, 'vars')
  const { failures } = render({ a: '<%= vars.x %>', b: ['<%= vars.ok %>', 'at <%= vars.y %>'] }, { vars })
  assert.equal(
    failures.map(({ path, problem }) => [path, problem.reason]),
    [
      [['a'], 'undefined variable: vars.x'],
      [['b', 1], 'undefined variable: vars.y'],
    ],
  )
})

test('a loop without end is given up once, whatever the number of hosts, and a rendering loop is left alone', () => {
  const began = Date.now()
  const template = new ValueCompiler(['n']).value([
    '<% while (n < 2) {} %>x',
    '<% for (const i of [n, 2]) { %><%= i %><% } %>',
  ])
  const reasons = [0, 1].map((n) => {
    const { value, failures } = template.render({ n })
    assert.is((value as string[])[1], `${n}2`)
    return failures.map(({ path, problem }) => [path, problem.reason, problem.hint])
  })
  const told = [[[0], 'not done after 5 seconds', 'is there a loop in it that never ends?']]
  assert.equal(reasons, [told, told])
  assert.ok(Date.now() - began < 9000)
})

const TOLD: readonly (readonly [template: string, reason: string])[] = [
  ['<% if (x) { %>a', 'syntax error: a `{` without its `}`'],
  ['a <% } %>', 'syntax error: a `}` without its `{`'],
  ['<%= x.deep.er %>', '`er` is asked of something that is null'],
  ['<%= new Date(0) %>', 'the expression comes to a Date, which is no plain data'],
  ['<%= [Promise.resolve(1)] %>', 'the expression comes to a Promise, which is no plain data'],
  ['<%= [Promise.reject(1)] %>', 'the expression comes to a Promise, which is no plain data'],
  ['<%= ((list) => (list.push(list), list))([]) %>', 'the expression comes to data that contains itself'],
]
for (const [template, reason] of TOLD) {
  test(`in words: ${template}`, () => {
    const { failures } = render(template, { x: { deep: null } })
    assert.equal(
      failures.map(({ problem }) => problem.reason),
      [reason],
    )
  })
}

test('a guard lets ordinary use of data pass', () => {
  const vars = guard({ list: [{ n: 2 }, { n: 1 }], map: { a: 1 }, text: 'abc', empty: null }, 'vars')
  const value = (code: string) => render(`<%= ${code} %>`, { vars }).value
  assert.equal(value('[...vars.list].sort((a, b) => a.n - b.n)'), [{ n: 1 }, { n: 2 }])
  assert.equal(value('Object.entries(vars.map)'), [['a', 1]])
  assert.is(value('JSON.stringify(vars.list)'), '[{"n":2},{"n":1}]')
  assert.equal(value('({ ...vars.map, b: vars.list.length })'), { a: 1, b: 2 })
  assert.equal(value('vars.list.concat([3]).flat().slice(1)'), [{ n: 1 }, 3])
  assert.is(value('vars.empty'), null)
  assert.is(value('vars.text.toUpperCase()'), 'ABC')
  assert.is(value('Array.isArray(vars.list) && "map" in vars'), true)
})

test('a guard refuses changes, at any depth', () => {
  const vars = guard({ list: [1], map: { a: 1 } }, 'vars')
  for (const code of [
    'vars.x = 1',
    'vars.map.a = 2',
    'delete vars.map.a',
    'vars.list.push(2)',
    'Object.assign(vars.map, { b: 1 })',
  ]) {
    const { failures } = render(`<%= ${code} %>`, { vars })
    assert.match(failures[0]?.problem.reason ?? 'no failure', 'cannot change variables', code)
  }
  assert.equal(plain(vars), { list: [1], map: { a: 1 } })
})

test('a secret becomes its text, in a text and as a whole', () => {
  const vars = guard({ db: { password: new Secret('hunter2') }, list: [new Secret('hunter3')] }, 'vars')
  assert.is(render('<%= vars.db.password %>', { vars }).value, 'hunter2')
  assert.equal(render('<%= vars.db %>', { vars }).value, { password: 'hunter2' })
  assert.is(render('x <%= vars.db.password + vars.list[0] %>', { vars }).value, 'x hunter2hunter3')
  assert.is(render("x <%= vars.list.join('-') %>", { vars }).value, 'x hunter3')
})

test('net: IPv4 and IPv6', () => {
  assert.is(net.network('10.0.3.7/16'), '10.0.0.0/16')
  assert.is(net.network('2001:db8::7/64'), '2001:db8::/64')
  assert.is(net.address('10.0.3.7/16'), '10.0.3.7')
  assert.is(net.address('2001:DB8:0::1'), '2001:db8::1')
  assert.is(net.nth('10.0.0.1/16', 300), '10.0.1.44')
  assert.is(net.nth('10.0.0.1/24', -1), '10.0.0.255')
  assert.is(net.nth('10.0.0.1/24', -2), '10.0.0.254')
  assert.is(net.nth('2001:db8::/64', 16), '2001:db8::10')
  assert.is(net.prefix('10.0.0.1/16'), 16)
  assert.is(net.netmask('10.0.0.1/16'), '255.255.0.0')
  assert.is(net.netmask('10.0.0.1/30'), '255.255.255.252')
})

for (const [name, call] of [
  ['no prefix length', () => net.network('10.0.0.1')],
  ['no address', () => net.address('node1')],
  ['leading zeros', () => net.address('010.0.0.1')],
  ['too long a prefix', () => net.prefix('10.0.0.1/33')],
  ['beyond the network', () => net.nth('10.0.0.0/30', 4)],
  ['before the network', () => net.nth('10.0.0.0/30', -5)],
  ['netmask of IPv6', () => net.netmask('2001:db8::/64')],
] as const) {
  test(`net refuses: ${name}`, () => {
    assert.throws(call, (error: unknown) => error instanceof TemplateProblem && error.reason.startsWith('net.'))
  })
}

test.run()
