import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { parse } from 'yaml'
import type { FactRef, FactUpdate } from '../../src/facts/fact.ts'
import { type FileState, fileAt } from '../../src/facts/file.ts'
import type { Model } from '../../src/facts/model.ts'
import { unitNamed } from '../../src/facts/unit.ts'
import type { Resource } from '../../src/resources/resource.ts'
import { nginxVhostTask } from '../../src/tasks/nginx-vhost.ts'
import { ParamProblem } from '../../src/tasks/task-type.ts'
import { hostContext } from '../helpers/host-context.ts'
import { fact, fileState, modelOf, planChange, unitState } from '../helpers/model.ts'

const test = suite('nginx_vhost')
const wildcard = { domain: 'apps.example.org', internal_domain: 'lab.internal', resolver: '10.10.10.1' }
const upstream = { servers: ['10.10.10.20:8080'] }
const self = { self_signed: true }

function expand(params: unknown, host = hostContext()): readonly Resource[] {
  return nginxVhostTask.resources(nginxVhostTask.params.parse(params), host)
}

/** Messages of the schema, with the path they are about. */
function problems(params: unknown): string[] {
  const { error } = nginxVhostTask.params.safeParse(params)
  return (error?.issues ?? []).map((issue) => `${issue.path.join('.')}: ${issue.message}`)
}

/** A node without nginx: every fact of these resources is "not there". */
function bareNode(resources: readonly Resource[]): Model {
  const none = (ref: FactRef<unknown>): unknown =>
    ({
      file: { type: 'absent' },
      package: { installed: false },
      unit: unitState({ load: 'not-found', active: 'inactive', enabled: '', activeSince: 0, changedAt: 0 }),
      certificate: { present: false },
      sockets: [],
      'directory-files': [],
    })[ref.kind.name]
  return modelOf(...resources.flatMap((r) => r.reads.map((ref): FactUpdate => ({ ref, state: none(ref) }))))
}

/** Plans all in order, each on the outcome of those before; the summaries and the model at the end. */
function planAll(resources: readonly Resource[], start: Model): { done: string[]; end: Model } {
  let model = start
  const done: string[] = []
  for (const resource of resources) {
    if (resource.plan(model).kind === 'ok') continue
    const plan = planChange(resource, model)
    done.push(...plan.changes.map(({ summary }) => summary))
    model = model.with(plan.after)
  }
  return { done, end: model }
}

/** The same node some time after: nginx has been running since it was last touched. */
function settled(model: Model): Model {
  const map = fileAt('/etc/nginx/conf.d/pvectl-websocket.conf')
  return model.with([
    fact(unitNamed('nginx.service'), unitState()),
    fact(fileAt('/etc/nginx/sites-enabled'), fileState('', { type: 'directory' })),
    fact(map, { ...model.get(map), ctime: 0 } as FileState),
  ])
}

/** The site's file as the task writes it. */
function site(params: unknown, host = hostContext()): string {
  const resources = expand(params, host)
  const { end } = planAll(resources, bareNode(resources))
  const found = resources.find(({ key }) => key.startsWith('file:/etc/nginx/sites-available/'))
  const state = end.get(fileAt(found?.key.slice('file:'.length) ?? ''))
  return state.type === 'file' ? state.content.toString('utf8') : ''
}

test('a bare node: the plan tells all of it, in order, and a second one is empty', () => {
  const resources = expand({ wildcard, tls: self })
  const { done, end } = planAll(resources, bareNode(resources))
  const name = 'pvectl-wildcard-apps.example.org.conf'
  assert.equal(done, [
    'install nginx',
    'remove the link /etc/nginx/sites-enabled/default → /etc/nginx/sites-available/default',
    'install openssl',
    'create directory /etc/nginx/pvectl (0755 root:root)',
    'make a self-signed certificate for *.apps.example.org (valid for 825 days)',
    'create /etc/nginx/conf.d/pvectl-websocket.conf (0644 root:root)',
    `create /etc/nginx/sites-available/${name} (0644 root:root)`,
    `link /etc/nginx/sites-enabled/${name} → /etc/nginx/sites-available/${name}`,
    'enable nginx.service',
    'start nginx.service',
    'nginx listens on port 80',
    'nginx listens on port 443',
  ])
  assert.equal(planAll(resources, end).done, [])
})

test('a changed site makes a running nginx reload, not restart', () => {
  const before = expand({ server_names: ['a.example.org'], upstream })
  const { end } = planAll(before, bareNode(before))
  const later = settled(end)
  const after = expand({ server_names: ['a.example.org'], upstream: { servers: ['10.10.10.21:80'] } })
  const { done } = planAll(after, later)
  assert.equal(done, [
    'edit /etc/nginx/sites-available/pvectl-a.example.org.conf',
    'reload nginx.service (/etc/nginx/sites-available/pvectl-a.example.org.conf is newer)',
  ])
})

