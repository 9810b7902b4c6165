import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { lostAtNextBoot } from '../../src/engine/next-boot.ts'
import { planTasks } from '../../src/engine/plan.ts'
import { type Arrival, arrivalRef } from '../../src/facts/arrival.ts'
import { becomes } from '../../src/facts/fact.ts'
import { fileAt } from '../../src/facts/file.ts'
import { file } from '../../src/resources/file.ts'
import { interfacesRestored } from '../../src/resources/interfaces-restored.ts'
import type { Resource } from '../../src/resources/resource.ts'
import { testTask } from '../helpers/job.ts'
import { fileState } from '../helpers/model.ts'
import { MAIN, modelOfNode, resourcesOf, WITH_INNER } from '../helpers/network-node.ts'

const test = suite('what would be lost at the next boot')

const ARRIVAL: Arrival = {
  client: { address: '198.51.100.7', port: 50000 },
  server: { address: '192.168.1.10', port: 22 },
  back: { device: 'vmbr0', gateway: '192.168.1.1' },
}

function lost(resources: readonly Resource[], main = MAIN, arrival: Arrival | undefined = ARRIVAL): string | undefined {
  const model = modelOfNode({ main }).with([
    becomes(arrivalRef, arrival),
    becomes(fileAt('/etc/network/interfaces'), fileState(main)),
  ])
  return lostAtNextBoot(planTasks([testTask('1', ...resources)], model))?.message
}

const content = (text: string) => interfacesRestored(Buffer.from(text))

const cases: readonly [string, readonly Resource[], RegExp | undefined][] = [
  ['nothing of it', resourcesOf([{ interface_comment: { name: 'vmbr0', comment: 'x' } }]), undefined],
  ['another bridge', [content(WITH_INNER)], undefined],
  ['its address', [content(MAIN.replace('192.168.1.10', '192.168.1.11'))], /the address 192\.168\.1\.10/],
  ['its start at boot', resourcesOf([{ bridge: { name: 'vmbr0', autostart: false } }]), /the address 192\.168\.1\.10/],
  [
    'the gateway',
    [content(MAIN.replace('\tgateway 192.168.1.1\n', ''))],
    /a gateway, by which answers reach 198\.51\.100\.7/,
  ],
  ['another gateway is one, too', [content(MAIN.replace('gateway 192.168.1.1', 'gateway 192.168.1.2'))], undefined],
  ['the address on another interface', [content(MAIN.replaceAll('vmbr0', 'vmbr7'))], undefined],
  [
    'all, by somebody who knows no interfaces(5)',
    [file({ path: '/etc/network/interfaces', content: Buffer.from('auto lo\n') })],
    /the address/,
  ],
]
for (const [name, resources, expected] of cases)
  test(name, () => {
    const message = lost(resources)
    if (expected === undefined) assert.is(message, undefined)
    else assert.match(message ?? '', expected)
  })

test('where the files never said it, nothing is known', () => {
  const dhcp = MAIN.replace('inet static\n\taddress 192.168.1.10/24\n\tgateway 192.168.1.1', 'inet dhcp')
  assert.is(lost([content('auto lo\n')], dhcp), undefined)
})

test.run()
