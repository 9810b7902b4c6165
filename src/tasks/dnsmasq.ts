import { PvectlError } from '../errors.ts'
import { formatIpv4, type Ipv4Subnet, parseSubnet } from '../net/subnet.ts'
import { advertisedPrefix } from '../resources/advertised-prefix.ts'
import { dnsmasqAround } from '../resources/dnsmasq-around.ts'
import { dnsmasqConflicts } from '../resources/dnsmasq-conflicts.ts'
import { DNSMASQ_DIRECTORY, DNSMASQ_TEST } from '../resources/dnsmasq-options.ts'
import { dnsmasqRetired } from '../resources/dnsmasq-retired.ts'
import { file, fileAbsent } from '../resources/file.ts'
import { fileInDirectory } from '../resources/file-in-directory.ts'
import { debianPackage } from '../resources/package.ts'
import type { Serving } from '../resources/pve-firewall-served.ts'
import type { Resource } from '../resources/resource.ts'
import { unit } from '../resources/unit.ts'
import { dropInPath, unitDropIn } from '../resources/unit-drop-in.ts'
import { type DnsmasqParams, dnsmasqParams } from './dnsmasq/params.ts'
import { dnsmasqProofs } from './dnsmasq/proofs.ts'
import { renderDnsmasq } from './dnsmasq/render.ts'
import { MANAGED } from './managed.ts'
import { defineTask, type HostContext } from './task-type.ts'

// Debian's own unit. Proxmox VE's SDN stops every `dnsmasq@…` whenever a network configuration is applied.
const UNIT = 'dnsmasq.service'

/** `dnsmasq`: DHCP and DNS for the guests of one bridge. */
export const dnsmasqTask = defineTask({
  name: 'dnsmasq',
  summary: 'DHCP and DNS for the guests of a bridge',
  params: dnsmasqParams,
  example: `dnsmasq:
  interface: vmbr1
  subnet: 10.0.0.1/16
  ranges:
    - { start: 10.0.100.1, end: 10.0.199.254, lease: 12h }
  reservations:
    - { mac: bc:24:11:aa:bb:cc, ip: 10.0.0.20, name: web1 }
  domain: lab.internal
  records:
    proxy: 10.0.0.2
  upstream: [9.9.9.9]
`,
  resources: (params, host) => (params.state === 'absent' ? absent(params) : present(params, host)),
  checks: (params) => (params.state === 'absent' ? [] : dnsmasqProofs(params, subnetOf(params))),
})

function present(params: DnsmasqParams, host: HostContext): readonly Resource[] {
  const subnet = subnetOf(params)
  const path = configPath(params)
  const text = renderDnsmasq(params, subnet, host)
  const content = Buffer.from(text)
  const validate = { what: 'dnsmasq --test', command: DNSMASQ_TEST }
  const directory = params.replace.length === 0 ? [] : [DNSMASQ_DIRECTORY]
  return [
    debianPackage({ name: 'dnsmasq', state: 'present', units: [UNIT] }),
    unitDropIn(UNIT, `${MANAGED}\n[Unit]\nAfter=networking.service\n`),
    ...(params.ipv6_ra === false ? [] : [advertisedPrefix(params.interface)]),
    dnsmasqConflicts({ interface: params.interface, subnet, path, content: text, replaced: params.replace }),
    dnsmasqAround({ ...servingOf(params), address: formatIpv4(subnet.address), path }),
    ...params.replace.map((other) => fileInDirectory(other, fileAbsent(other))),
    fileInDirectory(path, file({ path, content, mode: '0644', owner: 'root:root', validate })),
    unit({
      unit: UNIT,
      running: true,
      enabled: true,
      watch: { paths: [path, dropInPath(UNIT), ...directory], verb: 'restart' },
      validate: DNSMASQ_TEST,
    }),
  ]
}

function servingOf({ interface: iface, ranges, reservations, ipv6_ra: advertised }: DnsmasqParams): Serving {
  return { iface, dhcp: ranges.length > 0 || reservations.length > 0, dhcp6: advertised !== false, dns: true }
}

function absent(params: DnsmasqParams): readonly Resource[] {
  const path = configPath(params)
  return [fileInDirectory(path, fileAbsent(path)), dnsmasqRetired(UNIT)]
}

function subnetOf(params: DnsmasqParams): Ipv4Subnet {
  const subnet = parseSubnet(params.subnet ?? '')
  if (subnet === undefined) throw new PvectlError('INTERNAL', 'the subnet of a dnsmasq task was not checked')
  return subnet
}

function configPath(params: DnsmasqParams): string {
  return `${DNSMASQ_DIRECTORY}/pvectl-${params.interface}.conf`
}