test('removal reloads, since a removed file itself cannot be newer', () => {
  const before = expand({ server_names: ['a.example.org'], upstream })
  const { end } = planAll(before, bareNode(before))
  const { done } = planAll(expand({ name: 'a.example.org', state: 'absent' }), settled(end))
  assert.equal(done.length, 3)
  assert.is(done[2], 'reload nginx.service (/etc/nginx/sites-enabled is newer)')
})

test('wildcard: one label without dots, quoted, asked from the resolver', () => {
  const text = site({ wildcard })
  assert.match(text, 'server_name "~^(?<vm>[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)\\.apps\\.example\\.org$";')
  assert.match(text, 'resolver 10.10.10.1 valid=10s ipv6=off;')
  assert.match(text, '{vm}.lab.internal";\n        proxy_pass http://$pvectl_guest:80;')
  assert.match(site({ wildcard: { ...wildcard, scheme: 'https' } }), 'proxy_pass https://$pvectl_guest:443;')
})

test('https: redirect by default, both on demand; the port is named where it is not 443', () => {
  const base = { server_names: ['a.example.org'], upstream, tls: self }
  assert.match(site(base), 'return 301 https://$host$request_uri;')
  assert.match(site({ ...base, https_port: 8443 }), 'return 301 https://$host:8443$request_uri;')
  const both = site({ ...base, redirect: false })
  assert.not.match(both, 'return 301')
  assert.match(both, 'listen 80;\n    listen [::]:80;\n    listen 443 ssl http2;\n    listen [::]:443 ssl http2;')
  assert.not.match(site({ ...base, listen_ipv6: false }), '[::]')
})

test('pve: WebSockets, no buffering, no limit, no forged client address', () => {
  const text = site({ server_names: ['pve.example.org'], pve: true, tls: self })
  for (const directive of [
    'proxy_pass https://127.0.0.1:8006;',
    'proxy_set_header Connection $pvectl_connection;',
    'proxy_buffering off;',
    'proxy_request_buffering off;',
    'client_max_body_size 0;',
    'proxy_set_header X-Forwarded-For $remote_addr;',
  ]) {
    assert.match(text, directive)
  }
})

test('an https upstream without port means 443', () => {
  const servers = ['10.0.0.1', '[2001:db8::1]', '10.0.0.2:8443']
  const text = site({ server_names: ['a.example.org'], upstream: { servers, scheme: 'https' } })
  assert.match(text, 'server 10.0.0.1:443;\n    server [2001:db8::1]:443;\n    server 10.0.0.2:8443;')
})

test('a template of the user renders the whole file', () => {
  const templates = { 'own.ejs': '<%= name %> <%= server_names[0] %> <%= tls.certificate %> <%= vars.greeting %>' }
  const host = hostContext({ templates, vars: { greeting: 'hello' } })
  const text = site({ name: 'own', server_names: ['a.example.org'], template: 'own.ejs', tls: self }, host)
  assert.is(text, 'own a.example.org /etc/nginx/pvectl/own.crt hello')
})

const injections: [string, unknown][] = [
  ['server name', { server_names: ['a;return 200'], upstream }],
  ['server name with a variable', { server_names: ['$host'], upstream }],
  ['server name with a line break', { server_names: ['a.example.org\n'], upstream }],
  ['upstream server', { server_names: ['a'], upstream: { servers: ['10.0.0.1:80; } server {'] } }],
  ['wildcard domain', { wildcard: { ...wildcard, domain: 'example.org$|.*' } }],
  ['internal domain', { wildcard: { ...wildcard, internal_domain: 'x";}' } }],
  ['resolver', { wildcard: { ...wildcard, resolver: '10.0.0.1 valid=1s;' } }],
  ['certificate path', { server_names: ['a'], upstream, tls: { certificate: '/a;b', key: '/a' } }],
  ['size', { server_names: ['a'], upstream, client_max_body_size: '1m; deny all' }],
  ['allow', { server_names: ['a'], upstream, allow: ['all; allow all'] }],
  ['name', { name: '../../cron.d/x', server_names: ['a'], upstream }],
]
for (const [name, params] of injections) {
  test(`refused: syntax in a ${name}`, () => assert.ok(problems(params).length > 0))
}

