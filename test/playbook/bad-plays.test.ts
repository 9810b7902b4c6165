import { suite } from 'uvu'
import { type BadPlaybook, refused } from '../helpers/bad-playbook.ts'

const cases: readonly BadPlaybook[] = [
  // Files
  {
    name: 'a playbook that is not there',
    files: { 'playbooks/site.yml': '', 'playbooks/network.yml': '' },
    options: { playbook: 'sitte' },
    expected: [['', 'no playbook `sitte`; tried playbooks/sitte.yml, playbooks/sitte.yaml', 'did you mean `site`?']],
  },
  {
    name: 'a path that is not there',
    options: { playbook: './x/site.yml' },
    expected: [['', 'no playbook `./x/site.yml`; tried x/site.yml']],
  },
  {
    name: 'a folder',
    files: { 'playbooks/site.yml': '', 'playbooks/old.yml/site.yml': '' },
    options: { playbook: './playbooks' },
    expected: [['', './playbooks is a folder, and a playbook is a file', 'playbooks: ']],
  },
  { name: 'an empty file', playbook: '# nothing\n', expected: [['site.yml', 'the playbook is empty', '- hosts: all']] },
  { name: 'an empty list', playbook: '[]\n', expected: [['site.yml', 'no plays']] },
  {
    name: 'one play without a dash',
    playbook: 'hosts: all\ntasks: []\n',
    expected: [['1:1', 'a list of plays, not a mapping', 'begin the play with `- `']],
  },
  { name: 'a text', playbook: 'hello\n', expected: [['1:1', 'a list of plays, not "hello"']] },
  {
    name: 'a play that is no mapping',
    playbook: '- hello\n',
    expected: [['1:3', 'play: must be a mapping, not "hello"']],
  },
  {
    name: 'syntax, with excerpt',
    playbook: '- hosts: all\n  tasks:\n    - echo: [a\n',
    expected: [['4:1', 'flow sequence']],
  },
  {
    name: 'a template that YAML takes apart',
    tasks: '    - bridge: {name: <%= vars.a ? 1 : 2 %>}\n',
    expected: [['3:22', 'block collections are not allowed within flow', 'quotes']],
  },
  {
    name: 'a duplicate key, shown in its line',
    tasks: '    - echo: x\n      echo: y\n',
    expected: [['4:7', 'the same key stands twice in one mapping\n          echo: y\n          ^']],
  },
  // Plays
  {
    name: 'keys of a play',
    playbook: '- host: all\n  become: true\n  taasks: []\n  roles: [x]\n',
    expected: [
      ['1:3', 'play: `hosts` is missing', 'pattern of hosts'],
      ['1:3', 'play: `tasks` is missing'],
      ['1:3', 'unknown key `host` in `play`', 'write `hosts:`'],
      ['2:3', 'unknown key `become` in `play`', 'inventory'],
      ['3:3', 'unknown key `taasks` in `play`', 'did you mean `tasks`? It may have: name, hosts'],
      ['4:3', 'unknown key `roles` in `play`', 'there are no roles'],
    ],
  },
  {
    name: 'unknown hosts of several plays',
    playbook: '- hosts: nodes\n  tasks: []\n- hosts: [node1, "!nod2"]\n  tasks: []\n',
    expected: [
      ['1:10', 'no host or group is called `nodes`', 'did you mean `node'],
      ['3:10', 'no host or group is called `nod2`', 'did you mean `node2`?'],
    ],
  },
  {
    name: 'hosts as a template',
    playbook: '- hosts: "<%= vars.target %>"\n  tasks: []\n',
    expected: [['1:10', '`hosts` cannot be a template', '--limit']],
  },
  {
    name: 'batch sizes',
    playbook: '- hosts: all\n  serial: 0\n  tasks: []\n- hosts: all\n  serial: [1, "200%", half, "0%"]\n  tasks: []\n',
    expected: [
      ['2:11', 'play: `serial` must be at least 1, not 0'],
      ['5:15', 'a share such as "25%"'],
      ['5:23', 'a share such as "25%"'],
      ['5:29', 'a share such as "25%"'],
    ],
  },
  {
    name: 'imports',
    playbook:
      '- import_playbook: other.yml\n- import_playbook: gone.yml\n- import_playbook: [x]\n- import_playbook: x\n  hosts: all\n',
    files: { 'other.yml': '- import_playbook: site.yml\n' },
    expected: [
      ['other.yml:1:20', 'import each other in a circle: site.yml → other.yml → site.yml'],
      ['2:20', 'there is no playbook gone.yml'],
      ['3:20', 'import_playbook: `import_playbook` must be a string, not a list'],
      ['5:3', 'unknown key `hosts` in `import_playbook`'],
    ],
  },
  // Tasks
  {
    name: 'an unknown task type',
    tasks: '    - brigde: {name: vmbr1}\n    - zzzzzz: 1\n',
    expected: [
      ['3:7', 'unknown task type `brigde`', 'did you mean `bridge`?'],
      ['4:7', 'unknown task type `zzzzzz`', 'task types: bridge, echo, package'],
    ],
  },
  {
    name: 'words of Ansible',
    tasks:
      '    - apt: {name: x}\n    - ansible.builtin.copy: {}\n    - echo: x\n      register: y\n    - block: []\n    - echo: x\n      notify: z\n    - echo: "{{ domain }}"\n    - echo: x\n      when: domain is defined and true\n',
    expected: [
      ['3:7', 'unknown task type `apt`', 'the task type for that is `package`'],
      ['4:7', 'unknown task type `ansible.builtin.copy`', 'the task type for that is `copy`'],
      ['6:7', 'unknown key `register` of a task', 'not available to others'],
      ['7:7', 'unknown key `block` of a task', 'there are no blocks'],
      ['9:7', 'unknown key `notify` of a task', 'restarts its service'],
      ['10:13', 'Jinja is not understood here', 'write "<%= vars.domain %>"'],
      ['12:13', 'syntax error', "has('NAME')"],
    ],
  },
  {
    name: 'no type, two types, a misspelt keyword',
    tasks:
      '    - name: x\n    - echo: a\n      bridge: {name: vmbr1}\n    - echo: a\n      whn: true\n    - just a text\n    - echo\n    - bridge: {name: vmbr1}\n      ports: [eno1]\n',
    expected: [
      ['3:7', 'it names no task type', 'task types: bridge'],
      ['5:7', 'names `echo` and `bridge`'],
      ['7:7', 'unknown key `whn` of a task', 'did you mean `when`?'],
      ['8:7', 'a task must be a mapping, not "just a text"'],
      ['9:7', 'a task must be a mapping, not "echo"', 'write `echo: {…}`'],
      ['11:7', 'unknown key `ports` of a task', 'a parameter of `bridge`; indent it'],
    ],
  },
  {
    name: 'keywords of wrong types',
    tasks: '    - echo: a\n      tags: 5\n      when: 3\n      name: [x]\n      loop: {a: 1}\n',
    expected: [
      ['4:13', '`tags` must be a string or a list, not 5'],
      ['5:13', '`when` must be a string, true or false or a list, not 3'],
      ['6:13', '`name` must be a string, not a list'],
      ['7:13', '`loop` must be a string or a list, not a mapping'],
    ],
  },
]

const test = suite('playbook: files, plays and tasks that are refused')

refused(test, cases)

test.run()
