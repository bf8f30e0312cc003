import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore, type TestStore } from '#/core/images/images.fixture.ts';
import type { ImageRecord } from '#/core/metadata/contract.ts';
import { now } from '#/base/clock.ts';
import { digestOf, hexOf, parseDigest, type Digest } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';
import { parseReference } from '#/oci/reference.ts';

const ns = 'default';

/** Stores an image that is only documents. */
async function put(store: TestStore, name: string, note: string): Promise<{ record: ImageRecord; config: Digest }> {
  const json = (value: unknown): Uint8Array => Buffer.from(JSON.stringify(value));
  const { content, metadata } = store;
  const config = await content.put(ns, json({ author: note, rootfs: { type: 'layers', diff_ids: [] } }));
  const manifest = await content.put(
    ns,
    json({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: { mediaType: mediaTypes.ociConfig, digest: config.digest, size: config.size },
      layers: [],
    }),
  );
  const target = { mediaType: mediaTypes.ociManifest, digest: manifest.digest, size: manifest.size };
  const at = now();
  const record: ImageRecord = { name, target, labels: {}, createdAt: at, updatedAt: at };
  await metadata.write((tx) => tx.images.create(ns, record));
  return { record, config: config.digest };
}

test('find() takes the stored name, the short name, a digest in a repository, and ids', async () => {
  await using store = await openStore();
  const { record, config } = await put(store, 'docker.io/library/busybox:latest', 'a');
  const { digest } = record.target;
  const names = [
    'docker.io/library/busybox:latest',
    'busybox',
    'busybox:latest',
    'library/busybox',
    'docker.io/busybox',
  ];
  const pinned = [`busybox@${digest}`, `busybox:other@${digest}`];
  const ids = [digest, hexOf(digest), hexOf(digest).slice(0, 12), hexOf(digest).slice(0, 4), digest.slice(0, 15)];
  const configs = [config, hexOf(config), hexOf(config).slice(0, 12)];
  for (const text of [...names, ...pinned, ...ids, ...configs])
    assert.equal((await store.images.find(ns, text))?.name, record.name, text);
});

test('find() finds nothing for what does not fit; get() then throws not-found', async () => {
  await using store = await openStore();
  const { record } = await put(store, 'docker.io/library/busybox:latest', 'a');
  const { digest } = record.target;
  const wrong = [
    'busybox:1',
    'alpine',
    `alpine@${digest}`,
    `busybox@${digestOf('x')}`,
    hexOf(digest).slice(0, 3),
    '',
    'A B',
    'sha256:',
  ];
  for (const text of wrong) assert.equal(await store.images.find(ns, text), undefined, text);
  assert.equal(await store.images.find('other', 'busybox'), undefined);
  await assert.rejects(store.images.get(ns, 'alpine'), { kind: 'not-found', message: /Cannot find image "alpine"/ });
});

test('find() of an id that fits two images is invalid-argument; one image with two names is no doubt', async () => {
  await using store = await openStore();
  const seen = new Map<string, string>();
  let shared: string | undefined;
  for (let index = 0; shared === undefined; index += 1) {
    const { record } = await put(store, `docker.io/library/x:${index}`, String(index));
    const prefix = hexOf(record.target.digest).slice(0, 4);
    if (seen.has(prefix)) shared = prefix;
    seen.set(prefix, record.name);
    if (index > 2000) break;
  }
  assert(shared !== undefined, 'no two of two thousand digests began alike');
  await assert.rejects(store.images.find(ns, shared), { kind: 'invalid-argument', message: /give more digits/ });
});

test('find() prefers a name to an id, and a real name to a digest', async () => {
  await using store = await openStore();
  const { record } = await put(store, 'docker.io/library/one:latest', 'a');
  const { digest } = record.target;
  const prefix = hexOf(digest).slice(0, 8);
  await put(store, `docker.io/library/${prefix}:latest`, 'b');
  assert.equal((await store.images.find(ns, prefix))?.name, `docker.io/library/${prefix}:latest`);
  await store.metadata.write((tx) => tx.images.create(ns, { ...record, name: digest }));
  assert.equal((await store.images.find(ns, digest))?.name, digest);
  assert.equal((await store.images.find(ns, digest.slice(0, 20)))?.name, 'docker.io/library/one:latest');
});

test('tag() moves a name, keeps the source, and refuses digests and unknown sources', async () => {
  await using store = await openStore();
  const one = await put(store, 'docker.io/library/one:1', 'a');
  const two = await put(store, 'docker.io/library/two:1', 'b');
  const tagged = await store.images.tag(ns, 'one:1', parseReference('two:1'));
  assert.equal(tagged.target.digest, one.record.target.digest);
  assert.equal(tagged.createdAt, two.record.createdAt);
  assert.equal(store.images.list(ns).length, 2);
  await assert.rejects(store.images.tag(ns, 'none', parseReference('x')), { kind: 'not-found' });
  const pinned = parseReference(`x@${parseDigest(one.config)}`);
  await assert.rejects(store.images.tag(ns, 'one:1', pinned), { kind: 'invalid-argument' });
});
