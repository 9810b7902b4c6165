import { execFileSync } from 'node:child_process'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { arrivalFact } from '../../src/facts/arrival.ts'

const test = suite('arrival of the connection')
const SCRIPT = arrivalFact.observe([''], 'm').bytes().toString()

function parse(text: string) {
  return arrivalFact.parse(Buffer.from(text), [''], 'm')[0]
}

function observed(command: string, env: NodeJS.ProcessEnv) {
  const output = execFileSync('sh', ['-c', command, 'sh', SCRIPT], {
    env: { PATH: process.env.PATH, ...env },
    timeout: 5000,
  })
  return arrivalFact.parse(output, [''], 'm')[0]
}

const CONNECTION = '127.0.0.1 40022 127.0.0.1 22'

test('both ends, and the link by which answers leave', () => {
  const state = observed('sh -c "$1"', { SSH_CONNECTION: CONNECTION })
  assert.equal(state, {
    client: { address: '127.0.0.1', port: 40022 },
    server: { address: '127.0.0.1', port: 22 },
    back: { device: 'lo' },
  })
})

test('behind sudo, which drops the variable, the processes above know it', () => {
  const state = observed('env -u SSH_CONNECTION sh -c "env -i PATH=\\"$PATH\\" sh -c \\"\\$0\\"; :" "$1"; :', {
    SSH_CONNECTION: CONNECTION,
  })
  assert.is(state?.client.port, 40022)
})

test('who logged in, also behind sudo', () => {
  const env = { SSH_CONNECTION: CONNECTION, LOGNAME: 'root' }
  assert.is(observed('sh -c "$1"', env)?.user, 'root')
  assert.is(observed('sh -c "$1"', { ...env, SUDO_USER: 'ada' })?.user, 'ada')
})

test('no SSH session, no arrival', () => {
  assert.is(parse(''), undefined)
  assert.is(parse('198.51.100.7 1\n'), undefined)
})

test('gateways, IPv4 in IPv6 form, zones, no way back', () => {
  const route = '[{"dst":"198.51.100.7","gateway":"192.0.2.1","dev":"vmbr0"}]'
  assert.equal(parse(`::ffff:198.51.100.7 50000 ::ffff:192.0.2.5 2222\n${route}\n`), {
    client: { address: '198.51.100.7', port: 50000 },
    server: { address: '192.0.2.5', port: 2222 },
    back: { device: 'vmbr0', gateway: '192.0.2.1' },
  })
  const local = parse('fe80::1%vmbr0 50000 fe80::2%vmbr0 22\n')
  assert.is(local?.client.address, 'fe80::1')
  assert.is(local?.back, undefined)
})

test.run()
