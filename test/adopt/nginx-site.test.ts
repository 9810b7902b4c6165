import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readSite } from '../../src/adopt/nginx-site.ts'
import { params } from '../../src/tasks/nginx-vhost/params.ts'
import { renderSite } from '../../src/tasks/nginx-vhost/render.ts'
import { hostContext } from '../helpers/host-context.ts'

const test = suite('adopt: sites of nginx')

test('a proxy as guides have it', () => {
  const text = `# proxy for git
server {
    listen 80;
    server_name git.example.org www.git.example.org;
    return 301 https://$host$request_uri;
}
server {
    listen 443 ssl; # TLS
    server_name git.example.org www.git.example.org;
    ssl_certificate /etc/letsencrypt/live/git/fullchain.pem;
    ssl_certificate_key /etc/letsencrypt/live/git/privkey.pem;
    client_max_body_size 100m;
    location / { proxy_pass http://10.10.10.20:3000/; proxy_set_header Host $host; }
}
`
  assert.equal(readSite('/etc/nginx/sites-available/git', text), {
    server_names: ['git.example.org', 'www.git.example.org'],
    upstream: { servers: ['10.10.10.20:3000'], websocket: false },
    tls: {
      certificate: '/etc/letsencrypt/live/git/fullchain.pem',
      key: '/etc/letsencrypt/live/git/privkey.pem',
    },
    listen_ipv6: false,
    http2: false,
    client_max_body_size: '100m',
  })
})

for (const [what, text] of [
  ['two locations', 'server { server_name a; location / { proxy_pass http://b; } location /x { root /y; } }'],
  ['files', 'server { server_name a; location / { root /var/www; } }'],
  ['a path', 'server { server_name a; location / { proxy_pass http://b/c; } }'],
  ['a variable', 'server { server_name a; location / { proxy_pass http://$b; } }'],
  ['no name', 'server { location / { proxy_pass http://b; } }'],
] as const) {
  test(`no single task for a site with ${what}`, () =>
    assert.is(readSite('/etc/nginx/sites-available/x', text), undefined))
}

for (const given of [
  { reject_unknown: true },
  { server_names: ['git.example.org'], upstream: { servers: ['10.0.0.2:3000', '10.0.0.3:3000'] } },
  { server_names: ['a.org', 'b.org'], upstream: { servers: ['10.0.0.2:8443'], scheme: 'https', websocket: false } },
  { server_names: ['pve.a.org'], pve: true, tls: { self_signed: true }, allow: ['192.0.2.0/24'] },
  {
    wildcard: { domain: 'apps.a.org', internal_domain: 'lan', resolver: '10.0.0.1', port: 8080 },
    tls: { self_signed: true },
  },
  {
    name: 'other',
    server_names: ['a.org'],
    upstream: { servers: ['10.0.0.2:80'] },
    tls: { certificate: '/etc/ssl/a.pem', key: '/etc/ssl/a.key' },
    redirect: false,
    http_port: 8080,
    https_port: 8443,
    listen_ipv6: false,
    http2: false,
    client_max_body_size: '10m',
  },
]) {
  test(`what pvectl writes comes back: ${JSON.stringify(given)}`, () => {
    const site = params.parse(given)
    const name =
      given.name ?? ('wildcard' in given ? 'wildcard-apps.a.org' : (given.server_names?.[0] ?? 'unknown-names'))
    const tls =
      'tls' in given
        ? { certificate: '/etc/nginx/pvectl/x.crt', key: '/etc/nginx/pvectl/x.key', ...site.tls, resources: [] }
        : undefined
    const text = renderSite(site, name, tls as never, hostContext())
    assert.equal(readSite(`/etc/nginx/sites-available/pvectl-${name}.conf`, text), given)
  })
}

test.run()
