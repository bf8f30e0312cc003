import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { test } from 'node:test';
import { openRegistry } from '#/core/registry/open-registry.ts';
import { startServer } from '#/core/registry/registry.fixture.ts';
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

async function* reading(): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < layer.byteLength; at += 1_000_000) yield layer.subarray(at, at + 1_000_000);
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

test('pushBlob() begins a broken upload anew, a bounded number of times', async () => {
  let uploads = 0;
  const handle = uploading((request) => {
    uploads += 1;
    request.once('data', () => request.socket.resetAndDestroy());
  });
  await using server = await startServer(handle);
  await using repository = await registry.openRepository(parseReference(`${server.host}/a:1`));
  await assert.rejects(repository.pushBlob({ descriptor, read: reading }), { kind: 'unavailable' });
  assert(uploads >= 3 && uploads <= 6, `${uploads} uploads`);
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
