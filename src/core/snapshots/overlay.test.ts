import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import {
  appendFile,
  chmod,
  chown,
  mkdir,
  mkdtempDisposable,
  readdir,
  readFile,
  stat,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { test } from 'node:test';
import { mappingLabels } from '#/core/snapshots/id-mapping.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import { mount } from '#/linux/mount.ts';
import { listMounts } from '#/linux/mount-info.ts';
import { lutimes } from '#/linux/times.ts';
import { rebaseContract } from '#/core/snapshots/rebase.suite.ts';
import { snapshotterContract } from '#/core/snapshots/contract.suite.ts';
import { openOverlay } from '#/core/snapshots/overlay.ts';
import { directoriesOf, read, testSnapshots, write } from '#/core/snapshots/snapshots.fixture.ts';

const run = promisify(execFile);

snapshotterContract('overlayfs', openOverlay);
rebaseContract('overlayfs', openOverlay);

test('overlayfs: mounts have the shapes that clients of containerd know', async () => {
  await using t = await testSnapshots(openOverlay);
  const { snapshots } = t;
  const place = async (key: string): Promise<string> =>
    join(snapshots.root, 'snapshots', String((await snapshots.stat('default', key)).id));
  const more = existsSync('/sys/module/overlay/parameters/index') ? ['index=off'] : [];
  const active = await snapshots.prepare('default', 'a', '');
  assert.deepEqual(active, [{ type: 'bind', source: `${await place('a')}/fs`, options: ['rw', 'rbind'] }]);
  await snapshots.commit('default', 'one', 'a');
  await t.layer('two', 'one', async () => {});
  const viewOfNothing = await snapshots.view('default', 'v0', '');
  assert.deepEqual(viewOfNothing, [{ type: 'bind', source: `${await place('v0')}/fs`, options: ['ro', 'rbind'] }]);
  const viewOfOne = await snapshots.view('default', 'v1', 'one');
  assert.deepEqual(viewOfOne, [{ type: 'bind', source: `${await place('one')}/fs`, options: ['ro', 'rbind'] }]);
  const lower = `lowerdir=${await place('two')}/fs:${await place('one')}/fs`;
  const viewOfTwo = await snapshots.view('default', 'v2', 'two');
  assert.deepEqual(viewOfTwo, [{ type: 'overlay', source: 'overlay', options: [lower, ...more] }]);
  const onTwo = await snapshots.prepare('default', 'b', 'two');
  const options = [`workdir=${await place('b')}/work`, `upperdir=${await place('b')}/fs`, lower, ...more];
  assert.deepEqual(onTwo, [{ type: 'overlay', source: 'overlay', options }]);
  assert.deepEqual(await snapshots.mounts('default', 'b'), onTwo);
});

test('overlayfs: options of the configuration show in mounts, labels and removal', async () => {
  const mountOptions = ['metacopy=on', 'index=on'];
  const options = { upperdirLabel: true, syncRemove: true, slowChown: true, mountOptions };
  await using t = await testSnapshots((context) => openOverlay({ ...context, options }));
  const { snapshots } = t;
  assert.ok(!snapshots.capabilities.includes('only-remap-ids'));
  await t.layer('one', '', write('f', 'x'));
  const [mount] = await snapshots.prepare('default', 'a', 'one');
  assert.deepEqual(mount?.options.slice(-2), mountOptions);
  const upper = join(snapshots.root, 'snapshots', String((await snapshots.stat('default', 'a')).id), 'fs');
  const label = { 'containerd.io/snapshot/overlay.upperdir': upper };
  assert.deepEqual((await snapshots.stat('default', 'a')).labels, label);
  assert.deepEqual((await snapshots.setLabels('default', 'a', () => ({ b: '2' }))).labels, { b: '2', ...label });
  assert.ok(
    (await snapshots.list('default')).every((record) => Object.keys(record.labels).some((key) => key in label)),
  );
  await snapshots.remove('default', 'a');
  assert.deepEqual(await directoriesOf(snapshots), [String((await snapshots.stat('default', 'one')).id)]);
});

test('overlayfs: id-mapping labels give the container its own root, and shift the owners of the layers below', async () => {
  await using t = await testSnapshots(openOverlay);
  const { snapshots } = t;
  assert.ok(snapshots.capabilities.includes('remap-ids'));
  await t.layer('one', '', write('f', 'x'));
  await t.layer('two', 'one', async (root) => await chown(join(root, 'f'), 3, 4));
  const labels = mappingLabels('0:1000:10', '5:7:1,0:2000:5');
  const mapped = ['uidmap=0:1000:10', 'gidmap=5:7:1,0:2000:5'];
  const [bind] = await snapshots.prepare('default', 'a', '', { labels });
  assert.deepEqual(bind?.options, [...mapped, 'rw', 'rbind']);
  const mounts = await snapshots.prepare('default', 'b', 'two', { labels });
  assert.deepEqual(mounts[0]?.options.slice(0, 2), mapped);
  await t.within(mounts, async (root) => {
    const [top, file] = [await stat(root), await stat(join(root, 'f'))];
    assert.deepEqual([top.uid, top.gid, file.uid, file.gid], [1000, 2000, 1003, 2004]);
    await appendFile(join(root, 'f'), 'y');
  });
  assert.equal(await t.within(await snapshots.view('default', 'v', 'two', { labels }), read('f')), 'x');
  const uidOnly = { 'containerd.io/snapshot/uidmapping': '0:1:1' };
  const before = await directoriesOf(snapshots);
  for (const wrong of [
    mappingLabels('0:1', '0:1:1'),
    mappingLabels('1:1:1', '0:1:1'),
    mappingLabels('', '0:1:1'),
    uidOnly,
  ])
    await assert.rejects(snapshots.prepare('default', 'c', '', { labels: wrong }), { kind: 'invalid-argument' });
  await snapshots.cleanup();
  assert.deepEqual(await directoriesOf(snapshots), before);
});

test('overlayfs: 128 layers mount, with the owners of all of them shifted too', async () => {
  await using t = await testSnapshots(openOverlay);
  const { snapshots } = t;
  for (let depth = 1; depth <= 128; depth++)
    await t.layer(`l${depth}`, depth === 1 ? '' : `l${depth - 1}`, async (root) => {
      await writeFile(join(root, 'top'), String(depth));
      await writeFile(join(root, `f${depth}`), String(depth));
    });
  for (const labels of [{}, mappingLabels('0:1000:10', '0:1000:10')]) {
    await t.within(await snapshots.prepare('default', 'c', 'l128', { labels }), async (root) => {
      assert.equal(await readFile(join(root, 'top'), 'utf8'), '128');
      assert.equal((await readdir(root)).length, 129);
      await writeFile(join(root, 'f1'), 'mine');
    });
    const view = await snapshots.view('default', 'v', 'l128', { labels });
    assert.equal(await t.within(view, read('f1')), '1');
    for (const key of ['c', 'v']) await snapshots.remove('default', key);
  }
});

test('overlayfs: in a user namespace the marks of overlays are attributes that its root may set', async () => {
  const script = `
    const { readdir, rm } = await import('node:fs/promises');
    const { openOverlay } = await import('#/core/snapshots/overlay.ts');
    const { testSnapshots, write } = await import('#/core/snapshots/snapshots.fixture.ts');
    await using t = await testSnapshots(openOverlay);
    await t.layer('one', '', write('f', 'x'));
    await t.layer('two', 'one', (root) => rm(root + '/f'));
    const mounts = await t.snapshots.prepare('default', 'a', 'two');
    const names = await t.within(mounts, (root) => readdir(root));
    console.log(JSON.stringify([mounts[0].options.slice(3), t.snapshots.capabilities, names]));`;
  const repository = resolve(import.meta.dirname, '../../..');
  const args = ['--user', '--map-root-user', '--mount', process.execPath, '--input-type=module', '-e'];
  const { stdout } = await run('unshare', [...args, script], { cwd: repository });
  const [more, capabilities, names] = JSON.parse(stdout);
  assert.deepEqual([more[0], capabilities.includes('rebase'), names], ['userxattr', false, []]);
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
