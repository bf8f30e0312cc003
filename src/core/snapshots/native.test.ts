import assert from 'node:assert/strict';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import { snapshotterContract } from '#/core/snapshots/contract.suite.ts';
import { openNative } from '#/core/snapshots/native.ts';
import { testSnapshots } from '#/core/snapshots/snapshots.fixture.ts';
import { mount, unmountAll, withMounts } from '#/linux/mount.ts';

snapshotterContract('native', openNative);

test('native: every mount is a bind mount, and a view shows its parent without a copy', async () => {
  await using t = await testSnapshots(openNative);
  const fs = (id: number): string => join(t.snapshots.root, 'snapshots', String(id), 'fs');
  const id = async (key: string): Promise<number> => (await t.snapshots.stat('default', key)).id;
  await t.layer('one', '', async () => {});
  const active = await t.snapshots.prepare('default', 'a', 'one');
  assert.deepEqual(active, [{ type: 'bind', source: fs(await id('a')), options: ['rw', 'rbind'] }]);
  const view = await t.snapshots.view('default', 'v', 'one');
  assert.deepEqual(view, [{ type: 'bind', source: fs(await id('one')), options: ['ro', 'rbind'] }]);
});

test('native: prepare() on a full disk is resource-exhausted, and leaves nothing', async () => {
  await using stack = new AsyncDisposableStack();
  const dir = stack.use(await mkdtempDisposable(join(tmpdir(), 'full-')));
  const disk = stack.use(await mkdtempDisposable(join(tmpdir(), 'full-')));
  await mount({ type: 'tmpfs', source: 'tmpfs', options: ['size=1m'], target: disk.path });
  stack.defer(() => unmountAll(disk.path));
  const metadata = stack.use(await openMetadata({ path: join(dir.path, 'meta.db') }));
  const snapshots = stack.use(await openNative({ root: disk.path, metadata }));
  await withMounts(await snapshots.prepare('default', 'a', ''), dir.path, (root) =>
    writeFile(join(root, 'f'), Buffer.alloc(600_000)),
  );
  await snapshots.commit('default', 'one', 'a');
  const full = { kind: 'resource-exhausted', message: /is full, \d+ bytes are free/ };
  await assert.rejects(snapshots.prepare('default', 'b', 'one'), full);
  assert.deepEqual(
    (await snapshots.list('default')).map((record) => record.key),
    ['one'],
  );
  await snapshots.cleanup();
  await snapshots.view('default', 'v', 'one');
  await withMounts(await snapshots.prepare('default', 'c', ''), dir.path, (root) =>
    writeFile(join(root, 'f'), Buffer.alloc(300_000)),
  );
});
