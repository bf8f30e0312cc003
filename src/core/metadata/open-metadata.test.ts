import assert from 'node:assert/strict';
import { mkdtempDisposable, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import { snapshotRecordKey, type Change, type ContainerRecord } from '#/core/metadata/contract.ts';
import { digestOf } from '#/oci/digest.ts';

const directory = () => mkdtempDisposable(join(tmpdir(), 'metadata-'));
const at = { labels: {}, createdAt: 1_700_000_000_123_456_789n, updatedAt: 1_700_000_000_123_456_789n };
const target = { mediaType: 'application/vnd.oci.image.manifest.v1+json', digest: digestOf('x'), size: 7 };
const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);

const container: ContainerRecord = {
  ...at,
  id: 'box',
  image: 'busybox',
  runtime: { name: 'io.containerd.runc.v2', options: { typeUrl: 'containerd.runc.v1.Options', value: everyByte } },
  spec: { typeUrl: 'types.containerd.io/opencontainers/runtime-spec/1/Spec', value: everyByte },
  snapshotter: 'overlayfs',
  snapshotKey: 'box',
  extensions: { 'berth.host': { typeUrl: 'x', value: everyByte }, empty: { typeUrl: '', value: new Uint8Array() } },
  sandbox: '',
  labels: { 'containerd.io/x': 'ä 𝄞 "quoted"', ['__proto__']: 'kept' },
};

test('openMetadata() keeps every record as it was written, across a reopen', async () => {
  await using dir = await directory();
  const path = join(dir.path, 'deep', 'meta.db');
  const image = { ...at, name: 'docker.io/library/busybox:latest', target: { ...target, annotations: { a: 'b' } } };
  const blob = { ...at, digest: digestOf('blob'), size: 2 ** 40 };
  const ingest = {
    ref: 'layer-1',
    directory: '1',
    expected: '',
    total: 9,
    expiresAt: 7n,
    startedAt: 5n,
    updatedAt: 6n,
  };
  const snapshot = {
    ...at,
    snapshotter: 'overlayfs',
    key: 'a/b',
    id: 3,
    kind: 'active',
    parent: '',
    size: 0,
    inodes: 0,
  } as const;
  const lease = { id: 'l1', labels: { 'containerd.io/gc.expire': '2030-01-01T00:00:00Z' }, createdAt: 8n };
  {
    await using metadata = await openMetadata({ path });
    await metadata.write((tx) => {
      tx.images.create('default', image);
      tx.containers.create('default', container);
      tx.content.create('default', blob);
      tx.ingests.create('default', ingest);
      tx.snapshots.create('default', snapshot);
      tx.leases.create('default', lease);
      tx.addLeaseResource('default', 'l1', { type: 'content', id: 'sha256:not-yet' });
      tx.reserveName('default', 'happy', 'box');
      tx.addIntent({ id: 'i', namespace: 'default', kind: 'task', detail: { paths: ['/x'] }, createdAt: 1n });
    });
  }
  await using metadata = await openMetadata({ path });
  const { read } = metadata;
  assert.deepEqual(read.images.get('default', image.name), image);
  assert.deepEqual(read.containers.get('default', 'box'), container);
  assert.deepEqual(read.content.list('default'), [blob]);
  assert.deepEqual(read.ingests.get('default', 'layer-1'), ingest);
  assert.deepEqual(read.snapshots.get('default', snapshotRecordKey('overlayfs', 'a/b')), snapshot);
  assert.deepEqual(read.leases.get('default', 'l1'), lease);
  assert.deepEqual(read.leasesOf('default', { type: 'content', id: 'sha256:not-yet' }), ['l1']);
  assert.deepEqual(read.listNames('default'), new Map([['happy', 'box']]));
  assert.deepEqual(
    read.listIntents('task').map((intent) => intent.detail),
    [{ paths: ['/x'] }],
  );
  assert.deepEqual(read.listNamespaces(), [{ name: 'default', labels: {} }]);
  assert.equal((await stat(path)).mode & 0o777, 0o600);
});

test('write() of a change that throws changes nothing and rejects with what it threw', async () => {
  await using dir = await directory();
  await using metadata = await openMetadata({ path: join(dir.path, 'meta.db') });
  const failure = new Error('no');
  const seen: Change[] = [];
  metadata.onChange((changes) => seen.push(...changes));
  await assert.rejects(
    metadata.write((tx) => {
      tx.containers.create('default', container);
      throw failure;
    }),
    failure,
  );
  assert.deepEqual(metadata.read.listNamespaces(), []);
  assert.equal(metadata.read.lastChange(), 0);
  assert.deepEqual(seen, []);
});

test('read.containers shows each write of a container at once, and nothing of one that was undone', async () => {
  await using dir = await directory();
  await using metadata = await openMetadata({ path: join(dir.path, 'meta.db') });
  const { containers } = metadata.read;
  const image = (): string | undefined => containers.find('default', 'box')?.image;
  await metadata.write((tx) => tx.containers.create('default', container));
  assert.equal(image(), 'busybox');
  assert.equal(containers.get('default', 'box'), containers.list('default')[0], 'the record is decoded once');
  const updated = metadata.write((tx) => tx.containers.update('default', { ...container, image: 'alpine' }));
  assert.equal(image(), 'alpine');
  await updated;
  await assert.rejects(
    metadata.write((tx) => {
      tx.containers.update('default', { ...container, image: 'undone' });
      assert.equal(image(), 'undone');
      assert.equal(tx.containers.get('default', 'box').image, 'undone');
      throw new Error('no');
    }),
  );
  assert.equal(image(), 'alpine');
  await metadata.write((tx) => {
    tx.containers.create('default', { ...container, id: 'Another' });
    tx.containers.create('other', container);
  });
  assert.deepEqual(
    containers.list('default').map(({ id }) => id),
    ['Another', 'box'],
  );
  assert.deepEqual(containers.holders('box'), ['default', 'other']);
  await metadata.write((tx) => tx.containers.delete('default', 'box'));
  assert.equal(image(), undefined);
  assert.throws(() => containers.get('default', 'box'), { kind: 'not-found' });
  assert.equal(containers.list('default').length, 1);
});
