import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { openConnections } from '#/core/registry/connections.ts';
import { createFileCache } from '#/core/registry/file-cache.ts';
import { createTlsContexts, type TlsOfHost } from '#/core/registry/host-tls.ts';
import { proxyFor } from '#/core/registry/proxy.ts';
import { makeCertificate, startServer } from '#/core/registry/registry.fixture.ts';
import { readWhole } from '#/core/registry/response-body.ts';

const choose = (url: string, environment: Record<string, string>): string | undefined =>
  proxyFor(new URL(url), environment);

test('proxyFor() takes the variable of the scheme, the lower-case one first', () => {
  const environment = { HTTPS_PROXY: 'http://upper:1', https_proxy: 'lower:2', HTTP_PROXY: 'http://plain:3' };
  assert.equal(choose('https://ghcr.io/', environment), 'http://lower:2');
  assert.equal(choose('http://ghcr.io/', environment), 'http://plain:3');
  assert.equal(choose('https://ghcr.io/', {}), undefined);
  assert.equal(choose('https://ghcr.io/', { HTTPS_PROXY: '' }), undefined);
});

test('proxyFor() refuses a proxy that berth cannot speak with, without its password', () => {
  for (const proxy of ['socks5://ann:pw@p:1080', 'http://ann:pw@[::1'])
    assert.throws(
      () => choose('https://ghcr.io/', { HTTPS_PROXY: proxy }),
      (error: Error) => {
        assert.match(error.message, /^Cannot use the proxy that HTTPS_PROXY names: /);
        assert.doesNotMatch(error.message, /pw/);
        return true;
      },
    );
});

test('proxyFor() never sends this machine through a proxy', () => {
  for (const host of ['localhost:5000', '127.0.0.1', '127.9.9.9:1', '[::1]:5000'])
    assert.equal(choose(`http://${host}/`, { HTTP_PROXY: 'http://p:1' }), undefined, host);
});

test('proxyFor() honours NO_PROXY: hosts with what is below, suffixes, ports, addresses, blocks, everything', () => {
  const direct = (url: string, list: string): boolean =>
    choose(url, { HTTPS_PROXY: 'http://p:1', NO_PROXY: list }) === undefined;
  assert(direct('https://example.com/', 'other, example.com'));
  assert(direct('https://a.example.com/', 'example.com'));
  assert(!direct('https://badexample.com/', 'example.com'));
  assert(direct('https://a.example.com/', '.example.com'));
  assert(direct('https://a.example.com/', '*.example.com'));
  assert(!direct('https://example.com/', '.example.com'));
  assert(direct('https://example.com/', 'example.com:443'));
  assert(!direct('https://example.com:5000/', 'example.com:443'));
  assert(direct('https://10.1.2.3/', '10.0.0.0/8'));
  assert(!direct('https://11.1.2.3/', '10.0.0.0/8'));
  assert(!direct('https://10.1.2.3/', '10.0.0.0/99'));
  assert(direct('https://[fd00::5]/', 'fd00::/16'));
  assert(direct('https://192.168.0.7/', '192.168.0.7'));
  assert(direct('https://anything/', '*'));
});

test('send() asks a proxy for a plain http address by its whole name, and NO_PROXY goes past it', async () => {
  const asked: (string | undefined)[] = [];
  await using proxy = await startServer((request, response) => {
    asked.push(request.url);
    response.end('by proxy');
  });
  const environment = { HTTP_PROXY: `http://${proxy.host}`, NO_PROXY: '192.0.2.0/24' };
  const contexts = createTlsContexts({ files: createFileCache(), environment, ca: [] });
  const tls = async (): Promise<TlsOfHost> => await contexts.open({});
  const options = { userAgent: 'berth-test', stallTimeout: 5000, environment, hostname: 'registry.test', tls };
  await using connections = openConnections({ ...options, dialTimeout: 5000 });
  await using response = await connections.send({ method: 'GET', url: new URL('http://registry.test/v2/') });
  assert.equal((await readWhole(response.body, 100, 'answer')).toString(), 'by proxy');
  await using hasty = openConnections({ ...options, dialTimeout: 50 });
  await assert.rejects(hasty.send({ method: 'GET', url: new URL('http://192.0.2.1/v2/') }), { kind: 'unavailable' });
  assert.deepEqual(asked, ['http://registry.test/v2/']);
});

test('send() reaches https through a CONNECT proxy with the password of its address', async (t) => {
  const tls = await makeCertificate();
  await using target = await startServer((_request, response) => response.end('through'), tls);
  const seen: IncomingMessage[] = [];
  const proxy = createServer();
  proxy.on('connect', (request: IncomingMessage, socket) => {
    seen.push(request);
    const upstream = connect(target.port, '127.0.0.1', () => {
      socket.write('HTTP/1.1 200 Connection established\r\n\r\n');
      upstream.pipe(socket).pipe(upstream);
    });
    upstream.on('error', () => socket.destroy());
    socket.on('error', () => upstream.destroy());
  });
  proxy.listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  t.after(() => {
    proxy.close();
    proxy.closeAllConnections();
  });
  const { port } = proxy.address() as AddressInfo;
  const environment = { HTTPS_PROXY: `http://ann:p%40w@127.0.0.1:${port}` };
  const contexts = createTlsContexts({ files: createFileCache(), environment, ca: [tls.cert] });
  const options = {
    userAgent: 'berth-test',
    stallTimeout: 2000,
    dialTimeout: 2000,
    environment,
    hostname: 'registry.test',
    tls: async () => await contexts.open({}),
  };
  {
    await using connections = openConnections(options);
    await using response = await connections.send({ method: 'GET', url: new URL('https://registry.test/v2/') });
    assert.equal((await readWhole(response.body, 100, 'answer')).toString(), 'through');
  }
  assert.equal(seen[0]?.url, 'registry.test:443');
  const expected = `Basic ${Buffer.from('ann:p@w').toString('base64')}`;
  assert.equal(seen[0]?.headers['proxy-authorization'], expected);
  proxy.close();
  proxy.closeAllConnections();

  await using connections = openConnections(options);
  await assert.rejects(
    connections.send({ method: 'GET', url: new URL('https://registry.test/v2/') }),
    (error: Error) => {
      assert.doesNotMatch(error.message, /p%40w|p@w/);
      assert.match(error.message, /by the proxy "127\.0\.0\.1:\d+": nothing listens there/);
      return true;
    },
  );
});
