import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TypedValue } from '#/base/any.ts';
import { snapshotRecordKey, type Change, type Metadata, type Transaction } from '#/core/metadata/contract.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import { digestOf } from '#/oci/digest.ts';

const at = { labels: {}, createdAt: 1n, updatedAt: 1n };
const image = (name: string) => ({ ...at, name, target: { mediaType: 'm', digest: digestOf(name), size: 1 } });
const lease = (id: string) => ({ id, labels: {}, createdAt: 1n });
const snapshot = (key: string, snapshotter = 'overlayfs') =>
  ({ ...at, snapshotter, key, id: 1, kind: 'active', parent: '', size: 0, inodes: 0 }) as const;
const ingest = (ref: string) => ({
  ref,
  directory: 'd',
  expected: '',
  total: 0,
  expiresAt: 0n,
  startedAt: 1n,
  updatedAt: 1n,
});
const blob = (word: string) => ({ ...at, digest: digestOf(word), size: 1 });
const opsOf = (changes: readonly Change[]): string[] => changes.map(({ op, kind, id }) => `${op} ${kind} ${id}`);

/** Runs `work` with a new metadata file. */
async function withMetadata(work: (metadata: Metadata) => Promise<void>): Promise<void> {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'metadata-'));
  await using metadata = await openMetadata({ path: join(dir.path, 'meta.db') });
  await work(metadata);
}

const inTransaction = (work: (tx: Transaction) => void): Promise<void> =>
  withMetadata((metadata) => metadata.write(work));

test('create() of a record that exists is already-exists and names it', () =>
  inTransaction((tx) => {
    tx.images.create('default', image('busybox'));
    tx.images.create('other', image('busybox'));
    assert.throws(() => tx.images.create('default', image('busybox')), {
      kind: 'already-exists',
      message: 'Cannot create image "busybox" in namespace "default": it exists already',
    });
  }));

test('get(), update() and delete() of an unknown record are not-found and name it', () =>
  inTransaction((tx) => {
    const unknown = { kind: 'not-found', message: /image "nope" in namespace "default"/ };
    assert.throws(() => tx.images.get('default', 'nope'), unknown);
    assert.throws(() => tx.images.update('default', image('nope')), unknown);
    assert.throws(() => tx.images.delete('default', 'nope'), unknown);
    assert.equal(tx.images.find('default', 'nope'), undefined);
    assert.deepEqual(tx.listNamespaces(), [], 'a failed update makes no namespace');
  }));

test('update() replaces a record', () =>
  inTransaction((tx) => {
    tx.images.create('default', image('busybox'));
    const changed = { ...image('busybox'), labels: { a: 'b' }, updatedAt: 9n };
    tx.images.update('default', changed);
    assert.deepEqual(tx.images.list('default'), [changed]);
  }));

test('sandboxes and activations come back as they were stored, bytes and all', () =>
  inTransaction((tx) => {
    const value = (text: string): TypedValue => ({ typeUrl: text, value: new Uint8Array([0, 255, 7]) });
    const bare = { ...at, id: 'bare', runtime: { name: 'r' }, sandboxer: 'shim', extensions: {} };
    const whole = { ...bare, id: 'whole', runtime: { name: 'r', options: value('o') }, spec: value('s') };
    const extended = { ...whole, extensions: { x: value('e') }, labels: { a: 'b' } };
    tx.sandboxes.create('default', bare);
    tx.sandboxes.create('default', whole);
    tx.sandboxes.update('default', extended);
    assert.deepEqual(tx.sandboxes.list('default'), [bare, extended]);
    const mount = { type: 'loop', source: '/image', options: ['ro'] };
    const active = [{ mount, mountPoint: '/m/1', mountedAt: '5' }];
    const activation = { ...at, name: 'n', id: 3, complete: true, lease: 'l', active, system: [mount] };
    tx.mounts.create('default', activation);
    assert.deepEqual(tx.mounts.get('default', 'n'), activation);
    assert.throws(() => tx.deleteNamespace('default'), {
      kind: 'failed-precondition',
      message: /2 sandboxes, 1 active mount;/,
    });
  }));

