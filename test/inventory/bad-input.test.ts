import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { formatLocation, PvectlError } from '../../src/errors.ts'
import { loadInventory } from '../../src/inventory/load.ts'
import { type Files, project } from '../helpers/project.ts'

interface Case {
  readonly name: string
  /** An inventory `inventory/prod.yml`, or several files. */
  readonly files: string | Files
  readonly inventory?: string
  /** All problems: place, part of the message, part of the hint. */
  readonly expected: readonly (readonly [place: string, message: string, hint?: string])[]
}

const MAIN = 'inventory/prod.yml'

const cases: readonly Case[] = [
  {
    name: 'a miss says what was tried and what there is',
    files: 'all: {hosts: {n: }}\n',
    inventory: 'prd',
    expected: [['', 'tried inventory/prd.yml, inventory/prd.yaml, inventory/prd/hosts.yml', 'did you mean `prod`?']],
  },
  {
    name: 'a miss far from any name lists the inventories',
    files: { 'inventory/a.yml': '', 'inventory/b/hosts.yml': '', 'inventory/c/readme.md': '' },
    inventory: 'staging',
    expected: [['', 'no inventory `staging`', 'inventories in inventory/: a, b']],
  },
  {
    name: 'a folder of the working directory, without the ./ that makes it a path',
    files: { 'nodes/hosts.yml': 'all: {hosts: {n: }}\n' },
    inventory: 'nodes',
    expected: [['', 'no inventory `nodes`', 'write ./nodes']],
  },
  {
    name: 'an INI file beside the name',
    files: { 'inventory/prod/hosts': '[pve]\nnode1\n' },
    expected: [['', 'no inventory', 'inventory/prod/hosts is there, but an inventory is a YAML file']],
  },
  {
    name: 'the same name twice',
    files: { 'inventory/prod.yml': '', 'inventory/prod/hosts.yml': '' },
    expected: [['', 'there twice: inventory/prod.yml, inventory/prod/hosts.yml', 'remove one']],
  },
  {
    name: 'INI text in a YAML file',
    files: '# nodes\n[pve:children]\nnode1 ansible_host=203.0.113.1\n',
    expected: [[MAIN, 'INI format', 'all: {hosts:']],
  },
  {
    name: 'syntax, with an excerpt',
    files: 'all:\n  hosts: {node1: {address: 203.0.113.1}\n',
    expected: [[`${MAIN}:3:1`, 'flow map']],
  },
  {
    name: 'bytes that are no UTF-8, here and in a file of variables',
    files: {
      [MAIN]: 'all: {hosts: {node1: }}\n',
      'inventory/group_vars/all.yml': Buffer.from('a: "ü"\nb: été\n', 'latin1'),
      'inventory/host_vars/node1.yml': Buffer.concat([
        Buffer.from('# ü \uFFFD\nx: "ü '),
        Buffer.from([0xf0, 0x9f, 0x92]),
      ]),
    },
    expected: [
      ['inventory/group_vars/all.yml:1:5', 'not UTF-8', 'iconv'],
      ['inventory/host_vars/node1.yml:2:7', 'not UTF-8', 'iconv'],
    ],
  },
  {
    name: 'UTF-16',
    files: { [MAIN]: Buffer.from('\uFEFFall: {hosts: {node1: }}\n', 'utf16le') },
    expected: [[`${MAIN}:1:1`, 'not UTF-8']],
  },
  {
    name: 'tab',
    files: 'all:\n\thosts: {}\n',
    expected: [[`${MAIN}:2:1`, 'tabs are not allowed', 'indent with spaces']],
  },
  {
    name: 'duplicate keys',
    files: 'all:\n  hosts:\n    node1: {}\n    node1: {}\n',
    expected: [[`${MAIN}:4:5`, 'the same key stands twice']],
  },
  {
    name: 'an encrypted value',
    files: 'all:\n  vars:\n    x: !vault |\n      abc\n  hosts: {n: }\n',
    expected: [[`${MAIN}:3:8`, 'unknown YAML tag !vault', 'ansible-vault']],
  },
  { name: 'an empty file', files: '', expected: [[MAIN, 'no hosts', 'name at least one']] },
  { name: 'groups without hosts', files: 'all: {children: {pve: }}\n', expected: [[MAIN, 'no hosts']] },
  { name: 'a list', files: '- node1\n', expected: [[`${MAIN}:1:1`, 'a mapping of groups, not a list', 'all:']] },
  {
    name: 'a misspelt key, and the keys there are',
    files: 'all:\n  hosts:\n    node1: {adress: 203.0.113.1}\n',
    expected: [
      [
        `${MAIN}:3:13`,
        'unknown key `adress` in `all.hosts.node1`',
        'did you mean `address`? It may have: address, user',
      ],
    ],
  },
  {
    name: 'words of Ansible',
    files: 'all:\n  hosts:\n    node1: {ansible_host: x, ansible_connection: ssh}\n  vars: {ansible_user: root}\n',
    expected: [
      [`${MAIN}:3:13`, 'unknown key `ansible_host`', 'use `address:`'],
      [`${MAIN}:3:30`, 'unknown key `ansible_connection`', 'remove it'],
      [`${MAIN}:4:10`, 'the variable `ansible_user` has no effect', 'use `user:` under `connection:`'],
    ],
  },
  {
    name: 'contents of a group at the top',
    files: 'hosts:\n  node1: {address: 203.0.113.1}\n',
    expected: [[`${MAIN}:2:3`, 'unknown key `node1`', '`hosts:` belongs below `all:`']],
  },
  {
    name: 'wrong types, all at once',
    files:
      'all:\n  hosts:\n    a: {port: "22"}\n    b: {address: 10.5}\n    c: {become: yes}\n    d: text\n    e: {port: 70000}\n',
    expected: [
      [`${MAIN}:3:15`, '`all.hosts.a.port` must be a number, not "22"', 'without quotes'],
      [`${MAIN}:4:18`, 'must be a string, not 10.5', 'put it in quotes'],
      [`${MAIN}:5:17`, 'must be true or false, not "yes"', 'write true or false'],
      [`${MAIN}:6:8`, '`all.hosts.d` must be a mapping, not "text"'],
      [`${MAIN}:7:15`, 'must be at most 65535, not 70000'],
    ],
  },
  {
    name: 'addresses that are none',
    files:
      'all:\n  hosts:\n    a: {address: 203.0.113.300}\n    b: {address: 203.0.113.1/24}\n    c: {address: "host:22"}\n    d: {address: me@host}\n    e: {address: a b}\n',
    expected: [
      [`${MAIN}:3:18`, 'must be an IP address or a DNS name, not "203.0.113.300"'],
      [`${MAIN}:4:18`, 'without prefix length'],
      [`${MAIN}:5:18`, 'the port goes into `port`'],
      [`${MAIN}:6:18`, 'the user goes into `user`'],
      [`${MAIN}:7:18`, 'not "a b"'],
    ],
  },
  {
    name: 'a range',
    files: 'all:\n  hosts:\n    node[1:3]: {}\n',
    expected: [[`${MAIN}:3:5`, 'the name `node[1:3]` in `all.hosts` must consist of']],
  },
  {
    name: 'a host with the name of a group',
    files: 'all:\n  children:\n    pve:\n      hosts:\n        pve: {address: 203.0.113.1}\n',
    expected: [[`${MAIN}:5:9`, '`pve` is both a host and a group', 'rename']],
  },
  {
    name: 'a group within itself',
    files: 'all:\n  children:\n    a: {hosts: {n: }, children: {b: {children: {a: }}}}\n',
    expected: [[`${MAIN}:3:49`, 'group `a` contains itself: all → a → b → a']],
  },
  {
    name: 'groups within each other, apart',
    files: 'all:\n  children:\n    a: {hosts: {n: }, children: {b: }}\nb:\n  children: {a: }\n',
    expected: [[`${MAIN}:3:5`, 'contains itself: a → b → a']],
  },
  {
    name: 'two values for one setting of a host',
    files: 'a: {hosts: {n: {port: 22}}}\nb: {hosts: {n: {port: 23}}}\n',
    expected: [[`${MAIN}:2:23`, '`port` of host n has another value at inventory/prod.yml:1:23', 'keep one']],
  },
  {
    name: 'jump hosts in a circle',
    files: 'all:\n  hosts:\n    a: {jump: b}\n    b: {jump: c}\n    c: {jump: b}\n    d: {jump: d}\n',
    expected: [
      [`${MAIN}:5:15`, 'circle: b → c → b', 'jump: false'],
      [`${MAIN}:6:15`, 'circle: d → d'],
    ],
  },
  {
    name: 'a jump host that is none',
    files: 'all:\n  hosts:\n    a: {jump: "x,y"}\n    b: {jump: "h:99999"}\n',
    expected: [[`${MAIN}:3:15`, 'must be a host of the inventory or [user@]address[:port]']],
  },
  {
    name: 'a port of a jump host',
    files: 'all: {hosts: {b: {jump: "h:99999"}}}\n',
    expected: [[`${MAIN}:1:25`, 'port out of range']],
  },
  {
    name: 'files of variables that fit nothing',
    files: {
      'inventory/prod/hosts.yml': 'all: {children: {pve: {hosts: {node1: }}}}\n',
      'inventory/prod/group_vars/pvee.yml': 'a: 1\n',
      'inventory/prod/host_vars/node1.yml': '- a\n',
      'inventory/prod/group_vars/pve.yml': 'a: [1\n',
      'inventory/prod/group_vars/all.yml': '$ANSIBLE_VAULT;1.1;AES256\n6162\n',
    },
    expected: [
      ['inventory/prod/group_vars/all.yml', 'encrypted by ansible-vault', 'decrypt'],
      ['inventory/prod/group_vars/pve.yml:2:1', 'flow sequence'],
      ['inventory/prod/group_vars/pvee.yml', 'a group `pvee` that the inventory does not have', 'did you mean `pve`?'],
      ['inventory/prod/host_vars/node1.yml:1:1', 'variables must be a mapping'],
    ],
  },
  {
    name: 'two documents',
    files: 'all: {hosts: {n: }}\n---\nall: {}\n',
    expected: [[`${MAIN}:2:1`, 'more than one YAML document']],
  },
]

const test = suite('inventory: bad input')

for (const { name, files, inventory = 'prod', expected } of cases) {
  test(name, async () => {
    const cwd = project(typeof files === 'string' ? { [MAIN]: files } : files)
    const error = await loadInventory(inventory, { cwd }).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    assert.instance(error, PvectlError)
    const { code, problems } = error as PvectlError
    assert.is(code, 'INVENTORY_INVALID')
    const places = problems.map(({ location }) => (location === undefined ? '' : formatLocation(location)))
    assert.equal(
      places,
      expected.map(([place]) => place),
      JSON.stringify(problems, null, 1),
    )
    for (const [index, [, message, hint]] of expected.entries()) {
      assert.match(problems[index]?.message ?? '', message)
      if (hint !== undefined) assert.match(problems[index]?.hint ?? '', hint)
    }
  })
}

test.run()
