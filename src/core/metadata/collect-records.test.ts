import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Labels } from '#/base/any.ts';
import { formatTime, now as currentTime } from '#/base/clock.ts';
import type { Removed, Transaction } from '#/core/metadata/contract.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import { digestOf } from '#/oci/digest.ts';

const hour = 3600n * 1_000_000_000n;
const now = currentTime();
const past = formatTime(now - hour);
const future = formatTime(now + hour);
const at = { createdAt: 1n, updatedAt: 1n };
const gc = (name: string): string => `containerd.io/gc.${name}`;

/** Short ways to write records: things are named by a word. */
function scene(tx: Transaction, namespace = 'n') {
  return {
    blob: (word: string, labels: Labels = {}) =>
      tx.content.create(namespace, { ...at, digest: digestOf(word), size: 1, labels }),
    image: (name: string, word: string, labels: Labels = {}) =>
      tx.images.create(namespace, { ...at, name, labels, target: { mediaType: 'm', digest: digestOf(word), size: 1 } }),
    snapshot: (key: string, parent = '', labels: Labels = {}) =>
      tx.snapshots.create(namespace, {
        ...at,
        snapshotter: 'overlayfs',
        key,
        id: 1,
        kind: 'committed',
        parent,
        size: 0,
        inodes: 0,
        labels,
      }),
    container: (id: string, snapshotKey: string, labels: Labels = {}) =>
      tx.containers.create(namespace, {
        ...at,
        id,
        image: '',
        runtime: { name: 'r' },
        spec: { typeUrl: 's', value: new Uint8Array() },
        snapshotter: 'overlayfs',
        snapshotKey,
        extensions: {},
        sandbox: '',
        labels,
      }),
    lease: (id: string, resources: readonly (readonly [string, string])[], labels: Labels = {}) => {
      tx.leases.create(namespace, { id, labels, createdAt: 1n });
      for (const [type, resource] of resources) tx.addLeaseResource(namespace, id, { type, id: resource });
    },
    ingest: (ref: string, expiresAt: bigint, expected = '') =>
      tx.ingests.create(namespace, {
        ref,
        directory: ref,
        expected,
        total: 0,
        expiresAt,
        startedAt: 1n,
        updatedAt: 1n,
      }),
  };
}

const words = ['config', 'layer1', 'layer2', 'manifest', 'index', 'old', 'other', 'kept', 'lone'];
const wordOf = (digest: string): string => words.find((word) => digestOf(word) === digest) ?? digest;

async function garbageAfter(fill: (scene_: ReturnType<typeof scene>, tx: Transaction) => void) {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'garbage-'));
  await using metadata = await openMetadata({ path: join(dir.path, 'meta.db') });
  await metadata.write((tx) => fill(scene(tx), tx));
  return summary((await metadata.collectGarbage()).removed);
}

const summary = (removed: readonly Removed[]) => ({
  content: removed.flatMap((one) => (one.kind === 'content' ? [wordOf(one.digest)] : [])).sort(),
  snapshots: removed.flatMap((one) => (one.kind === 'snapshot' ? [one.record.key] : [])),
  ingests: removed.flatMap((one) => (one.kind === 'ingest' ? [one.record.ref] : [])),
  leases: removed.flatMap((one) => (one.kind === 'lease' ? [one.id] : [])),
  images: removed.flatMap((one) => (one.kind === 'image' ? [one.name] : [])),
});
const nothing = { content: [], snapshots: [], ingests: [], leases: [], images: [] };

test('collectGarbage() keeps what an image reaches through labels and finds the rest', async () => {
  const found = await garbageAfter((make) => {
    make.image('busybox', 'index');
    make.blob('index', { [gc('ref.content.m.0')]: digestOf('manifest') });
    make.blob('manifest', {
      [gc('ref.content.config')]: digestOf('config'),
      [gc('ref.content.l.0')]: digestOf('layer1'),
      [gc('ref.content/x')]: digestOf('layer2'),
      [gc('ref.contents')]: digestOf('lone'),
    });
    make.blob('config', { [gc('ref.snapshot.overlayfs')]: 'top' });
    make.blob('layer1');
    make.blob('layer2');
    make.blob('lone');
    make.snapshot('top', 'base');
    make.snapshot('base');
    make.snapshot('lone');
  });
  assert.deepEqual(found, { ...nothing, content: ['lone'], snapshots: ['lone'] });
});

test('collectGarbage() lists snapshots children before parents', async () => {
  const found = await garbageAfter((make) => {
    for (const [key, parent] of [
      ['a', ''],
      ['b', 'a'],
      ['m', 'a'],
      ['z', ''],
      ['c', 'b'],
      ['0', 'c'],
    ] as const)
      make.snapshot(key, parent);
  });
  const place = (key: string): number => found.snapshots.indexOf(key);
  assert.equal(found.snapshots.length, 6);
  assert(place('0') < place('c') && place('c') < place('b') && place('b') < place('a') && place('m') < place('a'));
});

