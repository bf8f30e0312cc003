import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { chmod, chown, mkdir, mkdtempDisposable, readdir, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import { mount } from '#/linux/mount.ts';
import { listMounts } from '#/linux/mount-info.ts';
import { lutimes } from '#/linux/times.ts';
import { snapshotterContract } from '#/core/snapshots/contract.suite.ts';
import { openOverlay } from '#/core/snapshots/overlay.ts';
import { testSnapshots } from '#/core/snapshots/snapshots.fixture.ts';

snapshotterContract('overlayfs', openOverlay);

test('overlayfs: mounts have the shapes that clients of containerd know', async () => {
  await using t = await testSnapshots(openOverlay);
  const { snapshots } = t;
  const place = (key: string): string => join(snapshots.root, 'snapshots', String(snapshots.stat('default', key).id));
  const more = existsSync('/sys/module/overlay/parameters/index') ? ['index=off'] : [];
  const active = await snapshots.prepare('default', 'a', '');
  assert.deepEqual(active, [{ type: 'bind', source: `${place('a')}/fs`, options: ['rw', 'rbind'] }]);
  await snapshots.commit('default', 'one', 'a');
  await t.layer('two', 'one', async () => {});
  const viewOfNothing = await snapshots.view('default', 'v0', '');
  assert.deepEqual(viewOfNothing, [{ type: 'bind', source: `${place('v0')}/fs`, options: ['ro', 'rbind'] }]);
  const viewOfOne = await snapshots.view('default', 'v1', 'one');
  assert.deepEqual(viewOfOne, [{ type: 'bind', source: `${place('one')}/fs`, options: ['ro', 'rbind'] }]);
  const lower = `lowerdir=${place('two')}/fs:${place('one')}/fs`;
  const viewOfTwo = await snapshots.view('default', 'v2', 'two');
  assert.deepEqual(viewOfTwo, [{ type: 'overlay', source: 'overlay', options: [lower, ...more] }]);
  const onTwo = await snapshots.prepare('default', 'b', 'two');
  const options = [`workdir=${place('b')}/work`, `upperdir=${place('b')}/fs`, lower, ...more];
  assert.deepEqual(onTwo, [{ type: 'overlay', source: 'overlay', options }]);
  assert.deepEqual(await snapshots.mounts('default', 'b'), onTwo);
});

test('overlayfs: a root whose name mount options cannot carry, or whose disk cannot hold an upper layer, is refused', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'overlay-'));
  await using metadata = await openMetadata({ path: join(dir.path, 'meta.db') });
  const opening = openOverlay({ root: join(dir.path, 'a,b'), metadata });
  await assert.rejects(opening, { kind: 'invalid-argument' });
  await using t = await testSnapshots(openOverlay);
  await t.layer('one', '', async () => {});
  await t.within(await t.snapshots.prepare('default', 'a', 'one'), async (root) => {
    const message = /the kernel refuses to mount one there .*use the native snapshotter/;
    await assert.rejects(openOverlay({ root, metadata }), { kind: 'unimplemented', message });
    assert.deepEqual(await readdir(root), []);
  });
});

test('overlayfs: the try of a daemon that was killed is unmounted and removed at the next start', async () => {
  await using t = await testSnapshots(openOverlay);
  const { root } = t.snapshots;
  const left = join(root, 'try-killed');
  const merged = join(left, 'merged');
  for (const name of ['upper/fs', 'upper/work', 'merged']) await mkdir(join(left, name), { recursive: true });
  await mount({ type: 'bind', source: join(left, 'upper/fs'), options: ['rbind'], target: merged });
  await using metadata = await openMetadata({ path: join(root, 'other.db') });
  await using _again = await openOverlay({ root, metadata });
  assert.deepEqual(
    (await listMounts()).filter(({ target }) => target === merged),
    [],
  );
  assert.equal(existsSync(left), false);
});

test('overlayfs: the root of a snapshot has the owner, mode and time of its parent’s, to the nanosecond', async () => {
  await using t = await testSnapshots(openOverlay);
  const mtime = 1_234_567_890_123_456_789n;
  await t.layer('one', '', async (root) => {
    await chown(root, 7, 8);
    await chmod(root, 0o1771);
    await lutimes(root, { mtime });
  });
  await t.within(await t.snapshots.prepare('default', 'a', 'one'), async (root) => {
    const status = await stat(root, { bigint: true });
    assert.deepEqual([status.uid, status.gid, status.mode & 0o7777n, status.mtimeNs], [7n, 8n, 0o1771n, mtime]);
  });
});
