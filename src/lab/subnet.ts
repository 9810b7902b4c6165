/** Chooses the network of a lab: a /24 of 198.18.0.0/15, which is set aside for tests, that nothing here uses yet. */
import { createHash } from 'node:crypto'
import { PvectlError } from '../errors.ts'
import { DEFAULT_LAB } from './names.ts'
import { run } from './run.ts'
import { listLabs, readState } from './state.ts'

/** First three bytes of a free /24. The default lab gets 198.18.0 where it is free. */
export async function chooseNetwork(lab: string): Promise<string> {
  const others = (await listLabs()).filter((name) => name !== lab)
  const states = await Promise.all(others.map((name) => readState(name).catch(() => undefined)))
  const labs = states.flatMap((state) => (state === undefined ? [] : [`${state.network}.0/24`]))
  return freeNetwork(lab, [...labs, ...(await routedPrefixes())])
}

/** The first free candidate. `taken` holds IPv4 prefixes. Throws LAB_FAILED when all are taken. */
export function freeNetwork(lab: string, taken: readonly string[]): string {
  const start = lab === DEFAULT_LAB ? 0 : createHash('sha256').update(lab).digest().readUInt16BE() % 512
  for (let i = 0; i < 512; i++) {
    const index = (start + i) % 512
    const network = `198.${18 + (index >> 8)}.${index & 255}`
    if (!taken.some((prefix) => overlaps(prefix, `${network}.0/24`))) return network
  }
  throw new PvectlError('LAB_FAILED', 'this machine routes all of 198.18.0.0/15, so no network is left for a lab', {
    hint: '`ip route` shows which interface does; a VPN perhaps',
  })
}

/** Prefixes that this machine has routes to, the default route aside. */
async function routedPrefixes(): Promise<string[]> {
  const routes = JSON.parse(await run('ip', ['-json', '-4', 'route', 'show', 'table', 'all'])) as { dst: string }[]
  return routes.map((route) => route.dst).filter((dst) => /^[\d.]+(?:\/\d+)?$/.test(dst) && dst !== '0.0.0.0/0')
}

function overlaps(a: string, b: string): boolean {
  const [first, second] = [parsePrefix(a), parsePrefix(b)]
  const length = Math.min(first.length, second.length)
  return length === 0 || (first.bits ^ second.bits) >>> (32 - length) === 0
}

function parsePrefix(text: string): { bits: number; length: number } {
  const [address = '', length = '32'] = text.split('/')
  const bits = address.split('.').reduce((sum, byte) => ((sum << 8) | Number(byte)) >>> 0, 0)
  return { bits, length: Number(length) }
}
