import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fileAt } from '../../src/facts/file.ts'
import { type LinkAddress, linkNamed } from '../../src/facts/links.ts'
import { sysctlNamed } from '../../src/facts/sysctl.ts'
import { fact } from '../helpers/model.ts'
import { bridge, MAIN, play, UPLINK, WITH_INNER } from '../helpers/network-node.ts'

const test = suite('bridges: IPv6')

test('bridge: an IPv6 address has a stanza of its own', () => {
  const both = { name: 'vmbr1', address: '10.10.10.1/24', address6: 'FD00:10::0001/64', comment: 'inner' }
  const { main, links } = play({}, { bridge: both })
  assert.ok(main.includes('\tbridge-fd 0\n#inner\n\niface vmbr1 inet6 static\n\taddress fd00:10::1/64\n\nsource'), main)
  assert.equal(
    linkNamed(links, 'vmbr1')?.addresses.map(({ cidr }) => cidr),
    ['10.10.10.1/24', 'fd00:10::1/64'],
  )
  assert.ok(links.routes.some(({ family, destination }) => family === 6 && destination === 'fd00:10::/64'))
})

test('bridge: an IPv6 address is added to, changed on and taken from a live one', () => {
  const ip6 = (cidr: string, scope = 'global') => ({ cidr, family: 6, scope }) as const
  const live = (...more: readonly LinkAddress[]) => [
    ...UPLINK,
    {
      ...bridge('vmbr1'),
      addresses: [{ cidr: '10.10.10.1/24', family: 4, scope: 'global' } as const, ip6('fe80::1/64', 'link'), ...more],
    },
  ]
  const added = play({ main: WITH_INNER, links: live() }, { bridge: { name: 'vmbr1', address6: 'fd00:10::1/64' } })
  assert.equal(added.kinds, ['change!', 'change!'])
  const INNER6 = WITH_INNER.replace('\nsource', '\niface vmbr1 inet6 static\n\taddress fd00:10::1/64\n\nsource')
  assert.is(added.main, INNER6)
  const links = live(ip6('fd00:10::1/64'))
  const changed = play({ main: INNER6, links }, { bridge: { name: 'vmbr1', address6: 'fd00:20::1/64' } })
  assert.equal(changed.summaries.slice(1), ['vmbr1: add address fd00:20::1/64', 'vmbr1: remove address fd00:10::1/64'])
  assert.is(changed.main, INNER6.replace('fd00:10::1', 'fd00:20::1'))
  const gone = play({ main: INNER6, links }, { bridge: { name: 'vmbr1', address6: 'none' } })
  assert.is(gone.main, WITH_INNER)
  assert.equal(gone.summaries.slice(1), ['vmbr1: remove address fd00:10::1/64'])
})

test('bridge: its MTU is in the first of two stanzas, as after a save in the web interface', () => {
  const task = { name: 'vmbr1', address: '10.10.10.1/24', address6: 'fd00:10::1/64', mtu: 1400 }
  const { main, links } = play({}, { bridge: task })
  const six = '\niface vmbr1 inet6 static\n\taddress fd00:10::1/64\n'
  assert.ok(main.includes(`\tmtu 1400\n${six}\n`), main)
  const twice = main.replace(six, `${six}\tmtu 1400\n`)
  assert.is(play({ main: twice, links: links.links }, { bridge: task }).main, twice, 'said twice does no harm')
  const unlike = main.replace(six, `${six}\tmtu 9000\n`)
  assert.is(play({ main: unlike, links: links.links }, { bridge: task }).main, twice, 'PVE reads the last one')
  const gone = play({ main: twice, links: links.links }, { bridge: { name: 'vmbr1', address6: 'none' } }).main
  assert.is(gone, main.replace(six, ''))
})

test('bridge: with IPv6 alone its one stanza is that of IPv6, as the web interface has it', () => {
  const six = `auto vmbr1
iface vmbr1 inet6 static
	address fd00:10::1/64
	bridge-ports none
	bridge-stp off
	bridge-fd 0
	ipv6-addrgen off
#six
`
  const task = { name: 'vmbr1', address6: 'fd00:10::1/64', link_local: false, comment: 'six' }
  const fresh = play({}, { bridge: task })
  assert.ok(fresh.main.includes(six), fresh.main)
  const manual = six.replace('inet6 static\n\taddress fd00:10::1/64\n', 'inet manual\n')
  const links = (addresses: readonly LinkAddress[]) => [
    ...UPLINK,
    { ...bridge('vmbr1'), noLinkLocal: true as const, addresses },
  ]
  const main = MAIN.replace('source', `${manual}\nsource`)
  assert.is(play({ main, links: links([]) }, { bridge: task }).main, main.replace(manual, six))
  const cidr = { cidr: 'fd00:10::1/64', family: 6, scope: 'global' } as const
  const before = { main: main.replace(manual, six), links: links([cidr]) }
  assert.is(play(before, { bridge: { name: 'vmbr1', address6: 'none' } }).main, main)
  const both = play(before, { bridge: { name: 'vmbr1', address: '10.10.10.1/24' } })
  assert.is(both.main, before.main.replace(six, `${six}\niface vmbr1 inet static\n\taddress 10.10.10.1/24\n`))
})

const SYSCTL_OF_VMBR1 = '/etc/sysctl.d/99-zz-pvectl-bridge-vmbr1.conf'

test('bridge: without any address of its own, not even a link-local one', () => {
  const more = [
    fact(fileAt('/etc/sysctl.d/99-zz-pvectl-bridge-dmz.conf'), { type: 'absent' } as const),
    fact(fileAt(SYSCTL_OF_VMBR1), { type: 'absent' } as const),
    fact(sysctlNamed('net.ipv6.conf.dmz.accept_ra'), undefined),
    fact(sysctlNamed('net.ipv6.conf.vmbr1.accept_ra'), '1'),
  ]
  const fresh = play({ more }, { bridge: { name: 'dmz', link_local: false } })
  assert.ok(fresh.main.includes('\tbridge-fd 0\n\tipv6-addrgen off\n'), fresh.main)
  assert.is(linkNamed(fresh.links, 'dmz')?.noLinkLocal, true)
  const links = [
    ...UPLINK,
    { ...bridge('vmbr1'), addresses: [{ cidr: 'fe80::1/64', family: 6, scope: 'link' } as const] },
  ]
  const main = WITH_INNER.replace('static\n\taddress 10.10.10.1/24', 'manual')
  const live = play({ main, links, more }, { bridge: { name: 'vmbr1', link_local: false } })
  assert.equal(live.summaries.slice(1, 2), ['vmbr1: no IPv6 link-local address'])
  assert.is(live.summaries.at(-1), 'vmbr1: believe no router advertisements, which guests may send')
  assert.equal(linkNamed(live.links, 'vmbr1')?.addresses, [])
  const back = play({ main: live.main, links: live.links.links }, { bridge: { name: 'vmbr1', link_local: true } })
  assert.is(back.main, main)
  const written = live.model.get(fileAt(SYSCTL_OF_VMBR1))
  assert.is(written.type, 'file')
  const left = { main: live.main, links: live.links.links, more: [fact(fileAt(SYSCTL_OF_VMBR1), written)] }
  const gone = play(left, { bridge: { name: 'vmbr1', state: 'absent' } })
  assert.is(gone.summaries.at(-1), `remove ${SYSCTL_OF_VMBR1}`)
  assert.is(gone.model.get(fileAt(SYSCTL_OF_VMBR1)).type, 'absent')
})

test.run()
