import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { filesIn } from '../../src/facts/directory-files.ts'
import type { FactUpdate } from '../../src/facts/fact.ts'
import { type FileState, fileAt } from '../../src/facts/file.ts'
import { linksRef } from '../../src/facts/links.ts'
import { sysctlNamed } from '../../src/facts/sysctl.ts'
import type { Resource } from '../../src/resources/resource.ts'
import { ipForwardingTask } from '../../src/tasks/ip-forwarding.ts'
import { hostContext } from '../helpers/host-context.ts'
import { fact, fileState, modelOf, summaries } from '../helpers/model.ts'
import { planAll } from '../helpers/plan-all.ts'

const test = suite('ip_forwarding')
const FILE = '/etc/sysctl.d/99-zz-pvectl-forwarding.conf'
const HEADER = '# Managed by pvectl: changes made here will be overwritten.\n'

function resources(params: unknown): readonly Resource[] {
  return ipForwardingTask.resources(ipForwardingTask.params.parse(params), hostContext())
}

function node(live: Record<string, string | undefined>, file: FileState = { type: 'absent' }): FactUpdate[] {
  return [
    fact(linksRef, { links: [], routes: [] }),
    fact(fileAt(FILE), file),
    ...['/etc', '/run', '/usr/local/lib', '/usr/lib'].map((root) => fact(filesIn(`${root}/sysctl.d`), [])),
    ...Object.entries(live).map(([name, value]) => fact(sysctlNamed(name), value) as FactUpdate),
  ]
}

const V4 = 'net.ipv4.ip_forward'
const BRIDGE = 'net.ipv4.conf.vmbr1.forwarding'

test('a fresh node: the file and one live value; the interface follows and is not written again', () => {
  const plans = planAll(
    resources({ ipv4: true, interfaces: ['vmbr1'] }),
    modelOf(...node({ [V4]: '0', [BRIDGE]: '0' })),
  )
  assert.equal(plans.flatMap(summaries), [`create ${FILE} (0644 root:root)`, `${V4}: 0 → 1`])
  assert.is(
    plans[0]?.changes[0]?.diff?.after?.toString(),
    `${HEADER}net.ipv4.ip_forward = 1\n-net.ipv4.conf.vmbr1.forwarding = 1\n`,
  )
})

test('only the interface is off', () => {
  const file = fileState(`${HEADER}net.ipv4.ip_forward = 1\n-net.ipv4.conf.vmbr1.forwarding = 1\n`)
  const plans = planAll(
    resources({ ipv4: true, interfaces: ['vmbr1'] }),
    modelOf(...node({ [V4]: '1', [BRIDGE]: '0' }, file)),
  )
  assert.equal(plans.flatMap(summaries), [`${BRIDGE}: 0 → 1`])
})

test('an interface that is not there yet does not hinder', () => {
  const plans = planAll(
    resources({ ipv4: true, interfaces: ['vmbr1'] }),
    modelOf(...node({ [V4]: '0', [BRIDGE]: undefined })),
  )
  assert.equal(plans.flatMap(summaries).slice(1), [`${V4}: 0 → 1`])
})

test('IPv6: advertisements are accepted before forwarding is on', () => {
  const ra = 'net.ipv6.conf.vmbr0.accept_ra'
  const all = 'net.ipv6.conf.all.forwarding'
  const plans = planAll(resources({ ipv6: true, accept_ra: ['vmbr0'] }), modelOf(...node({ [ra]: '1', [all]: '0' })))
  assert.equal(plans.flatMap(summaries).slice(1), [`${ra}: 1 → 2`, `${all}: 0 → 1`])
})

test('IPv6: a default route by advertisement is not lost', () => {
  const all = 'net.ipv6.conf.all.forwarding'
  const ra = 'net.ipv6.conf.vmbr0.accept_ra'
  const routes = [
    { family: 6 as const, destination: 'default', devices: ['vmbr0'], gateway: 'fe80::1', advertised: true as const },
  ]
  const model = modelOf(...node({ [all]: '0', [ra]: '1' }), fact(linksRef, { links: [], routes }))
  const [kept] = resources({ ipv6: true })
  assert.match(JSON.stringify(kept?.plan(model)), /would lose it when it forwards.*accept_ra: \[vmbr0\]/)
  assert.is(resources({ ipv6: true, accept_ra: ['vmbr0'] })[0]?.plan(model).kind, 'ok')
  assert.not.ok(resources({ ipv4: true }).some(({ kind }) => kind === 'advertised_route'))
})

test('turned off; a dot in an interface name is a slash', () => {
  const vlan = 'net.ipv4.conf.eno1/50.forwarding'
  const plans = planAll(
    resources({ ipv4: false, interfaces: ['eno1.50'] }),
    modelOf(...node({ [V4]: '1', [vlan]: '1' })),
  )
  assert.equal(plans.flatMap(summaries).slice(1), [`${V4}: 1 → 0`])
  assert.match(plans[0]?.changes[0]?.diff?.after?.toString() ?? '', '-net.ipv4.conf.eno1/50.forwarding = 0\n')
})

test('neither family, an unknown parameter and a file elsewhere are refused', () => {
  const bad = (params: unknown) => ipForwardingTask.params.safeParse(params).success
  assert.not(bad({}))
  assert.not(bad({ ipv4: true, ipv5: true }))
  assert.not(bad({ ipv4: true, file: '/etc/passwd' }))
  assert.not(bad({ ipv4: true, interfaces: ['../x'] }))
})

test.run()
