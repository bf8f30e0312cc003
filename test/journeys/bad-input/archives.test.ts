/** Archives that are cut off, spoilt or lie, handed to `POST /images/load`. */
import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { after, before, test } from 'node:test';
import { gzipSync, zstdCompressSync } from 'node:zlib';
import { archiveOf, type Member } from '#/core/layers/archive-fixture.ts';
import { digestOf } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';
import { makeHelloArchive } from '../../support/hello-image.ts';
import { startJourney, type Journey } from '../../support/journey.ts';
import { busyboxLayer, dockerArchive, imageConfig } from '../../support/layered-image.ts';

let journey: Journey;

before(async () => {
  journey = await startJourney();
});

after(async () => {
  await journey[Symbol.asyncDispose]();
});

/** The archive is refused for that reason, leaves nothing, and the same image when it is whole is taken. */
async function assertRefused(archive: Uint8Array, why: RegExp): Promise<void> {
  const before = await journey.client.images.list();
  await assert.rejects(journey.load(archive), why);
  assert.deepEqual(await journey.client.images.list(), before);
  await journey.assertInOrder();
}

const random = randomBytes(300_000);
const layer = archiveOf({ name: 'random', content: random });

/** The members of an OCI layout with one image; `spoil` changes some. */
function layoutArchive(spoil: (members: Map<string, Buffer>) => void = () => {}): Buffer {
  const members = new Map<string, Buffer>();
  const add = (mediaType: string, data: Buffer): object => {
    members.set(`blobs/sha256/${digestOf(data).slice('sha256:'.length)}`, data);
    return { mediaType, digest: digestOf(data), size: data.length };
  };
  const json = (value: unknown): Buffer => Buffer.from(JSON.stringify(value));
  const config = add(mediaTypes.ociConfig, imageConfig({ layers: [layer] }));
  const layers = [add(mediaTypes.ociLayerGzip, gzipSync(layer))];
  const manifest = add(mediaTypes.ociManifest, json({ schemaVersion: 2, config, layers }));
  const annotations = { 'io.containerd.image.name': 'docker.io/library/laid:1' };
  members.set('oci-layout', json({ imageLayoutVersion: '1.0.0' }));
  members.set('index.json', json({ schemaVersion: 2, manifests: [{ ...manifest, annotations }] }));
  spoil(members);
  return archiveOf(...[...members].map(([name, content]): Member => ({ name, content })));
}

/** The largest blob: the layer. */
const layerName = (members: ReadonlyMap<string, Buffer>): string =>
  [...members].toSorted(([, one], [, other]) => other.length - one.length)[0]?.[0] ?? '';

test('load refuses an archive that is cut off, wherever that is', async () => {
  const archive = dockerArchive('cut:1', { layers: [layer] });
  await assertRefused(archive.subarray(0, 200), /Cannot read the archive: it is cut off inside a header/);
  await assertRefused(archive.subarray(0, 100_000), /Cannot read the archive: it is cut off inside "layer-0\.tar"/);
  await assertRefused(archive.subarray(0, archive.length - 3000), /Cannot (read|import) the archive: /);
  await assertRefused(
    gzipSync(archive).subarray(0, 100_000),
    /Cannot (read|import) the archive: .*(cut off|unexpected end)/,
  );
  await assertRefused(zstdCompressSync(archive).subarray(0, 100_000), /Cannot (read|import) the archive: /);
  await assertRefused(new Uint8Array(), /Cannot import the archive: it has neither/);
  await journey.load(archive);
  await journey.client.images.remove('cut:1');
});

test('load refuses what is no archive at all', async () => {
  await assertRefused(
    Buffer.from('#!/bin/sh\necho hello\n'.repeat(100)),
    /Cannot read the archive: a header has a wrong checksum/,
  );
  await assertRefused(random, /Cannot (read|import) the archive: /);
  await assertRefused(gzipSync(random), /Cannot (read|import) the archive: /);
  await assertRefused(
    archiveOf({ name: 'readme', content: 'no image' }),
    /neither an index\.json nor a manifest\.json/,
  );
});