test('list() orders by key and holders() names the namespaces that have one', () =>
  inTransaction((tx) => {
    for (const name of ['b', 'a', 'B', 'ä', 'c']) tx.images.create('default', image(name));
    tx.images.create('aaa', image('b'));
    tx.snapshots.create('default', snapshot('k/1', 'native'));
    tx.snapshots.create('default', snapshot('k/1'));
    tx.snapshots.create('default', snapshot('a'));
    assert.deepEqual(
      tx.images.list('default').map(({ name }) => name),
      ['B', 'a', 'b', 'c', 'ä'],
    );
    assert.deepEqual(tx.images.holders('b'), ['aaa', 'default']);
    assert.deepEqual(tx.images.holders('nope'), []);
    assert.deepEqual(
      tx.snapshots.list('default').map((record) => snapshotRecordKey(record.snapshotter, record.key)),
      ['native/k/1', 'overlayfs/a', 'overlayfs/k/1'],
    );
    assert.deepEqual(tx.snapshots.holders('native/k/1'), ['default']);
    assert.equal(tx.snapshots.find('default', 'k'), undefined);
  }));

test('find() tells texts apart that a C string or a case rule would join', () =>
  inTransaction((tx) => {
    tx.leases.create('default', lease('a'));
    assert.equal(tx.leases.find('default', 'A'), undefined);
    assert.equal(tx.leases.find('default', 'a\0'), undefined);
    tx.leases.create('default', lease("'; DROP TABLE leases; --\0x"));
    assert.equal(tx.leases.list('default').length, 2);
  }));

test('changesSince() tells each write in the order in which it was made', () =>
  withMetadata(async (metadata) => {
    await metadata.write((tx) => {
      tx.putNamespace({ name: 'default', labels: {} });
      tx.putNamespace({ name: 'default', labels: { a: 'b' } });
      tx.leases.create('default', lease('l'));
      tx.snapshots.create('default', snapshot('k'));
      tx.snapshots.delete('default', 'overlayfs/k');
    });
    const first = metadata.read.lastChange();
    await metadata.write((tx) => tx.leases.update('default', lease('l')));
    assert.deepEqual(opsOf(metadata.read.changesSince(0, 100)), [
      'create namespace default',
      'update namespace default',
      'create lease l',
      'create snapshot overlayfs/k',
      'delete snapshot overlayfs/k',
      'update lease l',
    ]);
    assert.deepEqual(opsOf(metadata.read.changesSince(first, 100)), ['update lease l']);
    assert.equal(metadata.read.changesSince(0, 2).length, 2);
    assert.equal(metadata.read.firstChange(), 1);
    assert.equal(metadata.read.lastChange(), 6);
  }));

test('changesSince() keeps the last hundred thousand changes and firstChange() says where they begin', () =>
  withMetadata(async (metadata) => {
    assert.equal(metadata.read.firstChange(), 1);
    await metadata.write((tx) => {
      tx.leases.create('default', lease('l'));
      for (let count = 0; count < 101_000; count++) tx.leases.update('default', lease('l'));
    });
    const last = metadata.read.lastChange();
    assert.equal(last, 101_002);
    const first = metadata.read.firstChange();
    assert(last - first >= 100_000 && last - first < 101_000, `${last - first} changes are kept`);
    assert.equal(metadata.read.changesSince(0, 1)[0]?.seq, first);
  }));

test('deleteNamespace() says what is left in it', () =>
  inTransaction((tx) => {
    tx.images.create('full', image('a'));
    tx.images.create('full', image('b'));
    tx.content.create('full', blob('x'));
    tx.snapshots.create('full', snapshot('k'));
    tx.snapshots.create('full', snapshot('k', 'native'));
    assert.throws(() => tx.deleteNamespace('full'), {
      kind: 'failed-precondition',
      message:
        'Cannot delete namespace "full": it still has 2 images, 1 blob, 1 snapshot on "native", ' +
        '1 snapshot on "overlayfs"; remove them first',
    });
    assert.throws(() => tx.deleteNamespace('nope'), { kind: 'not-found' });
  }));

test('deleteNamespace() takes leases, ingests and names along and logs them', () =>
  withMetadata(async (metadata) => {
    await metadata.write((tx) => {
      tx.createNamespace({ name: 'n', labels: { a: 'b' } });
      assert.throws(() => tx.createNamespace({ name: 'n', labels: {} }), { kind: 'already-exists' });
      tx.leases.create('n', lease('l'));
      tx.addLeaseResource('n', 'l', { type: 'content', id: 'x' });
      tx.ingests.create('n', ingest('r'));
      tx.reserveName('n', 'happy', 'c');
    });
    const before = metadata.read.lastChange();
    await metadata.write((tx) => tx.deleteNamespace('n'));
    assert.deepEqual(opsOf(metadata.read.changesSince(before, 10)), [
      'delete lease l',
      'delete ingest r',
      'delete namespace n',
    ]);
    assert.equal(metadata.read.findNamespace('n'), undefined);
    assert.deepEqual(metadata.read.leasesOf('n', { type: 'content', id: 'x' }), []);
    assert.equal(metadata.read.findName('n', 'happy'), undefined);
  }));

