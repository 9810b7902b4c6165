import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { looksSecret, secretLine, shownLine, whyKept } from '../../src/adopt/sensitive.ts'

const test = suite('adopt: secrets')

for (const text of [
  '-----BEGIN OPENSSH PRIVATE KEY-----',
  'PGPASSWORD=geheim',
  'password: "geheim"',
  "  'api_key' => 'x', api-key: abcdef",
  'proxy_set_header Authorization "Basic dXNlcjpnZWhlaW0=";',
  'deb https://user:geheim@apt.example.org stable main',
  'wpa-psk geheim',
  'PresharedKey = 0123abcd=',
  'community geheim',
  'root:$y$j9T$abc:19000:',
  'user:$apr1$abc$def',
  '# old: secret=geheim',
  'AGE-SECRET-KEY-1QQQQ',
  'auth_pass 12345',
  'auth_pass=#12345',
]) {
  test(`looks secret: ${text}`, () => assert.is(secretLine(`# first\n${text}\n`), 2))
}

for (const text of [
  'proxy_pass http://10.10.10.20:3000;',
  'PasswordAuthentication no',
  'PermitEmptyPasswords no',
  'ssl_certificate_key /etc/ssl/private/key.pem;',
  'ssl_password_file /etc/nginx/passwords;',
  'auth_basic_user_file /etc/nginx/htpasswd;',
  'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAILJuP296/cd9qg42asVw2xX7BycV4GkegCuqaDHuggMU ada@laptop',
  'dhcp-host=bc:24:11:00:00:64,web,10.10.10.20',
  'post-up iptables -t nat -A POSTROUTING -s 10.10.10.0/24 -o vmbr0 -j MASQUERADE',
  'proxy_set_header X-Token $http_x_token;',
  // In the dnsmasq.conf that Debian brings.
  '#dhcp-option=encap:175, 191, pass     # iSCSI password',
]) {
  test(`does not: ${text}`, () => assert.is(secretLine(text), undefined))
}

test('a file that not everybody may read, and a binary one, stay on the node', () => {
  assert.match(whyKept(Buffer.from('a'), '0600') ?? '', 'not everybody')
  assert.match(whyKept(Buffer.from('a'), '0640') ?? '', 'not everybody')
  assert.match(whyKept(Buffer.from('a\0'), '0644') ?? '', 'binary')
  assert.match(whyKept(Buffer.from('x\npassword=y\n'), '0644') ?? '', /^line 2 /)
  assert.is(whyKept(Buffer.from('x'), '0644'), undefined)
  assert.is(whyKept(Buffer.from('x'), '0755'), undefined)
})

test('data and lines', () => {
  assert.ok(looksSecret({ a: [{ comment: 'password: geheim' }] }))
  assert.ok(looksSecret({ settings: { token: 'abc' } }))
  assert.not.ok(looksSecret({ user: 'jump', key: ['ssh-ed25519 AAAA ada@laptop'], fd: 0 }))
  assert.not.match(shownLine('up curl -u x:$(cat /x) --data token=geheim'), 'geheim')
})

test.run()
