import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { TLSSocket } from 'node:tls';
import type { Repository } from '#/core/registry/contract.ts';
import { openRegistry } from '#/core/registry/open-registry.ts';
import { makeAuthority, startServer } from '#/core/registry/registry.fixture.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { digestOf } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';
import { parseReference } from '#/oci/reference.ts';

const config = {
  userAgent: 'berth-test',
  configFiles: [],
  stallTimeout: 1000,
  retryPolicy: { attempts: 2, firstDelay: 1, longestDelay: 5 },
};
const registry = openRegistry(config);
const layer = Buffer.alloc(500_000, 'x');
const descriptor: Descriptor = { mediaType: mediaTypes.ociLayer, digest: digestOf(layer), size: layer.byteLength };
const manifest = Buffer.from('{"schemaVersion":2}');

async function openAt(host: string): Promise<Repository> {
  return await registry.openRepository(parseReference(`${host}/a/b:1`), { defaultScheme: 'http' });
}

/** What a repository of a server that answers so makes of it. */
async function withServer<T>(handle: RequestListener, use: (repository: Repository) => Promise<T>): Promise<T> {
  await using server = await startServer(handle);
  await using repository = await openAt(server.host);
  return await use(repository);
}

/** Speaks bytes, not HTTP. */
async function startRaw(greet: (socket: Socket) => void): Promise<AsyncDisposable & { readonly host: string }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    greet(socket);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `localhost:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => {
      server.close();
      for (const socket of sockets) socket.destroy();
      await once(server, 'close');
    },
  };
}

async function readLayer(repository: Repository): Promise<Buffer> {
  const { body } = await repository.fetchBlob(descriptor, 0);
  return Buffer.concat(await Array.fromAsync(body));
}

/** Writes for ever, until nobody listens any more. */
function flood(response: ServerResponse, bytes: Buffer): void {
  const more = (): void => {
    while (!response.destroyed && response.write(bytes));
    if (!response.destroyed) response.once('drain', more);
  };
  more();
}

test('a body that drips is a stalled one', async () => {
  const drip: RequestListener = (_request, response) => {
    response.writeHead(200, { 'content-length': layer.byteLength });
    const timer = setInterval(() => response.write('x'), 20);
    response.once('close', () => clearInterval(timer));
  };
  await withServer(drip, async (repository) => {
    await assert.rejects(readLayer(repository), { kind: 'unavailable', message: /too slow, \d+ bytes in 1 seconds/ });
  });
});

test('a head that drips, byte by byte or header by header, is no answer', async () => {
  for (const piece of ['H', 'X-A: b\r\n']) {
    await using server = await startRaw((socket) => {
      if (piece !== 'H') socket.write('HTTP/1.1 200 OK\r\n');
      const timer = setInterval(() => socket.write(piece), 20);
      socket.once('close', () => clearInterval(timer));
    });
    await using repository = await openAt(server.host);
    await assert.rejects(readLayer(repository), { kind: 'unavailable' }, piece);
  }
});

test('heads that are too large, broken, or no HTTP at all are refused in words', async () => {
  const heads: readonly (readonly [string, RegExp])[] = [
    [`HTTP/1.1 200 OK\r\nX-Huge: ${'x'.repeat(200_000)}\r\n\r\n`, /its headers are too large/],
    [`HTTP/1.1 200 OK\r\n${'X-Many: x\r\n'.repeat(20_000)}\r\n`, /its headers are too large/],
    ['SSH-2.0-OpenSSH_9.2\r\n', /it does not speak HTTP/],
    ['HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n', /it does not speak HTTP/],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n', /the connection was reset/],
  ];
  for (const [head, message] of heads) {
    await using server = await startRaw((socket) => socket.once('data', () => socket.write(head)));
    await using repository = await openAt(server.host);
    await assert.rejects(readLayer(repository), { kind: 'unavailable', message }, head.slice(0, 60));
  }
});

test('a server that takes connections and does not shake hands is given up after the dial time-out', async () => {
  await using server = await startRaw(() => {});
  const hasty = openRegistry({ ...config, dialTimeout: 200 });
  const reference = parseReference(`${server.host}/a/b:1`);
  await using repository = await hasty.openRepository(reference, { defaultScheme: 'https' });
  await assert.rejects(repository.hasBlob(descriptor.digest), {
    kind: 'unavailable',
    message: /no connection within 0.2 seconds/,
  });
});

test('error texts without end and broken ones are cut off, and the status is told', async () => {
  for (const status of [404, 500]) {
    const flooding: RequestListener = (_request, response) => {
      response.writeHead(status, { 'content-type': 'application/json' });
      flood(response, Buffer.alloc(64 * 1024, '{"errors":['));
    };
    const message = new RegExp(`answered ${status}$`);
    await withServer(flooding, async (repository) => await assert.rejects(readLayer(repository), { message }));
  }
  const deep = `{"errors":${'['.repeat(30_000)}${']'.repeat(30_000)}}`;
  await withServer(
    (_request, response) => void response.writeHead(404).end(deep),
    async (repository) => {
      await assert.rejects(readLayer(repository), (error: Error) => error.message.length < 1000);
    },
  );
});

test('a manifest without end, of another type, or whose headers lie is refused', async () => {
  const endless: RequestListener = (request, response) => {
    response.writeHead(200, { 'content-type': mediaTypes.ociManifest });
    if (request.method === 'HEAD') response.end();
    else flood(response, Buffer.alloc(64 * 1024, ' '));
  };
  await withServer(endless, async (repository) => {
    await assert.rejects(repository.resolve(), { kind: 'data-loss', message: /sends more than the \d+ bytes/ });
  });
  const page: RequestListener = (request, response) => {
    response.writeHead(200, { 'content-type': 'text/html', 'docker-content-digest': digestOf(manifest) });
    response.end(request.method === 'HEAD' ? '' : '<html>Log in here</html>');
  };
  await withServer(page, async (repository) => {
    await assert.rejects(repository.resolve(), { message: /the answer is "text\/html" and no manifest/ });
  });
  const size = { 'content-type': mediaTypes.ociManifest, 'docker-content-digest': digestOf(manifest) };
  const lying: RequestListener = (request, response) => {
    response.writeHead(200, { ...size, 'content-length': request.method === 'HEAD' ? 5 : manifest.byteLength });
    response.end(request.method === 'HEAD' ? undefined : manifest);
  };
  await withServer(lying, async (repository) => {
    const resolved = await repository.resolve();
    await assert.rejects(repository.fetchManifest(resolved, 1000), { kind: 'data-loss', message: /more than the 5/ });
  });
});

test('redirects in a circle over several hosts, and to oneself, end', async () => {
  await using stack = new AsyncDisposableStack();
  const hosts: string[] = [];
  let asked = 0;
  const next =
    (index: number): RequestListener =>
    (_request, response) => {
      asked += 1;
      response.writeHead(307, { location: `http://${hosts[(index + 1) % 3] ?? ''}/v2/here` }).end();
    };
  for (const index of [0, 1, 2]) hosts.push(stack.use(await startServer(next(index))).host);
  await using repository = await openAt(hosts[0] ?? '');
  await assert.rejects(readLayer(repository), { kind: 'unavailable', message: /redirected more than 10 times/ });
  assert.equal(asked, 11);
  const selfish: RequestListener = (request, response) =>
    void response.writeHead(301, { location: request.url ?? '' }).end();
  await withServer(selfish, async (own) => {
    await assert.rejects(readLayer(own), { kind: 'unavailable', message: /redirected more than 10 times/ });
  });
});

