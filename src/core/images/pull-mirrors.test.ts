import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import type { RequestListener, ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openStore } from '#/core/images/images.fixture.ts';
import { openRegistry } from '#/core/registry/open-registry.ts';
import { startServer } from '#/core/registry/registry.fixture.ts';
import { digestOf } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';
import { parsePlatform } from '#/oci/platform.ts';
import { parseReference } from '#/oci/reference.ts';

const layer = randomBytes(2_500_000);
const describe = (mediaType: string, data: Buffer) => ({ mediaType, digest: digestOf(data), size: data.byteLength });
const config = Buffer.from(
  JSON.stringify({ os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: [digestOf('x')] } }),
);
const manifest = Buffer.from(
  JSON.stringify({
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: describe(mediaTypes.ociConfig, config),
    layers: [describe(mediaTypes.ociLayer, layer)],
  }),
);
const blobs = new Map<string, Buffer>([manifest, config, layer].map((data) => [digestOf(data), data]));

/** Serves the image; `answerLayer` may answer for the layer in its own way. */
function serve(answerLayer: (response: ServerResponse, start: number) => boolean): RequestListener {
  return (request, response) => {
    const [name = ''] = (request.url ?? '').split('?')[0]?.split('/').slice(-1) ?? [];
    const data = name === '1' ? manifest : (blobs.get(name) ?? Buffer.alloc(0));
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    if (data === layer && answerLayer(response, start)) return;
    const range = start === 0 ? {} : { 'content-range': `bytes ${start}-${data.length - 1}/${data.length}` };
    response.writeHead(start === 0 ? 200 : 206, {
      'content-type': mediaTypes.ociManifest,
      'docker-content-digest': digestOf(data),
      'content-length': data.length - start,
      ...range,
    });
    response.end(request.method === 'HEAD' ? undefined : data.subarray(start));
  };
}

async function pullThrough(mirrors: readonly RequestListener[], upstream: RequestListener): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const start = async (handle: RequestListener): Promise<string> => stack.use(await startServer(handle)).host;
  const hosts = await Promise.all(mirrors.map(start));
  const certs = stack.use(await mkdtempDisposable(join(tmpdir(), 'berth-certs.d-')));
  await mkdir(join(certs.path, 'registry.test'));
  const lines = [`server = "http://${await start(upstream)}"`, ...hosts.map((host) => `[host."http://${host}"]`)];
  await writeFile(join(certs.path, 'registry.test', 'hosts.toml'), lines.join('\n'));
  const registry = openRegistry({
    userAgent: 'berth-test',
    configFiles: [],
    certificatePath: certs.path,
    retryPolicy: { attempts: 2, firstDelay: 1, longestDelay: 2 },
  });
  const store = stack.use(await openStore(registry));
  const reference = parseReference('registry.test/app:1');
  try {
    await store.images.pull('default', { reference, platforms: [parsePlatform('linux/amd64')] });
  } catch (error) {
    assert.deepEqual(await store.content.listIngests('default'), []);
    assert.deepEqual([store.images.list('default'), store.content.list('default')], [[], []]);
    throw error;
  }
  const stored = await Array.fromAsync(store.content.read('default', digestOf(layer)));
  assert(layer.equals(Buffer.concat(stored)));
}

const honest = serve(() => false);

test('pull() gets a layer from the next host when a mirror has other bytes of the right length', async () => {
  const answers: string[] = [];
  const lying = serve((response, start) => {
    answers.push(`lying ${start}`);
    response.end(randomBytes(layer.length - start));
    return true;
  });
  await pullThrough([lying, lying], honest);
  assert.deepEqual(answers, ['lying 0', 'lying 0']);
  await assert.rejects(pullThrough([lying], lying), {
    kind: 'data-loss',
    message: /other bytes than the manifest names/,
  });
});

test('pull() goes on at the next host where a mirror broke off, and begins anew when the two do not fit', async () => {
  const starts: number[] = [];
  const noting = serve((_response, start) => {
    starts.push(start);
    return false;
  });
  const breaking = (bytes: Buffer): RequestListener =>
    serve((response, start) => {
      response.writeHead(start === 0 ? 200 : 206, { 'content-length': layer.length - start });
      response.write(bytes.subarray(0, 1_200_000), () => setTimeout(() => response.destroy(), 30));
      return true;
    });
  await pullThrough([breaking(layer)], noting);
  assert.equal(starts.length, 1);
  assert(starts.every((start) => start > 0));
  starts.length = 0;
  await pullThrough([breaking(randomBytes(layer.length))], noting);
  assert.equal(starts.length, 2);
  assert.equal(starts[1], 0);
});