test('collectGarbage() keeps the snapshot of a container with its parents, and what its labels name', async () => {
  const found = await garbageAfter((make) => {
    make.container('c', 'box', { [gc('ref.content.x')]: digestOf('kept'), [gc('ref.snapshot.overlayfs/1')]: 'side' });
    make.container('bare', '');
    make.snapshot('base');
    make.snapshot('box', 'base');
    make.snapshot('side');
    make.snapshot('gone', 'base');
    make.blob('kept');
    make.blob('other');
  });
  assert.deepEqual(found, { ...nothing, content: ['other'], snapshots: ['gone'] });
});

test('collectGarbage() keeps what a live lease lists and all behind it, and lets an expired lease go', async () => {
  const fill = (labels: Labels) => (make: ReturnType<typeof scene>) => {
    make.lease(
      'l',
      [
        ['content', digestOf('manifest')],
        ['snapshots/overlayfs', 'top'],
        ['ingests', 'i'],
      ],
      labels,
    );
    make.blob('manifest', { [gc('ref.content.l.0')]: digestOf('layer1') });
    make.blob('layer1');
    make.snapshot('base', '', { [gc('ref.content')]: digestOf('other') });
    make.snapshot('top', 'base');
    make.blob('other');
    make.ingest('i', now - hour);
  };
  assert.deepEqual(await garbageAfter(fill({})), nothing);
  assert.deepEqual(await garbageAfter(fill({ [gc('expire')]: future })), nothing);
  assert.deepEqual(await garbageAfter(fill({ [gc('expire')]: 'tomorrow' })), nothing);
  assert.deepEqual(await garbageAfter(fill({ [gc('expire')]: past })), {
    content: ['layer1', 'manifest', 'other'],
    snapshots: ['top', 'base'],
    ingests: ['i'],
    leases: ['l'],
    images: [],
  });
  assert.deepEqual(await garbageAfter(fill({ [gc('flat')]: 'x' })), { ...nothing, content: ['layer1', 'other'] });
});

test('collectGarbage() follows labels where a flat and a full lease hold the same thing', async () => {
  const found = await garbageAfter((make) => {
    make.lease('flat', [['content', digestOf('manifest')]], { [gc('flat')]: 'x' });
    make.lease('full', [['content', digestOf('manifest')]]);
    make.blob('manifest', { [gc('ref.content.0')]: digestOf('config') });
    make.blob('config');
  });
  assert.deepEqual(found, nothing);
});

test('collectGarbage() lets an expired image go unless a lease or a label keeps it', async () => {
  const expired = { [gc('expire')]: past };
  const found = await garbageAfter((make) => {
    make.image('expired', 'old', expired);
    make.image('leased', 'manifest', expired);
    make.image('referred', 'layer1', expired);
    make.image('later', 'layer2', { [gc('expire')]: future });
    make.image('keeper', 'index', { [gc('ref.image')]: 'referred' });
    make.lease('l', [['images', 'leased']]);
    for (const word of ['old', 'manifest', 'layer1', 'layer2', 'index']) make.blob(word);
  });
  assert.deepEqual(found, { ...nothing, content: ['old'], images: ['expired'] });
});

test('collectGarbage() keeps roots, and young ingests with the blob that they expect', async () => {
  const found = await garbageAfter((make) => {
    make.blob('kept', { [gc('root')]: '2026' });
    make.blob('other', { [gc('root')]: '' });
    make.snapshot('base');
    make.snapshot('rooted', 'base', { [gc('root')]: '1' });
    make.ingest('young', now + hour, digestOf('config'));
    make.ingest('stale', now - hour, digestOf('old'));
    make.ingest('unleased', 0n);
    make.blob('config');
    make.blob('old');
  });
  assert.deepEqual(found, { ...nothing, content: ['old', 'other'], ingests: ['stale', 'unleased'] });
});

test('collectGarbage() keeps what names its keeper by a back reference', async () => {
  const found = await garbageAfter((make) => {
    make.container('c', '');
    make.image('i', 'index');
    make.blob('index');
    make.blob('config', { [gc('bref.container')]: 'c' });
    make.blob('layer1', { [gc('bref.image.x')]: 'i' });
    make.blob('layer2', { [gc('bref.content.a')]: digestOf('layer1') });
    make.blob('old', { [gc('bref.content')]: digestOf('other') });
    make.blob('other', { [gc('bref.container')]: 'gone' });
    make.snapshot('s', '', { [gc('bref.content')]: digestOf('config') });
    make.blob('kept', { [gc('bref.snapshot.overlayfs/x')]: 's' });
  });
  assert.deepEqual(found, { ...nothing, content: ['old', 'other'] });
});