const NO_ADDRESSES: readonly (readonly [string, unknown, string])[] = [
  ['server', { upstream: { servers: ['10.0.0.300:80'] } }, 'upstream.servers.0: has an address that is none'],
  ['IPv6 server', { upstream: { servers: ['[fd00:::5]:80'] } }, 'upstream.servers.0: has an address that is none'],
  ['port', { upstream: { servers: ['web1:99999'] } }, 'upstream.servers.0: must have a port of 1 to 65535'],
  ['port of IPv6', { upstream: { servers: ['[fd00::5]:0'] } }, 'upstream.servers.0: must have a port of 1 to 65535'],
  ['allow', { upstream, allow: ['10.0.0.0/99'] }, 'allow.0: 10.0.0.0/99 is no address or network'],
  ['allow, IPv6', { upstream, allow: [':::'] }, 'allow.0: ::: is no address or network'],
  ['bits', { upstream, allow: ['10.0.0.5/24'] }, 'allow.0: has bits below its prefix: the network is 10.0.0.0/24'],
]
for (const [name, params, expected] of NO_ADDRESSES)
  test(`what nginx would not start with: ${name}`, () =>
    assert.equal(problems({ server_names: ['a'], ...(params as object) }), [expected]))

test('addresses that nginx takes', () => {
  const servers = ['10.0.0.3:80', '[fd00::5]:8080', '[fd00::5]', 'web1.lab:65535', '9lives:80', 'unix:/run/a.sock']
  assert.equal(problems({ server_names: ['a'], upstream: { servers }, allow: ['10.0.0.5', '::/0', 'fd00::/8'] }), [])
  assert.equal(problems({ wildcard: { ...wildcard, resolver: '999.0.0.1' } }), ['wildcard.resolver: is no address'])
})

test('problems are told all at once and where', () => {
  assert.equal(problems({ server_names: ['a.org', 'A.org'], pve: true, upstream, https_port: 80 }), [
    ': takes exactly one of `upstream`, `wildcard`, `pve`, `reject_unknown`, `template`',
    'server_names.1: names A.org twice',
    'tls: is needed for `pve`: the login of the web interface does not work over plain http',
    'https_port: must differ from `http_port`',
  ])
  assert.equal(problems({ server_names: ['a'], upstream, tls: { certificate: '/a' } }), [
    'tls: takes `certificate` and `key` together',
  ])
  assert.equal(problems({ upstream }), ['server_names: are missing: which host names is the site for?'])
})

test('sites claim their names on their ports, so that two tasks cannot have one name', () => {
  const claims = (params: unknown) => expand(params).flatMap((resource) => resource.claims ?? [])
  assert.ok(claims({ server_names: ['A.example.org'], upstream }).includes('nginx:a.example.org:80'))
  assert.ok(claims({ wildcard, tls: self }).includes('nginx:*.apps.example.org:443'))
})

test('only these resources may be shared between sites', () => {
  const shared = expand({ server_names: ['pve.example.org'], pve: true, tls: self }).filter((r) => r.shared !== true)
  assert.equal(
    shared.map(({ key }) => key),
    [
      'file:/etc/nginx/pvectl/pve.example.org.crt',
      'nginx-conflicts:pvectl-pve.example.org.conf',
      'file:/etc/nginx/sites-available/pvectl-pve.example.org.conf',
    ],
  )
})

test('certificates on the node: their key is never read; below /etc/pve nginx waits for it at boot', () => {
  const tls = { certificate: '/etc/pve/local/pve-ssl.pem', key: '/etc/pve/local/pve-ssl.key' }
  const resources = expand({ server_names: ['pve.example.org'], pve: true, tls })
  assert.not(resources.some((resource) => resource.reads.some((ref) => ref.id.includes('pve-ssl.key'))))
  assert.ok(resources.some(({ key }) => key.endsWith('/nginx.service.d/pvectl-pve-cluster.conf')))
})

test('a copied pair must belong together', () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'pvectl-vhost-'))
  const make = (name: string) => {
    const options = `req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=x -keyout ${folder}/${name}.key`
    execFileSync('openssl', [...options.split(' '), '-out', `${folder}/${name}.crt`], { stdio: 'ignore' })
    return { crt: readFileSync(`${folder}/${name}.crt`), key: readFileSync(`${folder}/${name}.key`) }
  }
  const [one, two] = [make('one'), make('two')]
  rmSync(folder, { recursive: true })
  const params = { server_names: ['a'], upstream, tls: { copy: { certificate: 'a.crt', key: 'a.key' } } }
  const good = expand(params, hostContext({ files: { 'a.crt': one.crt, 'a.key': one.key } }))
  const { done } = planAll(good, bareNode(good))
  assert.ok(done.includes('create /etc/nginx/pvectl/a.key (0600 root:root) (content not shown)'))
  const bad = hostContext({ files: { 'a.crt': one.crt, 'a.key': two.key } })
  assert.throws(
    () => expand(params, bad),
    (error: unknown) => error instanceof ParamProblem && /belong/.test(error.message),
  )
  const rubbish = hostContext({ files: { 'a.crt': 'rubbish', 'a.key': two.key } })
  assert.throws(
    () => expand(params, rubbish),
    (error: unknown) => error instanceof ParamProblem,
  )
})

test('the example is valid', () => {
  const { nginx_vhost } = parse(nginxVhostTask.example) as { nginx_vhost: unknown }
  assert.equal(problems(nginx_vhost), [])
})

test.run()
