import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { test } from 'node:test';
import type { Credentials, Repository } from '#/core/registry/contract.ts';
import { openRegistry } from '#/core/registry/open-registry.ts';
import { makeCertificate, startServer, type TestServer } from '#/core/registry/registry.fixture.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { digestOf } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';
import { parseReference } from '#/oci/reference.ts';

const registry = openRegistry({
  userAgent: 'berth-test',
  configFiles: [],
  stallTimeout: 300,
  retryPolicy: { attempts: 3, firstDelay: 5, longestDelay: 20 },
});

const open = async (server: TestServer, credentials: Credentials = {}): Promise<Repository> =>
  await registry.openRepository(parseReference(`${server.host}/a/b:1`), { credentials });

const layer = randomBytes(200_000);
const descriptor: Descriptor = { mediaType: mediaTypes.ociLayer, digest: digestOf(layer), size: layer.byteLength };
const manifest = Buffer.from('{"schemaVersion":2}');
const manifestDescriptor = {
  mediaType: mediaTypes.ociManifest,
  digest: digestOf(manifest),
  size: manifest.byteLength,
};

async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(body));
}

/** Answers the probe for plain http, and everything else as the test says; counts the latter. */
function serving(handle: (request: IncomingMessage, response: ServerResponse, count: number) => void): RequestListener {
  let count = 0;
  return (request, response) => {
    if (request.url === '/v2/') response.end();
    else handle(request, response, (count += 1));
  };
}

test('fetchBlob() of a truncated body is unavailable after the bytes that came', async () => {
  await using server = await startServer(
    serving((_request, response) => {
      response.writeHead(200, { 'content-length': layer.byteLength });
      response.write(layer.subarray(0, 100_000), () => response.destroy());
    }),
  );
  await using repository = await open(server);
  const { body } = await repository.fetchBlob(descriptor, 0);
  let got = 0;
  const reading = async (): Promise<void> => {
    for await (const chunk of body) got += chunk.byteLength;
  };
  await assert.rejects(reading(), { kind: 'unavailable' });
  assert(got > 0 && got <= 100_000);
});

test('fetchBlob() refuses a body of another length before and while reading', async () => {
  await using short = await startServer(serving((_request, response) => response.end('short')));
  await using first = await open(short);
  await assert.rejects(first.fetchBlob(descriptor, 0), { kind: 'data-loss', message: /has 5 bytes where/ });

  await using long = await startServer(
    serving((_request, response) => {
      response.write(layer);
      response.end('more');
    }),
  );
  await using second = await open(long);
  const { body } = await second.fetchBlob(descriptor, 0);
  await assert.rejects(collect(body), { kind: 'data-loss', message: /more bytes than the manifest says/ });

  await using cut = await startServer(
    serving((_request, response) => {
      response.write('cut');
      response.end();
    }),
  );
  await using third = await open(cut);
  const { body: rest } = await third.fetchBlob(descriptor, 0);
  await assert.rejects(collect(rest), { kind: 'unavailable', message: /stopped 199997 bytes before the end/ });
});

test('fetchBlob() from a server that ignores ranges starts at 0; a wrong range is refused', async () => {
  await using server = await startServer(
    serving((request, response, count) => {
      assert.equal(request.headers.range, 'bytes=1000-');
      if (count === 1) response.writeHead(200, { 'content-length': layer.byteLength }).end(layer);
      else response.writeHead(206, { 'content-range': `bytes 5-9/${layer.byteLength}` }).end('12345');
    }),
  );
  await using repository = await open(server);
  const { start, body } = await repository.fetchBlob(descriptor, 1000);
  assert.equal(start, 0);
  assert(layer.equals(await collect(body)));
  await assert.rejects(repository.fetchBlob(descriptor, 1000), {
    kind: 'unavailable',
    message: /from 1000 to 199999 of/,
  });
});

test('a stalled answer and a stalled body end as unavailable', async () => {
  await using server = await startServer(
    serving((request, response) => {
      if (request.url?.includes('/blobs/') !== true) return;
      response.writeHead(200, { 'content-length': layer.byteLength });
      response.write(layer.subarray(0, 50_000));
    }),
  );
  await using repository = await open(server);
  await assert.rejects(repository.resolve(), { kind: 'unavailable', message: /no answer for 0.3 seconds/ });
  const { body } = await repository.fetchBlob(descriptor, 0);
  await assert.rejects(collect(body), { kind: 'unavailable', message: /no byte for 0.3 seconds/ });
});

