import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { RequestListener } from 'node:http';
import { test } from 'node:test';
import type { FetchedBlob } from '#/core/registry/contract.ts';
import { fetchParts, splitRange, type ByteRange } from '#/core/registry/fetch-parts.ts';
import { openRegistry } from '#/core/registry/open-registry.ts';
import { startRegistry, startServer } from '#/core/registry/registry.fixture.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { digestOf } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';
import { parseReference } from '#/oci/reference.ts';

const layer = randomBytes(1_000_003);
const descriptor: Descriptor = { mediaType: mediaTypes.ociLayer, digest: digestOf(layer), size: layer.byteLength };
const registry = openRegistry({
  userAgent: 'berth-test',
  configFiles: [],
  retryPolicy: { attempts: 2, firstDelay: 1, longestDelay: 2 },
  stallTimeout: 2000,
  parts: { size: 100_000, atOnce: 3 },
});

/** Fetches from `offset` what a server has, and gives back what came and the server's ranges. */
async function fetchFrom(
  handle: RequestListener,
  offset = 0,
): Promise<{ readonly blob: FetchedBlob; readonly got: Buffer }> {
  await using server = await startServer(handle);
  await using repository = await registry.openRepository(parseReference(`${server.host}/a:1`), {
    defaultScheme: 'http',
  });
  const blob = await repository.fetchBlob(descriptor, offset);
  return { blob, got: Buffer.concat(await Array.fromAsync(blob.body)) };
}

type Answer = (range: ByteRange, index: number) => { readonly range?: ByteRange; readonly body?: Uint8Array } | 'whole';

function ranging(answer: Answer): RequestListener {
  let index = 0;
  return (request, response) => {
    const [, from = '0', to = ''] = /^bytes=(\d+)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const range = { from: Number(from), to: to === '' ? layer.byteLength - 1 : Number(to) };
    const given = answer(range, (index += 1));
    if (given === 'whole') {
      response.end(layer);
      return;
    }
    const told = given.range ?? range;
    const body = given.body ?? layer.subarray(range.from, range.to + 1);
    response.writeHead(206, { 'content-range': `bytes ${told.from}-${told.to}/${layer.byteLength}` });
    response.end(body);
  };
}

test('fetchBlob() gets a large blob in parts from a real registry, from the start and from the middle', async () => {
  await using server = await startRegistry();
  await using repository = await registry.openRepository(parseReference(`${server.host}/a:1`));
  const read = async function* (): AsyncGenerator<Uint8Array> {
    yield layer;
  };
  await repository.pushBlob({ descriptor, read });
  for (const offset of [0, 1, 99_999, 900_003, layer.byteLength - 1]) {
    const { start, body } = await repository.fetchBlob(descriptor, offset);
    assert.equal(start, offset);
    assert(layer.subarray(offset).equals(Buffer.concat(await Array.fromAsync(body))), `from ${offset}`);
  }
});

test('fetchBlob() asks for parts side by side, and for each once', async () => {
  const asked: ByteRange[] = [];
  let open = 0;
  let most = 0;
  const { got } = await fetchFrom((request, response) => {
    most = Math.max(most, (open += 1));
    response.once('close', () => (open -= 1));
    setTimeout(() => {
      ranging((range) => {
        asked.push(range);
        return {};
      })(request, response);
    }, 20);
  });
  assert(layer.equals(got));
  assert.equal(most, 3);
  assert.equal(asked.length, 11);
  assert.deepEqual(
    asked.toSorted((one, other) => one.from - other.from),
    splitRange({ from: 0, to: layer.byteLength - 1 }, 100_000),
  );
});

test('fetchBlob() takes the whole from a server that ignores ranges, at first or later', async () => {
  const { blob, got } = await fetchFrom(
    ranging(() => 'whole'),
    500_000,
  );
  assert.equal(blob.start, 0);
  assert(layer.equals(got));
  await assert.rejects(fetchFrom(ranging((_range, index) => (index > 4 ? 'whole' : {}))), {
    kind: 'unavailable',
    message: /gives ranges no more$/,
  });
});

test('fetchBlob() refuses parts of another place, of another length, and from beyond the end', async () => {
  const from = (range: ByteRange, by: number): ByteRange => ({ from: range.from + by, to: range.to + by });
  await assert.rejects(fetchFrom(ranging((range, index) => (index === 3 ? { range: from(range, 1) } : {}))), {
    kind: 'unavailable',
    message: /asked for bytes from \d+ to \d+ of 1000003, the server gave "bytes/,
  });
  await assert.rejects(fetchFrom(ranging((_range, index) => (index === 3 ? { body: randomBytes(5) } : {}))), {
    kind: 'unavailable',
    message: /stopped 99995 bytes before the end/,
  });
  const whole = { from: 0, to: layer.byteLength - 1 };
  await assert.rejects(fetchFrom(ranging((_range, index) => (index === 2 ? { range: whole, body: layer } : {}))), {
    kind: 'unavailable',
  });
});

test('fetchParts() stops what is under way when its reader stops', async () => {
  const stopped: number[] = [];
  const ranges = splitRange({ from: 0, to: 99 }, 10);
  const parts = fetchParts(ranges, 3, async ({ from }, signal) => {
    if (from > 0) await new Promise((resolve) => signal.addEventListener('abort', resolve));
    if (signal.aborted) stopped.push(from);
    return (async function* () {
      yield Buffer.alloc(10);
    })();
  });
  for await (const chunk of parts) {
    assert.equal(chunk.byteLength, 10);
    break;
  }
  assert.deepEqual(stopped, [10, 20]);
});
