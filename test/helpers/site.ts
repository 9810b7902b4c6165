/** The shipped site playbook on nodes of a lab, from the first check to the mending of what drifts. */
import type { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { assertSame, pvectl, pvectlEvents, SNAPSHOT, type TestLab } from './pvectl.ts'

/** Adds the tests to a suite. The lab has to be up when they run, with fresh nodes of these names. */
export function testSite(test: ReturnType<typeof suite>, nodes: readonly string[], labOf: () => TestLab): void {
  test('check changes nothing, and knows all that will happen', () => {
    const lab = labOf()
    const before = nodes.map((node) => lab.ssh(node, SNAPSHOT))
    const { code, events } = pvectlEvents(['check', '-i', lab.inventory])
    assert.is(code, 0)
    nodes.forEach((node, i) => {
      assertSame(before[i] ?? '', lab.ssh(node, SNAPSHOT))
    })
    const unknown = events.filter((e) => e.event === 'task:planned' && e.status === 'unknown')
    assert.equal(unknown, [], 'nothing in the shipped playbooks is unpredictable on a fresh node')
    assert.is(pvectl(['check', '-i', lab.inventory, '--exit-code']).code, 6)
  })

  test('apply does what check said, in at most four exchanges', () => {
    const lab = labOf()
    const planned = plan(pvectlEvents(['check', '-i', lab.inventory]).events)
    const { code, events } = pvectlEvents(['apply', '-i', lab.inventory, '--yes'])
    assert.is(code, 0, JSON.stringify(events.filter((e) => e.event === 'host:finished')))
    assert.equal(plan(events), planned)
    for (const e of events) {
      if (e.event !== 'host:finished') continue
      assert.is(e.status, 'changed')
      assert.ok(e.exchanges <= 4, `${e.exchanges} exchanges`)
    }
  })

  test('a second apply is all ok in one exchange and touches nothing', () => {
    const lab = labOf()
    const before = nodes.map((node) => lab.ssh(node, SNAPSHOT))
    const { code, events } = pvectlEvents(['apply', '-i', lab.inventory, '--yes'])
    assert.is(code, 0)
    const tasks = events.flatMap((e) =>
      e.event === 'task:planned' && e.status !== 'ok' ? [`${e.host} ${e.title} ${e.status}`] : [],
    )
    assert.equal(tasks, [])
    for (const e of events) if (e.event === 'host:finished') assert.is(e.exchanges, 1)
    nodes.forEach((node, i) => {
      assertSame(before[i] ?? '', lab.ssh(node, SNAPSHOT))
    })
    assert.is(pvectl(['check', '-i', lab.inventory, '--exit-code']).code, 0)
  })

  test('the network works: bridge, forwarding, NAT once, daemons', () => {
    const lab = labOf()
    for (const node of nodes) {
      assert.match(lab.ssh(node, 'ip -4 -o addr show vmbr1'), '10.10.10.1/24')
      assert.is(lab.ssh(node, 'cat /proc/sys/net/ipv4/ip_forward').trim(), '1')
      const rules = lab.ssh(node, 'iptables-save -t nat').match(/MASQUERADE/g)
      assert.is(rules?.length, 1)
      assert.equal(lab.ssh(node, 'systemctl is-active dnsmasq nginx ssh').trim().split('\n'), [
        'active',
        'active',
        'active',
      ])
      assert.match(lab.ssh(node, 'ss -ulnH sport = :53'), '10.10.10.1')
      assert.not.match(lab.ssh(node, 'ss -ulnH sport = :53'), '127.0.0.1:53')
    }
  })

  test('it holds after a reload of all interfaces, and what drifts is mended', () => {
    const lab = labOf()
    lab.ssh(
      'node1',
      'ifreload -a; ifreload -a; systemctl stop dnsmasq; iptables -t nat -A POSTROUTING -s 10.10.10.0/24 -o vmbr0 -j MASQUERADE',
    )
    const { code, events } = pvectlEvents(['check', '-i', lab.inventory, '--limit', 'node1', '--exit-code'])
    assert.is(code, 6)
    const changed = events.flatMap((e) => (e.event === 'task:planned' && e.status === 'would change' ? [e] : []))
    assert.is(changed.length, 2, JSON.stringify(changed.map((e) => e.title)))
    assert.is(pvectl(['apply', '-i', lab.inventory, '--limit', 'node1', '--yes']).code, 0)
    assert.is(lab.ssh('node1', 'iptables-save -t nat').match(/MASQUERADE/g)?.length, 1)
    assert.is(lab.ssh('node1', 'systemctl is-active dnsmasq').trim(), 'active')
  })
}

/** What is going to change, by host and task. */
function plan(events: ReturnType<typeof pvectlEvents>['events']): string[] {
  return events
    .flatMap((e) =>
      e.event === 'task:planned' ? [`${e.host} ${e.id} ${e.status} ${JSON.stringify(e.resources)}`] : [],
    )
    .sort()
}