test('load refuses a blob whose bytes are not what its name says', async () => {
  const spoilt = layoutArchive((members) => {
    const name = layerName(members);
    const data = Buffer.from(members.get(name) ?? '');
    data.writeUInt8((data.readUInt8(1000) + 1) % 256, 1000);
    members.set(name, data);
  });
  await assertRefused(spoilt, /entry "blobs\/sha256\/[0-9a-f]+": its content has digest sha256:/);
  await journey.load(layoutArchive());
  await journey.client.images.remove('laid:1');
});

test('load refuses an image whose layer, config or manifest is missing', async () => {
  const without = (pattern: RegExp): Buffer =>
    layoutArchive((members) => {
      for (const [name, data] of members) if (pattern.test(data.toString('latin1'))) members.delete(name);
    });
  await assertRefused(
    layoutArchive((members) => void members.delete(layerName(members))),
    /it is incomplete: Cannot use image sha256:[0-9a-f]+: its content sha256:[0-9a-f]+ is not here/,
  );
  await assertRefused(without(/diff_ids/), /incomplete/);
  await assertRefused(without(/"layers":\[\{/), /incomplete/);
  await assertRefused(
    layoutArchive((members) => void members.set('index.json', Buffer.from('{"schemaVersion":2,'))),
    /index\.json|JSON/,
  );
});

test('load refuses layers that are not what the config says, and compressed ones that are spoilt', async () => {
  const lying = dockerArchive('lying:1', { layers: [layer], diffIds: [digestOf('something else')] });
  await assertRefused(
    lying,
    /Cannot import the archive: layer "layer-0\.tar" has digest sha256:[0-9a-f]+ where the config says sha256:/,
  );
  const tooFew = dockerArchive('few:1', { layers: [layer], diffIds: [] });
  await assertRefused(tooFew, /layers/);
  const spoilt = Buffer.from(gzipSync(layer));
  spoilt.fill(0, 1000, 2000);
  const compressed = dockerArchive('spoilt:1', { layers: [spoilt], diffIds: [digestOf(layer)] });
  await assertRefused(compressed, /Cannot unpack layer sha256:[0-9a-f]+: /);
});

test('load refuses an image that is not for this platform, and says which it is for', async () => {
  const other = dockerArchive('other:1', { layers: [await busyboxLayer()], architecture: 's390x' });
  await assertRefused(other, /linux\/s390x/);
});

test('load refuses names that cannot be an image’s', async () => {
  for (const name of ['UPPER:1', '../../etc:1', 'a b:1', 'ok:', 'x'.repeat(300), 'a//b:1', '-:1'])
    await assertRefused(dockerArchive(name, { layers: [layer] }), /Cannot .*(name|reference)/);
});

test('load refuses documents that are not what they should be', async () => {
  const config = imageConfig({ layers: [layer] });
  const manifest = (value: unknown): Buffer =>
    archiveOf(
      { name: 'config.json', content: config },
      { name: 'layer.tar', content: layer },
      { name: 'manifest.json', content: typeof value === 'string' ? value : JSON.stringify(value) },
    );
  const good = { Config: 'config.json', RepoTags: ['documents:1'], Layers: ['layer.tar'] };
  for (const value of [
    'null',
    '{}',
    '[',
    '[null]',
    [{ ...good, Config: '../../../etc/passwd' }],
    [{ ...good, Config: 'layer.tar' }],
    [{ ...good, Layers: ['/etc/shadow'] }],
    [{ ...good, Layers: 'layer.tar' }],
    [{ ...good, Layers: [] }],
    [{ ...good, RepoTags: [7] }],
  ])
    await assertRefused(manifest(value), /^EngineError: .*Cannot /);
  await journey.load(manifest([good]));
  await journey.client.images.remove('documents:1');
});

test('a load whose client goes away leaves nothing', async () => {
  const archive = dockerArchive('gone:1', { layers: [layer] });
  const leaving = async function* (): AsyncGenerator<Uint8Array> {
    yield archive.subarray(0, 150_000);
    throw new Error('the client left');
  };
  await assert.rejects(journey.load(Buffer.alloc(0)).then(() => journey.client.images.load(leaving())));
  await journey.assertInOrder();
  await journey.load(await makeHelloArchive());
});
