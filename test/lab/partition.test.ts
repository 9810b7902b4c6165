import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { labUp, pvectl, type TestLab } from '../helpers/pvectl.ts'

const test = suite<{ lab: TestLab; dir: string }>('networks of a node kept apart')
const NODE = 'node1'

const playbook = (allow: string, more = '') => `- name: Networks
  hosts: all
  tasks:
    - partition:
        domain: lab.internal
        networks:
          - { name: web, address: 10.20.1.1/24 }
          - { name: db, address: 10.20.2.1/24, nat: false }
          - { name: admin, address: 10.20.9.1/24, dhcp: false }
        allow: [${allow}]
${more}`

/** A guest on each bridge, listening on some ports; guests stay until the node goes. */
const GUESTS = `for n in web:10.20.1.10 db:10.20.2.10 admin:10.20.9.5; do
  b=\${n%%:*} a=\${n##*:}
  ip netns add $b; ip link add v$b type veth peer name eth0 netns $b; ip link set v$b master $b up
  ip -n $b link set eth0 up; ip -n $b link set lo up; ip -n $b addr add $a/24 dev eth0; ip -n $b route add default via \${a%.*}.1
  for p in 5432 80; do
    setsid ip netns exec $b perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(Listen => 5, LocalPort => shift, ReuseAddr => 1) or die; while ($c = $s->accept) { close $c }' $p </dev/null >/dev/null 2>&1 &
  done
done
sleep 1`

test.before((context) => {
  context.dir = mkdtempSync(path.join(tmpdir(), 'pvectl-partition-'))
  context.lab = labUp('partition', 1, context.dir)
})

test.after(({ lab, dir }) => {
  lab.down()
  rmSync(dir, { recursive: true })
})

function apply(lab: TestLab, dir: string, text: string) {
  const file = path.join(dir, 'site.yml')
  writeFileSync(file, text)
  return pvectl(['apply', file, '--inventory', lab.inventory, '--yes'])
}

const opens = (lab: TestLab, from: string, address: string, port: number) =>
  lab.try(
    NODE,
    `ip netns exec ${from} perl -MIO::Socket::INET -e 'exit(IO::Socket::INET->new(PeerAddr => shift, PeerPort => shift, Timeout => 1) ? 0 : 1)' ${address} ${port}`,
  ).code === 0

test('what is allowed passes, and nothing else', ({ lab, dir }) => {
  const text = playbook('web -> db:5432, admin -> web')
  const { code, stdout } = apply(lab, dir, text)
  assert.is(code, 0, stdout)
  assert.match(apply(lab, dir, text).stdout, /ok=9 +changed=0/)
  lab.ssh(NODE, GUESTS)
  assert.ok(opens(lab, 'web', '10.20.2.10', 5432), 'web -> db:5432')
  assert.not(opens(lab, 'web', '10.20.2.10', 80), 'web -> db:80')
  assert.ok(opens(lab, 'admin', '10.20.1.10', 80), 'admin -> web:80')
  assert.not(opens(lab, 'web', '10.20.9.5', 80), 'web -> admin:80')
  assert.not(opens(lab, 'db', '10.20.1.10', 80), 'db -> web:80')
})

test('a rule that somebody took out comes back', ({ lab, dir }) => {
  lab.ssh(
    NODE,
    `nft -a list table inet pvectl-partition | sed -n 's/.*oifname.*drop # handle //p' | head -1 | xargs nft delete rule inet pvectl-partition forward handle`,
  )
  const { stdout } = apply(lab, dir, playbook('web -> db:5432, admin -> web'))
  assert.match(stdout, /load 6 rules \(5 are live\)/)
})

test('another list of what is allowed takes the place of the first', ({ lab, dir }) => {
  assert.is(apply(lab, dir, playbook('db -> web:80')).code, 0)
  assert.not(opens(lab, 'web', '10.20.2.10', 5432), 'web -> db:5432')
  assert.ok(opens(lab, 'db', '10.20.1.10', 80), 'db -> web:80')
})

test('the rules are there after a start of the node without pvectl', ({ lab }) => {
  lab.ssh(NODE, 'nft delete table inet pvectl-partition; systemctl start pvectl-partition.service')
  assert.not(opens(lab, 'web', '10.20.2.10', 5432), 'web -> db:5432')
})

test('absent takes all of it away', ({ lab, dir }) => {
  lab.ssh(NODE, 'for b in web db admin; do ip link del v$b; ip netns pids $b | xargs -r kill; ip netns del $b; done')
  const { code, stdout } = apply(lab, dir, playbook('', '        state: absent\n'))
  assert.is(code, 0, stdout)
  const left = lab.ssh(
    NODE,
    'nft list tables; ls /sys/class/net /etc/dnsmasq.d /etc/pvectl; ls /etc/systemd/system /etc/systemd/system/multi-user.target.wants',
  )
  assert.not.match(left, /pvectl-partition|^(web|db|admin)$/m, left)
})

test('more networks than systemd lets a service start within seconds', ({ lab, dir }) => {
  const networks = Array.from({ length: 8 }, (_, i) => `          - { name: many${i}, address: 10.30.${i}.1/24 }\n`)
  const text = (rest: string) =>
    `- name: many\n  hosts: all\n  tasks:\n    - partition:\n        networks:\n${networks.join('')}${rest}`
  const { code, stdout, stderr } = apply(lab, dir, text(''))
  assert.is(code, 0, stdout + stderr)
  assert.is(lab.ssh(NODE, 'systemctl is-active dnsmasq'), 'active\n')
  assert.is(apply(lab, dir, text('        state: absent\n')).code, 0)
})

test.run()