test('a slow reader is not a stalled server', async () => {
  await using server = await startServer(
    serving((_request, response) => void response.writeHead(200, { 'content-length': layer.byteLength }).end(layer)),
  );
  await using repository = await open(server);
  const { body } = await repository.fetchBlob(descriptor, 0);
  let got = 0;
  for await (const chunk of body) {
    if (got === 0) await new Promise((resolve) => setTimeout(resolve, 500));
    got += chunk.byteLength;
  }
  assert.equal(got, layer.byteLength);
});

test('fetchManifest() refuses bytes of another digest, another size, and beyond the limit', async () => {
  const answers = [Buffer.from('{"schemaVersion":3}'), Buffer.from('{}'), Buffer.from('{"schemaVersion":2} ')];
  await using server = await startServer(serving((_request, response, count) => response.end(answers[count - 1])));
  await using repository = await open(server);
  await assert.rejects(repository.fetchManifest(manifestDescriptor, 1000), { kind: 'data-loss', message: /digest/ });
  await assert.rejects(repository.fetchManifest(manifestDescriptor, 1000), { kind: 'data-loss', message: /2 bytes/ });
  await assert.rejects(repository.fetchManifest(manifestDescriptor, 1000), { kind: 'data-loss', message: /more than/ });
  await assert.rejects(repository.fetchManifest(manifestDescriptor, 5), { kind: 'resource-exhausted' });
});

test('resolve() reads the manifest when HEAD tells no digest, and checks the digest that was asked for', async () => {
  await using server = await startServer(
    serving((request, response) => {
      response.setHeader('content-type', mediaTypes.ociManifest);
      if (request.method === 'HEAD') response.end();
      else response.end(manifest);
    }),
  );
  await using repository = await open(server);
  assert.deepEqual(await repository.resolve(), manifestDescriptor);
  const other = parseReference(`${server.host}/a/b@${digestOf('other')}`);
  await using pinned = await registry.openRepository(other);
  await assert.rejects(pinned.resolve(), { kind: 'data-loss' });
});

test('resolve() does not believe a HEAD that names another digest than the one asked for', async () => {
  await using server = await startServer(
    serving((_request, response) => {
      const headers = { 'content-type': mediaTypes.ociManifest, 'docker-content-digest': digestOf('evil') };
      response.writeHead(200, { ...headers, 'content-length': 19 }).end(manifest);
    }),
  );
  await using repository = await registry.openRepository(parseReference(`${server.host}/a/b@${digestOf('good')}`));
  await assert.rejects(repository.resolve(), { kind: 'data-loss' });
});

test('a redirect loop ends after ten hops', async () => {
  let hops = 0;
  await using server = await startServer(
    serving((request, response) => {
      hops += 1;
      response.writeHead(307, { location: `${request.url ?? ''}x` }).end();
    }),
  );
  await using repository = await open(server);
  await assert.rejects(repository.fetchBlob(descriptor, 0), { kind: 'unavailable', message: /more than 10 times/ });
  assert.equal(hops, 11);
});

test('a redirect to another host carries no Authorization, and its own 401 gets no login', async () => {
  let seen: string | undefined = 'nothing';
  await using storage = await startServer((request, response) => {
    seen = request.headers.authorization;
    if (request.url?.includes('closed') === true) response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' });
    response.end(request.url?.includes('closed') === true ? '' : layer);
  });
  let closed = false;
  await using server = await startServer(
    serving((request, response) => {
      if (request.headers.authorization === undefined) {
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
        return;
      }
      const url = `http://${storage.host}/${closed ? 'closed' : 'data'}?signature=secret`;
      response.writeHead(302, { location: url }).end();
    }),
  );
  await using repository = await open(server, { username: 'ann', password: 'pw' });
  const { body } = await repository.fetchBlob(descriptor, 0);
  assert(layer.equals(await collect(body)));
  assert.equal(seen, undefined);
  closed = true;
  await assert.rejects(repository.fetchBlob(descriptor, 0), (error: Error & { kind?: string }) => {
    assert.equal(error.kind, 'unauthenticated');
    assert.doesNotMatch(error.message, /secret|signature/);
    return true;
  });
  assert.equal(seen, undefined);
});