test('addLeaseResource() may name what does not exist yet, twice, and goes with its lease', () =>
  inTransaction((tx) => {
    const resource = { type: 'snapshots/overlayfs', id: 'later' };
    assert.throws(() => tx.addLeaseResource('n', 'l', resource), { kind: 'not-found', message: /lease "l"/ });
    assert.throws(() => tx.removeLeaseResource('n', 'l', resource), { kind: 'not-found' });
    tx.leases.create('n', lease('l'));
    tx.leases.create('n', lease('m'));
    tx.addLeaseResource('n', 'l', resource);
    tx.addLeaseResource('n', 'l', resource);
    tx.addLeaseResource('n', 'l', { type: 'content', id: 'x' });
    tx.addLeaseResource('n', 'm', { type: 'content', id: 'x' });
    assert.deepEqual(tx.leaseResources('n', 'l'), [{ type: 'content', id: 'x' }, resource]);
    tx.leases.update('n', { ...lease('l'), labels: { a: 'b' } });
    assert.equal(tx.leaseResources('n', 'l').length, 2);
    tx.removeLeaseResource('n', 'l', { type: 'content', id: 'x' });
    tx.removeLeaseResource('n', 'l', { type: 'content', id: 'never added' });
    assert.deepEqual(tx.leaseResources('n', 'l'), [resource]);
    tx.leases.delete('n', 'l');
    assert.deepEqual(tx.leasesOf('n', { type: 'content', id: 'x' }), ['m']);
  }));

test('reserveName() gives a name to one container of a namespace', () =>
  inTransaction((tx) => {
    tx.reserveName('n', 'happy', 'c1');
    tx.reserveName('n', 'happy', 'c1');
    tx.reserveName('other', 'happy', 'c2');
    assert.throws(() => tx.reserveName('n', 'happy', 'c2'), { kind: 'conflict', message: /"c1"/ });
    tx.releaseName('n', 'happy');
    tx.releaseName('n', 'happy');
    tx.reserveName('n', 'happy', 'c2');
    assert.equal(tx.findName('n', 'happy'), 'c2');
    assert.deepEqual(tx.listNames('other'), new Map([['happy', 'c2']]));
  }));

test('addIntent() keeps what is about to exist until removeIntent()', () =>
  withMetadata(async (metadata) => {
    const intent = { namespace: 'n', kind: 'task', detail: { pid: 1, paths: ['/a'], none: null }, createdAt: 2n };
    await metadata.write((tx) => {
      tx.addIntent({ ...intent, id: 'b' });
      tx.addIntent({ ...intent, id: 'a', kind: 'snapshot', createdAt: 1n });
      assert.throws(() => tx.addIntent({ ...intent, id: 'a' }), { kind: 'already-exists' });
    });
    assert.deepEqual(
      metadata.read.listIntents().map(({ id }) => id),
      ['a', 'b'],
    );
    assert.deepEqual(metadata.read.listIntents('task'), [{ ...intent, id: 'b' }]);
    await metadata.write((tx) => tx.removeIntent('b'));
    assert.deepEqual(metadata.read.listIntents('task'), []);
  }));

test('nextNumber() counts each counter on its own', () =>
  inTransaction((tx) => {
    assert.deepEqual([tx.nextNumber('a'), tx.nextNumber('a'), tx.nextNumber('b'), tx.nextNumber('a')], [1, 2, 1, 3]);
  }));

test('create() refuses numbers that the file cannot hold', () =>
  withMetadata(async (metadata) => {
    await assert.rejects(
      metadata.write((tx) => tx.leases.create('n', { ...lease('l'), createdAt: 2n ** 63n })),
      { kind: 'out-of-range' },
    );
    await assert.rejects(metadata.write((tx) => tx.content.create('n', { ...blob('x'), size: 1.5 })));
    assert.deepEqual(metadata.read.listNamespaces(), []);
  }));
