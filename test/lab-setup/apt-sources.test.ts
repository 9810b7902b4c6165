import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fetchOptions, sourceLines } from '../../src/lab/apt-sources.ts'

const test = suite('apt sources for the base image')

const TARGETS = `http://mirror.example/debian/ bookworm main Debian
http://mirror.example/debian/ bookworm contrib Debian
http://mirror.example/debian/ bookworm-updates main Debian
http://mirror.example/debian-security/ bookworm-security main $(ORIGIN)
http://mirror.example/debian/ trixie main Debian
http://packages.example/cloud bookworm main Elsewhere
cdrom:[Debian]/ bookworm main Debian
http://mirror.example/debian/ bookworm main Debian
`

test("takes the machine's own Debian sources of the release, and no others", () => {
  assert.equal(sourceLines(TARGETS, 'bookworm'), [
    'deb http://mirror.example/debian/ bookworm main',
    'deb http://mirror.example/debian/ bookworm-updates main',
    'deb http://mirror.example/debian-security/ bookworm-security main',
  ])
})

test('for a release that the machine has no sources of, those of its own release name the mirror', () => {
  assert.equal(sourceLines(TARGETS.replace(/^.* trixie .*\n/m, ''), 'trixie'), [
    'deb http://mirror.example/debian/ trixie main',
    'deb http://mirror.example/debian/ trixie-updates main',
    'deb http://mirror.example/debian-security/ trixie-security main',
  ])
})

test('a machine without any leaves the choice to mmdebstrap', () => {
  assert.equal(sourceLines('http://mirror.example/ubuntu noble main Ubuntu\n', 'bookworm'), [])
  assert.equal(sourceLines('http://mirror.example/debian bookworm-updates main Debian\n', 'bookworm'), [])
})

test('takes over how to fetch, and nothing else', () => {
  const dump = `APT::Architecture "amd64";
Acquire "";
Acquire::http "";
Acquire::http::Proxy "http://proxy.example:3128";
Acquire::https::CAInfo "/etc/ssl/own.pem";
Acquire::Check-Valid-Until "false";
Acquire::Languages:: "none";
`
  assert.equal(fetchOptions(dump), [
    'Acquire::http::Proxy "http://proxy.example:3128"',
    'Acquire::https::CAInfo "/etc/ssl/own.pem"',
    'Acquire::Check-Valid-Until "false"',
  ])
})

test.run()