test('what the configuration has a host sent in headers stays with that host', async () => {
  const seen: unknown[] = [];
  await using storage = await startServer((request, response) => {
    seen.push(request.headers['x-secret'], request.headers.range);
    response.writeHead(206, { 'content-range': `bytes 1000-${layer.byteLength - 1}/${layer.byteLength}` });
    response.end(layer.subarray(1000));
  });
  await using server = await startServer((request, response) => {
    seen.push(request.headers['x-secret']);
    response.writeHead(302, { location: `http://${storage.host}/data` }).end();
  });
  await using repository = await registry.openRepository(parseReference(`${server.host}/a/b:1`), {
    defaultScheme: 'http',
    headers: { 'X-Secret': 'mine' },
  });
  const { start, body } = await repository.fetchBlob(descriptor, 1000);
  assert.equal(start, 1000);
  assert.equal(Buffer.concat(await Array.fromAsync(body)).byteLength, layer.byteLength - 1000);
  assert.deepEqual(seen, ['mine', undefined, 'bytes=1000-']);
});

test('a client certificate is for its own host, not for where that redirects', async () => {
  await using authority = await makeAuthority();
  const seen: unknown[] = [];
  const tls = {
    key: await readFile(authority.server.key, 'utf8'),
    cert: await readFile(authority.server.cert, 'utf8'),
    requestCert: true,
    rejectUnauthorized: false,
  };
  const subjectOf = ({ socket }: IncomingMessage): unknown =>
    socket instanceof TLSSocket ? socket.getPeerCertificate().subject?.CN : 'no TLS';
  await using storage = await startServer((request, response) => {
    seen.push(subjectOf(request));
    response.end(layer);
  }, tls);
  await using server = await startServer((request, response) => {
    seen.push(subjectOf(request));
    response.writeHead(302, { location: `https://127.0.0.1:${storage.port}/data` }).end();
  }, tls);
  await using certs = await mkdtempDisposable(join(tmpdir(), 'berth-certs.d-'));
  await mkdir(join(certs.path, '_default'));
  const { cert, key } = authority.client;
  const lines = [`server = "https://${server.host}"`, `ca = "${authority.ca}"`, `client = [["${cert}", "${key}"]]`];
  await writeFile(join(certs.path, '_default/hosts.toml'), lines.join('\n'));
  await using repository = await registry.openRepository(parseReference('registry.test/a/b:1'), {
    hostDir: certs.path,
  });
  assert(layer.equals(await readLayer(repository)));
  assert.deepEqual(seen, ['client', undefined]);
});

test('a registry that does not read what is pushed is given up', async () => {
  const handle: RequestListener = (request, response) => {
    if (request.method === 'HEAD') response.writeHead(404).end();
    else if (request.method === 'POST') response.writeHead(202, { location: '/upload' }).end();
    else if (request.method === 'GET') response.writeHead(404).end();
    else request.pause();
  };
  const big = { ...descriptor, size: 50_000_000 };
  const read = async function* (): AsyncGenerator<Uint8Array> {
    for (let sent = 0; sent < big.size; sent += layer.byteLength) yield layer;
  };
  await withServer(handle, async (repository) => {
    await assert.rejects(repository.pushBlob({ descriptor: big, read }), {
      kind: 'unavailable',
      message: /no answer for 1 seconds/,
    });
  });
});
