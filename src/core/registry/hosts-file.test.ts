import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseHostsFile } from '#/core/registry/hosts-file.ts';

const read = (source: string): ReturnType<typeof parseHostsFile> => parseHostsFile(source, '/certs/example');

test('parseHostsFile() keeps the order of the file, with the server after its mirrors', () => {
  const { mirrors, server } = read(`
server = "https://registry.example"
[host."https://z.example"]
  capabilities = ["pull"]
  [host."https://z.example".header]
    X-Team = ["a", "b"]
[host."http://10.0.0.1:5000"]
[host."a.example:8443/prefix"]
  dial_timeout = "1m1.5s"
`);
  assert.deepEqual(
    mirrors.map(({ root, scheme }) => [root.href, scheme]),
    [
      ['https://z.example/v2', 'https'],
      ['http://10.0.0.1:5000/v2', 'http'],
      ['https://a.example:8443/prefix/v2', 'https'],
    ],
  );
  assert.deepEqual(mirrors[0]?.capabilities, ['pull']);
  assert.deepEqual(mirrors[0]?.headers, { 'x-team': 'a, b' });
  assert.deepEqual(mirrors[1]?.capabilities, ['pull', 'resolve', 'push', 'referrers']);
  assert.equal(mirrors[2]?.dialTimeout, 61_500);
  assert.equal(server.address?.root.href, 'https://registry.example/v2');
});

test('parseHostsFile() appends /v2 once, and never with override_path', () => {
  const roots = read(`
[host."https://a.example/v2"]
[host."https://b.example/api//x/"]
[host."https://c.example/api/x"]
  override_path = true
`).mirrors.map(({ root }) => root.href);
  assert.deepEqual(roots, ['https://a.example/v2', 'https://b.example/api/x/v2', 'https://c.example/api/x']);
});

test('parseHostsFile() takes authorities and client certificates in each of their forms', () => {
  const tls = (source: string): unknown => read(source).server.tls;
  assert.deepEqual(tls('ca = "ca.crt"'), { ca: ['/certs/example/ca.crt'] });
  assert.deepEqual(tls('ca = ["/a.crt", "b.crt"]\nskip_verify = true'), {
    ca: ['/a.crt', '/certs/example/b.crt'],
    skipVerify: true,
  });
  assert.deepEqual(tls('client = "both.pem"'), { client: [{ cert: '/certs/example/both.pem' }] });
  assert.deepEqual(tls('client = ["a.pem", ["b.crt", "/b.key"]]'), {
    client: [{ cert: '/certs/example/a.pem' }, { cert: '/certs/example/b.crt', key: '/b.key' }],
  });
});

test('parseHostsFile() cuts a dial_timeout to what timers can do', () => {
  assert.equal(read('dial_timeout = "10000h"').server.dialTimeout, 2 ** 31 - 1);
  assert.throws(() => read('dial_timeout = "-1s"'), { message: /expected a time/ });
});

test('parseHostsFile() reads http with TLS settings as both, unless the port is 80', () => {
  const { mirrors } = read(`
[host."http://a.example:5000"]
  skip_verify = true
[host."http://b.example:80"]
  skip_verify = true
`);
  assert.deepEqual(
    mirrors.map(({ scheme }) => scheme),
    ['either', 'http'],
  );
});

test('parseHostsFile() names what it does not know, and refuses what is wrong with its place', () => {
  assert.deepEqual(read('servr = "x"\n[host."https://a"]\nskip = 1').unknownKeys, ['host."https://a".skip', 'servr']);
  const wrong: readonly (readonly [string, RegExp])[] = [
    ['a = ', /Cannot use line 1, column \d+: /],
    ['server = 5', /Cannot use server: expected a text/],
    ['server = "ftp://x"', /"ftp:\/\/x": it is no http\(s\) URL/],
    ['server = "https://ann:pw@x"', /a login belongs into the credentials/],
    ['capabilities = ["pul"]', /capabilities: "pul" is no capability; there are pull, resolve, push, referrers/],
    ['skip_verify = "yes"', /skip_verify: expected true or false/],
    ['dial_timeout = "soon"', /dial_timeout: expected a time like "3s"/],
    ['client = [["a"]]', /client: a pair is a certificate and a key/],
    ['host = 3', /Cannot use host: expected a table/],
    ['[host."https://a".header]\n"x y" = "1"', /"x y" is no name of a header/],
    ['[host."https://a".header]\nx = "a\\r\\nb: c"', /header\.x: a header has no such characters/],
  ];
  for (const [source, message] of wrong) assert.throws(() => read(source), { kind: 'invalid-argument', message });
  assert.throws(
    () => read('server = "https://ann:pw@x"'),
    (error: Error) => !error.message.includes('pw@'),
  );
});