test('collectGarbage() counts a reference only within its namespace', async () => {
  const found = await garbageAfter((make, tx) => {
    make.image('busybox', 'manifest');
    make.blob('manifest');
    scene(tx, 'other').blob('manifest');
    scene(tx, 'other').lease('l', []);
  });
  assert.deepEqual(found, { ...nothing, content: ['manifest'] });
});

test('collectGarbage() ends on references in a circle', async () => {
  const found = await garbageAfter((make) => {
    make.blob('layer1', { [gc('ref.content')]: digestOf('layer2') });
    make.blob('layer2', { [gc('ref.content')]: digestOf('layer1') });
    make.snapshot('a', 'b');
    make.snapshot('b', 'a');
  });
  assert.deepEqual(found.content, ['layer1', 'layer2']);
  assert.deepEqual(found.snapshots.toSorted(), ['a', 'b']);
});

test('collectGarbage() keeps a snapshot as long as a condition of content or an image that is kept holds', async () => {
  const cond = (name = 'snapshot.overlayfs/x') => gc(`cond.${name}`);
  const used = (at: bigint) => ({ [gc('cond.value-usedat')]: formatTime(at) });
  const found = await garbageAfter((make) => {
    make.image('i', 'index', { [cond()]: 'usedat<2h|recent', [cond('snapshot.overlayfs/y')]: 'usedat<2h|long-ago' });
    make.blob('index', { [cond('snapshot.overlayfs')]: 'usedat>2h,usedat<1m|long-ago-too' });
    make.blob('other', { [cond()]: 'usedat<2h|of-garbage' });
    make.blob('kept', { [gc('root')]: 'x', [cond('snapshot/overlayfs')]: 'usedat<=2h|no-such-operator' });
    make.snapshot('recent', '', used(now - hour));
    make.snapshot('long-ago', '', used(now - 3n * hour));
    make.snapshot('long-ago-too', '', used(now - 3n * hour));
    make.snapshot('of-garbage', '', used(now - hour));
    make.snapshot('no-such-operator', '', used(now - hour));
  });
  assert.deepEqual(found.content, ['other']);
  assert.deepEqual(found.snapshots.toSorted(), ['long-ago', 'no-such-operator', 'of-garbage']);
});

test('collectGarbage() keeps by a flat lease an image with its target and a snapshot with its parents, and no more', async () => {
  const found = await garbageAfter((make) => {
    make.lease(
      'flat',
      [
        ['images', 'i'],
        ['snapshots/overlayfs', 'top'],
        ['ingests', 'upload'],
      ],
      { [gc('flat')]: 'x' },
    );
    make.image('i', 'index', { [gc('expire')]: past, [gc('ref.content')]: digestOf('lone') });
    make.blob('index', { [gc('ref.content')]: digestOf('manifest') });
    make.blob('manifest');
    make.blob('lone');
    make.snapshot('base', '', { [gc('ref.content')]: digestOf('other') });
    make.snapshot('top', 'base');
    make.blob('other');
    make.ingest('upload', 0n, digestOf('layer1'));
    make.blob('layer1', { [gc('ref.content')]: digestOf('layer2') });
    make.blob('layer2');
  });
  assert.deepEqual(found, { ...nothing, content: ['lone', 'manifest', 'other'] });
});

test('collectGarbage() asks sources what they keep and what keeps them, and has them remove the rest', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'garbage-'));
  await using metadata = await openMetadata({ path: join(dir.path, 'meta.db') });
  await metadata.write((tx) => {
    const make = scene(tx);
    make.lease('live', []);
    make.lease('expired', [], { [gc('expire')]: past });
    make.container('c', '', { [gc('ref.thing.x')]: 'named' });
    make.blob('kept');
    make.blob('lone');
  });
  const removed: string[] = [];
  metadata.addGarbageSource({
    word: 'thing',
    scan: (_namespace, visitor) => {
      visitor.root(`content/${digestOf('kept')}`);
      visitor.reference('leases/live', 'things/leased');
      visitor.reference('leases/expired', 'things/late');
      visitor.root('things/used');
    },
    list: () => ['named', 'leased', 'late', 'used', 'lost'],
    remove: async (namespace, key) => void removed.push(`${namespace}/${key}`),
  });
  const found = summary((await metadata.collectGarbage()).removed);
  assert.deepEqual(found, { ...nothing, content: ['lone'], leases: ['expired'] });
  assert.deepEqual(removed, ['n/late', 'n/lost']);
});
