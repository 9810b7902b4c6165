import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { PvectlError } from '../../src/errors.ts'
import { type BadPlaybook, problemsOf, refused } from '../helpers/bad-playbook.ts'

const cases: readonly BadPlaybook[] = [
  // Parameters
  {
    name: 'parameters, all at once, each at its place',
    tasks:
      '    - bridge:\n        nam: vmbr1\n        adress: 10.0.0.1/24\n    - bridge: {name: VMBR, address: 10.0.0.1, mtu: "1500", vlan: yes, stp: onn}\n    - bridge: {name: vmbr2, mtu: 10, ranges: [{start: 10.0.0.5}, {start: x, end: 10.0.0.9}], ports: eno1}\n    - bridge:\n',
    expected: [
      ['3:7', 'bridge: `name` is missing', 'name: name of the bridge'],
      ['4:9', 'unknown key `nam` in `bridge`', 'did you mean `name`? It may have: name, address'],
      ['5:9', 'unknown key `adress` in `bridge`', 'did you mean `address`?'],
      ['6:22', 'bridge: `name` must be a name such as vmbr1'],
      ['6:37', '`address` must be an IPv4 network such as 10.0.0.0/24, not "10.0.0.1"'],
      ['6:52', '`mtu` must be a number, not "1500"', 'without quotes'],
      ['6:66', '`vlan` must be true or false, not "yes"', 'write true or false'],
      ['6:76', '`stp` must be on or off, not "onn"', 'did you mean `on`?'],
      ['7:34', '`mtu` must be at least 576, not 10'],
      ['7:47', '`ranges[0].end` is missing'],
      ['7:74', '`ranges[1].start` must be an IPv4 address, not "x"'],
      ['7:101', '`ports` must be a list, not "eno1"'],
      ['8:7', 'bridge: `name` is missing'],
    ],
  },
  {
    name: 'what a task type finds out itself',
    tasks:
      '    - bridge:\n        name: vmbr1\n        ranges:\n          - {start: 10.0.0.1, end: 10.0.0.2}\n          - {start: 10.0.0.9, end: 10.0.0.2}\n',
    expected: [['7:36', 'bridge: the range ends before 10.0.0.9 (on node1, node2, node3 and 1 more)', 'swap the two']],
  },
  {
    name: 'a shorthand of the wrong type',
    tasks: '    - package: 5\n    - package: [a, 7]\n    - echo: true\n',
    expected: [
      ['3:16', 'package: `names` must be a string or a list, not 5'],
      ['4:20', 'package: `names[1]` must be a string, not 7'],
      ['5:13', 'echo: `text` must be a string or a number, not true'],
    ],
  },
  {
    name: 'a value of the inventory that does not fit, only where it does not',
    tasks: '    - bridge: {name: vmbr1, mtu: "<%= vars.mtu %>"}\n',
    expected: [
      ['3:34', 'bridge: `mtu` must be a number, not "x" (on node1)', 'vars.mtu is set at inventory/prod.yml:4'],
      ['3:34', 'bridge: `mtu` must be a number, not "y" (on node4)', 'vars.mtu is set at inventory/prod.yml:7'],
    ],
  },
  {
    name: 'a value of the command line that does not fit',
    tasks: '    - bridge: {name: vmbr1, mtu: "<%= vars.mtu %>"}\n',
    options: { extraVars: { mtu: true } },
    expected: [['3:34', 'must be a number, not true (on node1, node2, node3 and 1 more)', 'set by --extra-vars']],
  },
  // Templates
  {
    name: 'an undefined variable, told once for all hosts',
    tasks:
      '    - echo: "<%= vars.internl_address %>"\n    - echo: "at <%= vars.net.gww %>"\n    - echo: "<%= vars.list[2] %>"\n',
    expected: [
      [
        '3:13',
        'undefined variable: vars.internl_address (on node1, node2, node3 and 1 more)',
        'did you mean `vars.internal_address`?',
      ],
      ['4:13', 'undefined variable: vars.net.gww', 'did you mean `vars.net.gw`?'],
      ['5:13', 'undefined variable: vars.list[2]', '2 entries'],
    ],
  },
  {
    name: 'a variable that only some hosts have',
    tasks: '    - echo: "<%= vars.only_here %>"\n',
    expected: [
      [
        '3:13',
        'undefined variable: vars.only_here (on node2, node3, node4)',
        "only node1 has it; get('only_here', DEFAULT)",
      ],
    ],
  },
  {
    name: 'bare names',
    tasks: '    - echo: "<%= domain %>"\n    - echo: "<%= item %>"\n    - echo: "<%= hosst.name %>"\n',
    expected: [
      ['3:13', 'undefined variable: domain', 'variables are called `vars.domain`'],
      ['4:13', 'undefined variable: item', 'only a task with `loop` has it'],
      ['5:13', 'undefined variable: hosst', 'did you mean `host`?'],
    ],
  },
  {
    name: 'broken templates',
    tasks:
      '    - echo: "<%= vars.domain"\n    - echo: "<%= 1 + %>"\n    - echo: "a <% if ( %> b"\n    - {echo: {"<%= 1 %>": x, text: y}}\n    - echo: "<%= vars.domain.nope() %>"\n    - echo: "<%= vars.list.sort() %>"\n    - echo: "<%= vars.list.join %>"\n',
    expected: [
      ['3:13', '`<%=` without `%>`', 'quotes'],
      ['4:13', 'syntax error'],
      ['5:13', 'syntax error'],
      ['6:15', 'keys cannot be templates'],
      ['7:13', 'vars.domain.nope is not a function'],
      ['8:13', 'a template cannot change variables', '[...list]'],
      ['9:13', 'comes to a function'],
    ],
  },
  {
    name: 'what cannot be part of a text',
    tasks:
      '    - echo: "a <%= vars.list %>"\n    - echo: "a <%= vars.net %>"\n    - echo: "a <%= null %>"\n    - echo: "a <%- undefined %>"\n    - echo: "<%= undefined %>"\n    - echo: "a <%= vars.text * 2 %>"\n',
    expected: [
      ['3:13', 'comes to a list', 'join'],
      ['4:13', 'comes to a mapping'],
      ['5:13', 'comes to null', "get('NAME', 'default')"],
      ['6:13', 'comes to nothing'],
      ['7:13', 'comes to nothing'],
      ['8:13', 'comes to NaN'],
    ],
  },
  {
    name: 'the line within a block of text',
    tasks: '    - echo: |\n        first\n        <%= vars.domain %>\n        <%= vars.domian %>\n',
    expected: [['site.yml:6', 'undefined variable: vars.domian', 'did you mean `vars.domain`?']],
  },
  {
    name: 'variables of the play: circles, mistakes, and no echo of either',
    playbook:
      '- hosts: node1\n  vars:\n    a: "<%= vars.b %>"\n    b: "<%= vars.a %>"\n    domain: "x.<%= vars.domain %>"\n    bad: "<%= vars.domian %>"\n    uses: "<%= vars.bad %>"\n  tasks:\n    - echo: "<%= vars.bad %>"\n    - echo: "<%= vars.uses %>"\n      when: vars.uses == 1\n    - render: x\n',
    files: { 'templates/x': '<%= vars.uses %>' },
    expected: [
      ['4:8', 'circle: vars.a → vars.b → vars.a'],
      ['5:13', 'circle: vars.domain → vars.domain', 'same name'],
      ['6:10', 'undefined variable: vars.domian'],
    ],
  },
  // Conditions and loops
  {
    name: 'conditions',
    tasks:
      '    - echo: x\n      when: vars.txt == 1\n    - echo: x\n      when: vars.text\n    - echo: x\n      when: ["true", "vars.list.length"]\n    - echo: x\n      when: "a ="\n    - echo: x\n      when: "{{ domain }}"\n',
    expected: [
      ['4:13', 'undefined variable: vars.txt', 'did you mean `vars.text`?'],
      ['6:13', 'the condition comes to "abc"', 'Boolean(…)'],
      ['8:22', 'the condition comes to 2'],
      ['10:13', 'syntax error'],
      ['12:13', 'Jinja is not understood'],
    ],
  },
  {
    name: 'loops',
    tasks:
      '    - echo: x\n      loop: vars.list\n    - echo: x\n      loop: "<%= vars.net %>"\n    - echo: x\n      loop: "<%= vars.lst %>"\n    - echo: "<%= item.nme %>"\n      loop: [{name: a}]\n',
    expected: [
      ['4:13', 'a loop needs a list, not "vars.list"', '<%= vars.NAME %>'],
      ['6:13', 'a loop needs a list, not a mapping', 'Object.entries'],
      ['8:13', 'undefined variable: vars.lst'],
      ['9:13', 'undefined variable: item.nme', 'did you mean `item.name`?'],
    ],
  },
  // Template files and files of the controller
  {
    name: 'a template that is not UTF-8',
    tasks: '    - render: a.ejs\n    - render: b.ejs\n',
    files: {
      'templates/a.ejs': Buffer.from('one\nété\n', 'latin1'),
      'templates/b.ejs': '<%- include("a") %>',
    },
    code: 'TEMPLATE_FAILED',
    expected: [
      ['templates/a.ejs:2:1', 'not UTF-8', 'iconv'],
      ['templates/b.ejs:1', "include('a'): the file is not UTF-8"],
    ],
  },
  {
    name: 'a playbook that is not UTF-8',
    files: { 'site.yml': Buffer.from('- hosts: all\n  tasks: [{echo: "é"}]\n', 'latin1') },
    expected: [['2:19', 'not UTF-8', 'iconv']],
  },
  {
    name: 'a template that is not there',
    tasks: '    - render: motd.ejs\n    - render: ../../etc/passwd\n',
    options: { env: { XDG_CONFIG_HOME: '/nowhere' } },
    code: 'TEMPLATE_MISSING',
    expected: [
      ['3:15', 'there is no template `motd.ejs`', 'tried templates/motd.ejs'],
      ['4:15', 'leads out of the folders for templates'],
    ],
  },
  {
    name: 'mistakes in template files',
    tasks:
      '    - render: a.ejs\n    - render: b.ejs\n    - render: c.ejs\n    - render: d.ejs\n    - render: {template: e.ejs, vars: {x: [1]}}\n',
    files: {
      'templates/a.ejs': 'one\ntwo <%= vars.domian %>\n',
      'templates/b.ejs': 'x\n<%- include("part") %>\n',
      'templates/part.ejs': '\n\n<%= bare %>\n',
      'templates/c.ejs': '<%- include("../site.yml") %>',
      'templates/d.ejs': 'a\n<% for ( %>\n',
      'templates/e.ejs': 'a\n\n<%= x %>\n',
    },
    code: 'TEMPLATE_FAILED',
    expected: [
      [
        'templates/a.ejs:2',
        'undefined variable: vars.domian (on node1, node2, node3 and 1 more)',
        'did you mean `vars.domain`?',
      ],
      ['templates/part.ejs:3', 'undefined variable: bare'],
      ['templates/c.ejs:1', 'leads out of'],
      ['templates/d.ejs', 'syntax error'],
      ['templates/e.ejs:3', 'comes to a list'],
    ],
  },
  {
    name: 'a file of the controller that is not there',
    tasks: '    - copy: {source: files/motd}\n',
    expected: [['3:22', 'the file files/motd is not there', 'looked for files/motd']],
  },
  // Conflicts
  {
    name: 'two tasks with the same bridge, or the same port',
    playbook:
      '- hosts: all\n  tasks:\n    - name: one\n      bridge: {name: vmbr1, ports: [eno1]}\n    - bridge: {name: vmbr2, ports: [eno1]}\n- hosts: node2\n  tasks:\n    - name: again\n      bridge: {name: vmbr1}\n',
    code: 'CONFLICT',
    expected: [
      ['5:7', 'two tasks claim port eno1: `one` and `bridge vmbr2` (on node1', 'site.yml:3:7'],
      ['8:7', 'two tasks claim bridge vmbr1: `one` and `again` (on node2)', 'site.yml:3:7'],
    ],
  },
  {
    name: 'two items of a loop that come to the same',
    tasks: '    - bridge: {name: vmbr1}\n      loop: [1, 2]\n',
    code: 'CONFLICT',
    expected: [
      ['3:7', 'two tasks claim bridge vmbr1: `bridge vmbr1 [1]` and `bridge vmbr1 [2]`', 'two items of the loop'],
    ],
  },
  // Limits and tags
  {
    name: 'a limit that fits nothing',
    playbook: '- hosts: node1\n  tasks: [{echo: x}]\n',
    options: { limit: 'node2' },
    code: 'USAGE',
    expected: [['', '--limit leaves site.yml no hosts']],
  },
  {
    name: 'an unknown limit',
    tasks: '    - echo: x\n',
    options: { limit: 'nod' },
    code: 'USAGE',
    expected: [['', 'called `nod`', 'did you mean']],
  },
  {
    name: 'unknown tags',
    tasks: '    - {echo: x, tags: [network, dns]}\n',
    options: { tags: ['netwrk'], skipTags: ['x', 'always'] },
    code: 'USAGE',
    expected: [
      ['', 'no task has the tag `netwrk`', 'did you mean `network`?'],
      ['', 'no task has the tag `x`', 'tags: dns, network'],
    ],
  },
  {
    name: 'tags that leave nothing',
    tasks: '    - {echo: x, tags: a}\n',
    options: { tags: ['a'], skipTags: ['a'] },
    code: 'USAGE',
    expected: [['', 'no task of site.yml is left', '--tags']],
  },
]

const test = suite('playbook: bad input')

refused(test, cases)

test('at most twenty problems are shown, and how many more there are', async () => {
  const tasks = Array.from({ length: 33 }, (_, i) => `    - brdg${i}: x\n`).join('')
  const { problems } = (await problemsOf({ 'site.yml': `- hosts: all\n  tasks:\n${tasks}` }, {})) as PvectlError
  assert.is(problems.length, 21)
  assert.is(problems[0]?.location?.line, 3)
  assert.is(problems.at(-1)?.message, 'and 13 more problems')
})

test.run()
