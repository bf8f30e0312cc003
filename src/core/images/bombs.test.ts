import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { decompressArchive } from '#/core/images/archive-stream.ts';
import { openStore, type TestStore } from '#/core/images/images.fixture.ts';
import { archiveOf } from '#/core/layers/archive-fixture.ts';
import { openRegistry } from '#/core/registry/open-registry.ts';
import { startServer } from '#/core/registry/registry.fixture.ts';
import { digestOf } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';
import { parseReference } from '#/oci/reference.ts';

const ns = 'default';
const layer = { mediaType: mediaTypes.ociLayer, digest: digestOf('layer'), size: 5 };
const config = { mediaType: mediaTypes.ociConfig, digest: digestOf('config'), size: 6 };
const manifestWith = (more: object): Buffer =>
  Buffer.from(
    JSON.stringify({ schemaVersion: 2, mediaType: mediaTypes.ociManifest, config, layers: [layer], ...more }),
  );

function assertNothingLeft({ metadata }: TestStore): void {
  const { read } = metadata;
  assert.deepEqual(
    [read.leases, read.snapshots, read.images, read.content, read.ingests].map((kind) => kind.list(ns).length),
    [0, 0, 0, 0, 0],
  );
}

const monsters: Readonly<Record<string, readonly [Buffer, object]>> = {
  'thousands of layers': [
    manifestWith({ layers: Array.from({ length: 3000 }, () => layer) }),
    { kind: 'invalid-argument', message: /lists 3000 layers, more than 1000/ },
  ],
  'a manifest of many megabytes': [
    manifestWith({ annotations: { padding: 'x'.repeat(9 * 1024 * 1024) } }),
    { message: /8388608/ },
  ],
};

for (const [what, [manifest, expected]] of Object.entries(monsters)) {
  const digest = digestOf(manifest);

  test(`pull() of ${what} is refused by its limit, and leaves nothing`, async () => {
    await using server = await startServer((request, response) => {
      if (request.url === '/v2/') return void response.end();
      response.writeHead(200, { 'content-type': mediaTypes.ociManifest, 'content-length': manifest.byteLength });
      response.end(request.method === 'HEAD' ? undefined : manifest);
    });
    await using store = await openStore(openRegistry({ userAgent: 'test', configFiles: [] }));
    await assert.rejects(store.images.pull(ns, { reference: parseReference(`${server.host}/app:1`) }), expected);
    assertNothingLeft(store);
  });

  test(`import() of ${what} is refused by its limit, and leaves nothing`, async () => {
    const entry = { mediaType: mediaTypes.ociManifest, digest, size: manifest.byteLength };
    const index = JSON.stringify({ schemaVersion: 2, manifests: [entry] });
    const archive = archiveOf(
      { name: 'index.json', content: index },
      { name: `blobs/sha256/${digest.slice(7)}`, content: manifest },
    );
    await using store = await openStore();
    await assert.rejects(store.images.import(ns, { archive: piecesOf(archive) }), expected);
    assertNothingLeft(store);
  });
}

async function* piecesOf(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let offset = 0; offset < bytes.byteLength; offset += 65_536) yield bytes.subarray(offset, offset + 65_536);
}

test('decompressArchive() ends an archive that becomes too large for what came', async () => {
  const bomb = Buffer.concat(Array.from({ length: 12 }, () => gzipSync(Buffer.alloc(100 * 1024 * 1024))));
  const limits = { ratio: 200, size: 0 };
  await assert.rejects(Array.fromAsync(sizesOf(decompressArchive(piecesOf(bomb), limits))), {
    kind: 'resource-exhausted',
    message: /larger than 1073741824 bytes.*max_layer_ratio/,
  });
  const [fine] = [bomb.subarray(0, bomb.byteLength / 12)];
  const sizes = await Array.fromAsync(sizesOf(decompressArchive(piecesOf(fine), limits)));
  assert.equal(
    sizes.reduce((sum, size) => sum + size, 0),
    100 * 1024 * 1024,
  );
});

async function* sizesOf(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<number> {
  for await (const chunk of chunks) yield chunk.byteLength;
}
