import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import type { RequestListener } from 'node:http';
import { connect, createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { openRegistry } from '#/core/registry/open-registry.ts';
import { startRegistry, startServer } from '#/core/registry/registry.fixture.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { digestOf } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';
import { parseReference } from '#/oci/reference.ts';

const registry = openRegistry({
  userAgent: 'berth-test',
  configFiles: [],
  retryPolicy: { attempts: 2, firstDelay: 5, longestDelay: 20 },
});
const layer = randomBytes(20_000_000);
const descriptor: Descriptor = { mediaType: mediaTypes.ociLayer, digest: digestOf(layer), size: layer.byteLength };

async function* reading(offset = 0): AsyncGenerator<Uint8Array> {
  for (let at = offset; at < layer.byteLength; at += 1_000_000) yield layer.subarray(at, at + 1_000_000);
}

/** A registry without blobs that opens uploads; what then arrives by PUT and PATCH is the test's affair. */
function uploading(put: RequestListener, patch: RequestListener = put): RequestListener {
  return (request, response) => {
    if (request.method === 'HEAD') response.writeHead(404).end();
    else if (request.method === 'POST') response.writeHead(202, { location: '/upload?state=0' }).end();
    else if (request.method === 'PUT') put(request, response);
    else if (request.method === 'PATCH') patch(request, response);
    else response.end();
  };
}

test('pushBlob() sends pieces to a registry that refuses a whole blob', async () => {
  const hash = createHash('sha256');
  const ranges: string[] = [];
  const handle = uploading(
    (request, response) => {
      const whole = Number(request.headers['content-length']) > 0;
      request.resume().on('end', () => response.writeHead(whole ? 405 : 201).end());
    },
    (request, response) => {
      ranges.push(request.headers['content-range'] ?? '');
      request.on('data', (chunk: Buffer) => hash.update(chunk));
      request.on('end', () => response.writeHead(202, { location: `/upload?state=${ranges.length}` }).end());
    },
  );
  await using server = await startServer(handle);
  await using repository = await registry.openRepository(parseReference(`${server.host}/a:1`));
  assert.equal(await repository.pushBlob({ descriptor, read: reading }), 'pushed');
  assert.equal(`sha256:${hash.digest('hex')}`, descriptor.digest);
  assert.deepEqual(ranges, ['0-8999999', '9000000-17999999', '18000000-19999999']);
});

/** An upload that keeps what it got, and whose connection breaks once after each number of bytes in `breaks`. */
function remembering(breaks: number[], range: (held: number) => string | undefined) {
  const held: Buffer[] = [];
  const requests: string[] = [];
  const size = (): number => held.reduce((sum, { byteLength }) => sum + byteLength, 0);
  const handle: RequestListener = (request, response) => {
    const { method = '' } = request;
    const contentRange = request.headers['content-range'];
    if (method !== 'HEAD') requests.push(`${method}${contentRange === undefined ? '' : ` ${contentRange}`}`);
    if (method === 'POST') held.length = 0;
    if (method === 'HEAD') response.writeHead(404).end();
    else if (method === 'POST') response.writeHead(202, { location: '/upload?at=0' }).end();
    else if (method === 'GET') {
      const told = range(size());
      response.writeHead(told === undefined ? 404 : 204, { range: told ?? '', location: `/upload?at=${size()}` }).end();
    } else {
      request.on('data', (chunk: Buffer) => {
        const left = (breaks[0] ?? Number.POSITIVE_INFINITY) - size();
        held.push(chunk.subarray(0, Math.max(0, left)));
        if (chunk.byteLength < left) return;
        breaks.shift();
        request.removeAllListeners('data').removeAllListeners('end').socket.resetAndDestroy();
      });
      request.on('end', () => response.writeHead(method === 'PUT' ? 201 : 202, { location: '/upload?at=x' }).end());
    }
  };
  return { handle, requests, arrived: () => Buffer.concat(held) };
}

const ranges = (held: number): string => `0-${held - 1}`;

test('pushBlob() goes on with a broken upload where the registry says that it stands', async () => {
  const { handle, requests, arrived } = remembering([5_000_000, 15_000_000], ranges);
  await using server = await startServer(handle);
  await using repository = await registry.openRepository(parseReference(`${server.host}/a:1`));
  assert.equal(await repository.pushBlob({ descriptor, read: reading }), 'pushed');
  assert(layer.equals(arrived()));
  assert.deepEqual(requests.slice(1), [
    'POST',
    'PUT',
    'GET',
    'PATCH 5000000-13999999',
    'PATCH 14000000-19999999',
    'GET',
    'PATCH 15000000-19999999',
    'PUT',
  ]);
});

test('pushBlob() begins anew where the registry does not know the broken upload, or says nonsense of it', async () => {
  for (const range of [() => undefined, () => '0-99999999', () => '5-7', () => '']) {
    const { handle, requests, arrived } = remembering([5_000_000], range);
    await using server = await startServer(handle);
    await using repository = await registry.openRepository(parseReference(`${server.host}/a:1`));
    assert.equal(await repository.pushBlob({ descriptor, read: reading }), 'pushed');
    assert(layer.equals(arrived()));
    assert.deepEqual(requests.slice(1), ['POST', 'PUT', 'GET', 'POST', 'PUT']);
  }
});

test('pushBlob() begins anew when the registry has forgotten an upload, and says so when it always does', async () => {
  let forgets = 2;
  const forgetting = uploading((request, response) => {
    request.resume().on('end', () => {
      const status = (forgets -= 1) >= 0 ? 404 : 201;
      response.writeHead(status).end('{"errors":[{"code":"BLOB_UPLOAD_UNKNOWN"}]}');
    });
  });
  await using server = await startServer(forgetting);
  await using repository = await registry.openRepository(parseReference(`${server.host}/a:1`));
  assert.equal(await repository.pushBlob({ descriptor, read: reading }), 'pushed');
  forgets = 100;
  await assert.rejects(repository.pushBlob({ descriptor, read: reading }), {
    kind: 'unavailable',
    message: /answered 404: BLOB_UPLOAD_UNKNOWN/,
  });
  assert.equal(forgets, 95);
});

test('pushBlob() begins a broken upload anew, a bounded number of times', async () => {
  let uploads = 0;
  const handle = uploading((request) => {
    uploads += 1;
    request.once('data', () => request.socket.resetAndDestroy());
  });
  await using server = await startServer(handle);
  await using repository = await registry.openRepository(parseReference(`${server.host}/a:1`));
  await assert.rejects(repository.pushBlob({ descriptor, read: reading }), { kind: 'unavailable' });
  assert.equal(uploads, 5);
});

test('pushBlob() ends early when the registry refuses while bytes are still being sent', async () => {
  const refusal = '{"errors":[{"code":"DENIED","message":"quota exceeded"}]}';
  await using server = await startServer(uploading((_request, response) => response.writeHead(403).end(refusal)));
  await using repository = await registry.openRepository(parseReference(`${server.host}/a:1`));
  const slow = async function* (): AsyncGenerator<Uint8Array> {
    for await (const chunk of reading()) {
      yield chunk;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  };
  await assert.rejects(repository.pushBlob({ descriptor, read: slow }), {
    kind: 'permission-denied',
    message: /quota exceeded \(DENIED\)$/,
  });
});

test('pushBlob() refuses a source that gives other bytes than it announced', async () => {
  await using server = await startServer(uploading((request) => void request.resume()));
  await using repository = await registry.openRepository(parseReference(`${server.host}/a:1`));
  const short = async function* (): AsyncGenerator<Uint8Array> {
    yield layer.subarray(0, 10);
  };
  await assert.rejects(repository.pushBlob({ descriptor, read: short }), { kind: 'data-loss' });
});

test('pushBlob() through a connection that breaks again and again ends up whole in a real registry', async () => {
  await using server = await startRegistry();
  let left = 3;
  const proxy = createServer((socket) => {
    const upstream = connect(server.port, '127.0.0.1');
    let passed = 0;
    const end = (): void => void (socket.destroy(), upstream.destroy());
    socket.on('error', end).on('close', end);
    upstream.on('error', end).on('close', end);
    upstream.pipe(socket);
    socket.on('data', (chunk: Buffer) => {
      passed += chunk.byteLength;
      upstream.write(chunk);
      if (passed > 6_000_000 && left > 0) {
        left -= 1;
        end();
      }
    });
  }).listen(0, '127.0.0.1');
  await once(proxy, 'listening');
  await using closing = new AsyncDisposableStack();
  closing.defer(() => void proxy.close());
  const { port } = proxy.address() as AddressInfo;
  await using broken = await registry.openRepository(parseReference(`localhost:${port}/a:1`));
  assert.equal(await broken.pushBlob({ descriptor, read: reading }), 'pushed');
  assert.equal(left, 0);
  await using direct = await registry.openRepository(parseReference(`${server.host}/a:1`));
  const { body } = await direct.fetchBlob(descriptor, 0);
  assert(layer.equals(Buffer.concat(await Array.fromAsync(body))));
});
