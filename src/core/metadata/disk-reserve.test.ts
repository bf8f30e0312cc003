import assert from 'node:assert/strict';
import { mkdtempDisposable, open, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { silentLogger } from '#/base/log.ts';
import { openDiskReserve } from '#/core/metadata/disk-reserve.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import { mount, unmountAll } from '#/linux/mount.ts';

const size = 8 * 128 * 1024;

async function smallDisk(): Promise<AsyncDisposable & { readonly path: string }> {
  await using undo = new AsyncDisposableStack();
  const { path } = undo.use(await mkdtempDisposable(join(tmpdir(), 'reserve-')));
  await mount({ type: 'tmpfs', source: 'tmpfs', options: ['size=4m'], target: path });
  undo.defer(() => unmountAll(path));
  const lifetime = undo.move();
  return { path, [Symbol.asyncDispose]: () => lifetime.disposeAsync() };
}

async function fill(path: string): Promise<void> {
  await using file = await open(path, 'a');
  for (let left = true; left;)
    left = await file.write(Buffer.alloc(4096, 1)).then(
      ({ bytesWritten }) => bytesWritten === 4096,
      () => false,
    );
}

async function sizeBecomes(path: string, wanted: number): Promise<void> {
  for (let tries = 0; (await stat(path)).size !== wanted; tries++) {
    assert(tries < 500, `"${path}" has ${wanted} bytes`);
    await delay(20);
  }
}

const lease = (id: string): { id: string; labels: Record<string, string>; createdAt: bigint } => ({
  id,
  labels: { text: 'x'.repeat(2000) },
  createdAt: 1n,
});

test('give() makes room on a full disk, part by part, until nothing is left', async () => {
  await using disk = await smallDisk();
  const path = join(disk.path, 'reserve');
  await using reserve = await openDiskReserve(path, silentLogger);
  await sizeBecomes(path, size);
  for (let left = 8; left > 0; left--) {
    await fill(join(disk.path, 'filler'));
    assert.equal(reserve.give(), true);
    assert.equal((await stat(path)).size, (left - 1) * 128 * 1024);
  }
  assert.equal(reserve.give(), false);
});

test('openDiskReserve() on a full disk is fine; the reserve is made when there is room', async () => {
  await using disk = await smallDisk();
  const [path, filler] = [join(disk.path, 'reserve'), join(disk.path, 'filler')];
  await fill(filler);
  await using reserve = await openDiskReserve(path, silentLogger);
  assert.equal(reserve.give(), false);
  await rm(filler);
  await sizeBecomes(path, size);
});

test('write() of a full disk refuses new records, and still deletes old ones', async () => {
  await using disk = await smallDisk();
  const path = join(disk.path, 'meta.db');
  await using metadata = await openMetadata({ path });
  for (let count = 0; count < 6; count++) await metadata.write((tx) => tx.leases.create('default', lease(`l${count}`)));
  await sizeBecomes(`${path}-reserve`, size);
  await fill(join(disk.path, 'filler'));
  await assert.rejects(
    metadata.write((tx) => tx.leases.create('default', lease('new'))),
    { kind: 'resource-exhausted', message: /Cannot use the metadata file ".*": the disk is full; free some space/ },
  );
  assert.equal((await stat(`${path}-reserve`)).size, size);
  for (let count = 0; count < 6; count++) {
    await metadata.write((tx) => tx.leases.delete('default', `l${count}`));
    await fill(join(disk.path, 'filler'));
  }
  assert.deepEqual(metadata.read.leases.list('default'), []);
});
