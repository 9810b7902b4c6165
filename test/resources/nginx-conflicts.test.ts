import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { filesIn } from '../../src/facts/directory-files.ts'
import { type FileState, fileAt } from '../../src/facts/file.ts'
import type { Model } from '../../src/facts/model.ts'
import { type NginxClaim, nginxConflicts } from '../../src/resources/nginx-conflicts.ts'
import { nginxServers } from '../../src/resources/nginx-servers.ts'
import { nginxSite, nginxSiteAbsent, SITES_ENABLED } from '../../src/resources/nginx-site.ts'
import { fact, fileState, modelOf, planChange } from '../helpers/model.ts'

const test = suite('nginx conflicts')
const ABSENT: FileState = { type: 'absent' }

function node(sites: Record<string, string>, { conf = '', confD = '' } = {}): Model {
  const files = Object.entries(sites).map(([name, text]) => ({
    path: `${SITES_ENABLED}/${name}`,
    content: Buffer.from(text),
  }))
  return modelOf(
    fact(filesIn(SITES_ENABLED), files),
    fact(filesIn('/etc/nginx/conf.d'), [{ path: '/etc/nginx/conf.d/own.conf', content: Buffer.from(confD) }]),
    fact(fileAt('/etc/nginx/nginx.conf'), fileState(`include ${SITES_ENABLED}/*; ${conf}`)),
    fact(fileAt(SITES_ENABLED), fileState('', { type: 'directory' })),
  )
}

const GIT: NginxClaim = { site: 'pvectl-git.conf', names: ['git.example.org'], ports: [80, 443], isDefault: false }
const UNKNOWN: NginxClaim = { site: 'pvectl-unknown-names.conf', names: [], ports: [80, 443], isDefault: true }

function reason(claim: NginxClaim, model: Model): string | undefined {
  const plan = nginxConflicts(claim).plan(model)
  return plan.kind === 'blocked' ? plan.reason : undefined
}

test('a site of the same name on a common port', () => {
  const taken = 'git.example.org on port 443 already'
  const site = '# by hand\nserver {\n  listen 443 ssl;\n  server_name a.example.org GIT.example.org;\n}\n'
  assert.match(reason(GIT, node({ hand: site })) ?? '', `${SITES_ENABLED}/hand:2 has a site for ${taken}`)
  assert.match(reason(GIT, node({}, { confD: site })) ?? '', '/etc/nginx/conf.d/own.conf:2')
  assert.match(reason(GIT, node({}, { conf: `http { ${site} }` })) ?? '', '/etc/nginx/nginx.conf')
})

test('port 80 is meant where none is given; another port is no conflict', () => {
  assert.match(reason(GIT, node({ a: 'server { server_name git.example.org; }' })) ?? '', 'port 80')
  assert.is(reason(GIT, node({ a: 'server { listen 8080; server_name git.example.org; }' })), undefined)
  assert.is(reason(GIT, node({ a: 'server { listen unix:/run/x; server_name git.example.org; }' })), undefined)
})

test("the site's own file, other names, comments and upstream servers are none", () => {
  const own = 'server { server_name git.example.org; }'
  assert.is(reason(GIT, node({ 'pvectl-git.conf': own })), undefined)
  assert.is(reason(GIT, node({ a: 'server { server_name www.git.example.org; }' })), undefined)
  assert.is(reason(GIT, node({ a: `# ${own}` })), undefined)
  assert.is(reason(GIT, node({ a: 'upstream git.example.org { server git.example.org:80; }' })), undefined)
})

test('a wildcard of somebody else outranks the regular expression of ours', () => {
  const wild: NginxClaim = { ...GIT, names: ['*.apps.example.org'] }
  for (const name of ['*.apps.example.org', '.apps.example.org'])
    assert.ok(reason(wild, node({ a: `server { listen 443; server_name ${name}; }` })), name)
  assert.is(reason(wild, node({ a: 'server { listen 443; server_name git.apps.example.org; }' })), undefined)
})

test('one default site a port and address', () => {
  const where = (listen: string) => reason(UNKNOWN, node({ default: `server { listen ${listen}; }` }))
  assert.match(where('80 default_server') ?? '', 'the default site of port 80')
  for (const listen of ['0.0.0.0:443 ssl default_server', '[::]:80 default', '*:80 default_server'])
    assert.ok(where(listen), listen)
  for (const listen of ['80', '8080 default_server', '192.0.2.1:80 default_server', '[::1]:80 default_server'])
    assert.is(where(listen), undefined, listen)
})

test('what earlier steps of the run enable and remove is known', () => {
  const other = 'pvectl-old.conf'
  const before = node({}).with([
    fact(fileAt(`/etc/nginx/sites-available/${other}`), ABSENT),
    fact(fileAt(`${SITES_ENABLED}/${other}`), ABSENT),
  ])
  const enabled = before.with(
    planChange(nginxSite(other, Buffer.from('server { server_name git.example.org; }')), before).after,
  )
  assert.ok(reason(GIT, enabled))
  assert.is(reason(GIT, enabled.with(planChange(nginxSiteAbsent(other), enabled).after)), undefined)
})

test('quotes, variables and blocks within are read as nginx does', () => {
  const [server, ...more] = nginxServers(
    '/x',
    'server {\n listen [::]:8443 ssl; server_name "~^(?<vm>a{1,3})$" b;\n location / { set $a "${vm}.x;}"; proxy_pass http://${vm}:80; } listen 80;\n}\n',
  )
  assert.equal(more, [])
  assert.equal(server?.names, ['~^(?<vm>a{1,3})$', 'b'])
  assert.equal(server?.listens, [
    { address: '[::]', port: 8443, isDefault: false },
    { address: '*', port: 80, isDefault: false },
  ])
})

test('a file cut off in the middle is read as far as it goes', () => {
  assert.is(nginxServers('/x', 'server { server_name a; location / {').length, 1)
  assert.equal(nginxServers('/x', '} } ; "'), [])
})

test.run()