test('from https nothing is followed to http unless nothing is verified, and an unknown certificate is refused', async () => {
  const tls = await makeCertificate();
  await using plain = await startServer((_request, response) => response.end(layer));
  await using server = await startServer(
    serving((_request, response) => void response.writeHead(302, { location: `http://${plain.host}/x` }).end()),
    tls,
  );
  const reference = parseReference(`${server.host}/a/b:1`);
  await using untrusting = await registry.openRepository(reference, { defaultScheme: 'https' });
  await assert.rejects(untrusting.fetchBlob(descriptor, 0), { kind: 'unavailable', message: /signed by itself/ });
  const trusting = openRegistry({ userAgent: 'berth-test', configFiles: [], ca: [tls.cert] });
  await using repository = await trusting.openRepository(reference, { defaultScheme: 'https' });
  await assert.rejects(repository.fetchBlob(descriptor, 0), { kind: 'failed-precondition', message: /not encrypted/ });
  await using loose = await registry.openRepository(reference);
  assert(layer.equals(await collect((await loose.fetchBlob(descriptor, 0)).body)));
});

test('a registry that says 401 for ever is asked twice, then unauthenticated', async () => {
  let count = 0;
  await using server = await startServer(
    serving((_request, response) => {
      count += 1;
      response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' }).end();
    }),
  );
  await using repository = await open(server, { username: 'ann', password: 'pw' });
  await assert.rejects(repository.fetchBlob(descriptor, 0), { kind: 'unauthenticated' });
  assert.equal(count, 2);
  await assert.rejects(repository.fetchBlob(descriptor, 0), { kind: 'unauthenticated' });
  assert.equal(count, 3);
});

test('429 and 5xx are tried again after the asked pause, a bounded number of times', async () => {
  const counts = { passing: 0, busy: 0, broken: 0 };
  await using server = await startServer(
    serving((request, response) => {
      if (request.url?.includes('1111') === true)
        response.writeHead(429).end('{"errors":[{"code":"TOOMANYREQUESTS"}]}');
      else if (request.url?.includes('2222') === true) response.writeHead(503).end();
      else if ((counts.passing += 1) < 3) response.writeHead(503, { 'retry-after': '0' }).end();
      else response.end(layer);
      if (request.url?.includes('1111') === true) counts.busy += 1;
      if (request.url?.includes('2222') === true) counts.broken += 1;
    }),
  );
  await using repository = await open(server);
  const { body } = await repository.fetchBlob(descriptor, 0);
  assert(layer.equals(await collect(body)));
  const named = (digit: string): Descriptor => ({
    ...descriptor,
    digest: `sha256:${digit.repeat(64)}` as Descriptor['digest'],
  });
  await assert.rejects(repository.fetchBlob(named('1'), 0), { kind: 'resource-exhausted', message: /TOOMANYREQUESTS/ });
  await assert.rejects(repository.fetchBlob(named('2'), 0), { kind: 'unavailable', message: /answered 503/ });
  assert.deepEqual({ busy: counts.busy, broken: counts.broken }, { busy: 3, broken: 3 });
});

test('a connection that is reset is tried again', async () => {
  await using server = await startServer(
    serving((_request, response, count) => {
      if (count === 1) response.socket?.resetAndDestroy();
      else response.end(layer);
    }),
  );
  await using repository = await open(server);
  const { body } = await repository.fetchBlob(descriptor, 0);
  assert(layer.equals(await collect(body)));
});

test('an error text is short, printable and without markup', async () => {
  await using server = await startServer(
    serving((request, response) => {
      if (request.url?.includes('/blobs/') === true)
        response.writeHead(403, { 'content-type': 'text/html' }).end('<b>');
      else response.writeHead(403).end(`\u001b[31mred\u001b[0m\u0007 ${'x'.repeat(5000)}`);
    }),
  );
  await using repository = await open(server);
  await assert.rejects(repository.fetchBlob(descriptor, 0), { kind: 'permission-denied', message: /answered 403$/ });
  await assert.rejects(repository.resolve(), (error: Error) => {
    assert.doesNotMatch(error.message, /[\u0000-\u001f]/);
    assert(error.message.length < 1000);
    return true;
  });
});

test('a layer that may not be distributed comes from its own place, without credentials', async () => {
  let seen: string | undefined = 'nothing';
  await using elsewhere = await startServer((request, response) => {
    seen = request.headers.authorization;
    response.end(layer);
  });
  await using server = await startServer(serving((_request, response) => void response.writeHead(404).end()));
  await using repository = await open(server, { username: 'ann', password: 'pw' });
  const urls = [`http://${elsewhere.host}/layer`];
  const mediaType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
  const { body } = await repository.fetchBlob({ ...descriptor, mediaType, urls }, 0);
  assert(layer.equals(await collect(body)));
  assert.equal(seen, undefined);
  await assert.rejects(repository.fetchBlob({ ...descriptor, urls }, 0), { kind: 'not-found' });
});
