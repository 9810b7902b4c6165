/** The example playbooks on rehearsals of the example inventories. Guests of the OVH one are known to a stand-in of qm. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { makePveNode } from '../helpers/pve-node.ts'
import { assertSame, labUp, pvectl, ROOT, SNAPSHOT, type TestLab } from '../helpers/pvectl.ts'
import { installStandIns } from '../helpers/stand-ins.ts'

const test = suite('example playbooks')

interface Example {
  readonly name: string
  readonly node: string
  readonly prepare?: (lab: TestLab, node: string) => void
  /** What a node must show afterwards: a script and what it prints. */
  readonly shows: readonly (readonly [script: string, pattern: RegExp])[]
}

const examples: readonly Example[] = [
  {
    name: 'university',
    node: 'pve-cs1',
    shows: [
      ['ip -4 -o addr show dev vmbr1', /10\.20\.0\.1\/16/],
      ['iptables-save -t nat', /--dport 2222 -j DNAT --to-destination 10\.20\.0\.11:22/],
      ['sshd -T -C user=jump,host=x,addr=192.0.2.1', /permitopen 10\.20\.0\.10:22 10\.20\.0\.11:22 10\.20\.0\.21:22/],
      ['ls /etc/nginx/sites-enabled', /wildcard-vm\.cs\.example\.edu/],
    ],
  },
  {
    name: 'hetzner',
    node: 'hz1',
    shows: [
      ['iptables-save -t nat', /-s 10\.10\.10\.0\/24 -o vmbr0 -j MASQUERADE/],
      ['iptables-save -t nat', /-p udp .*--dport 27015:27020 -j DNAT/],
    ],
  },
  {
    name: 'ipv6',
    node: 'six1',
    shows: [
      ['ip6tables-save -t nat', /-s fd66:10:66::\/64 -o vmbr0 -j MASQUERADE/],
      ['ip6tables-save -t nat', /--dport 8443 -j DNAT --to-destination \[fd66:10:66::20\]:443/],
      ['cat /proc/sys/net/ipv6/conf/all/forwarding', /^1$/m],
    ],
  },
  {
    name: 'ovh',
    node: 'ovh1',
    prepare(lab, node) {
      makePveNode(lab, node)
      installStandIns(lab, node, ['qm', 'pct'])
      lab.ssh(
        node,
        `for id in 100 101; do printf 'net0: virtio=BC:24:11:00:00:%s,bridge=vmbr0\\n' "\${id#1}" > /etc/pve/local/qemu-server/$id.conf; done`,
      )
    },
    shows: [
      [
        'qm config 100',
        /net0: virtio=02:00:00:2F:51:10,bridge=vmbr0[\s\S]*net1: virtio=\S+bridge=lan[\s\S]*net2: virtio=\S+bridge=dmz/i,
      ],
      ['qm config 101', /net0: virtio=02:00:00:2F:51:11,bridge=vmbr0,firewall=1/i],
      ['ip -o addr show dev lan; echo none', /^none$/m],
    ],
  },
]

for (const { name, node, prepare, shows } of examples) {
  test(name, () => {
    const dir = mkdtempSync(path.join(tmpdir(), `pvectl-example-${name}-`))
    const lab = labUp(`ex-${name}`, { inventory: path.join(ROOT, `inventory/examples/${name}.yml`) }, dir)
    try {
      prepare?.(lab, node)
      const playbook = path.join(ROOT, `playbooks/examples/${name}.yml`)
      const run = (command: string, ...flags: string[]) => pvectl([command, playbook, '-i', lab.inventory, ...flags])
      const before = lab.ssh(node, SNAPSHOT)
      const check = run('check')
      assert.is(check.code, 0, check.stdout)
      assertSame(before, lab.ssh(node, SNAPSHOT))
      const apply = run('apply', '--yes')
      assert.is(apply.code, 0, apply.stdout)
      const again = run('check', '--exit-code')
      assert.is(again.code, 0, again.stdout)
      for (const [script, pattern] of shows) assert.match(lab.ssh(node, script), pattern, script)
    } finally {
      lab.down()
      rmSync(dir, { recursive: true })
    }
  })
}

test.run()
