import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Snapshotter } from '#/core/snapshots/contract.ts';
import { openDirectorySnapshotter, treeOf } from '#/core/snapshots/directory-snapshotter.ts';
import { bindMount } from '#/core/snapshots/plain-tree.ts';
import { directoriesOf, testSnapshots } from '#/core/snapshots/snapshots.fixture.ts';

/** A snapshotter that does `meanwhile` while it makes a tree. */
const testPausing = async (meanwhile: (snapshots: Snapshotter, directory: string) => Promise<void>) => {
  const opened: Snapshotter[] = [];
  const t = await testSnapshots(async (context) => {
    const snapshots = await openDirectorySnapshotter(
      {
        name: 'pausing',
        capabilities: [],
        populate: async ({ directory }) => {
          await mkdir(treeOf(directory));
          for (const snapshotter of opened) await meanwhile(snapshotter, directory);
        },
        mounts: ({ directory, kind }) => [bindMount(treeOf(directory), kind)],
      },
      context,
    );
    opened.push(snapshots);
    return snapshots;
  });
  return t;
};

test('prepare() on a parent that is removed while the tree is made is not-found and leaves nothing', async () => {
  await using t = await testPausing(async (snapshots) => {
    if ((await snapshots.list('default')).some((record) => record.key === 'one'))
      await snapshots.remove('default', 'one');
  });
  await t.layer('one', '', async () => {});
  await assert.rejects(t.snapshots.prepare('default', 'a', 'one'), { kind: 'not-found', message: /no such parent/ });
  assert.deepEqual(await t.snapshots.list('default'), []);
  await t.snapshots.cleanup();
  assert.deepEqual(await directoriesOf(t.snapshots), []);
});

test('prepare() whose lease is deleted while the tree is made is not-found and leaves nothing', async () => {
  await using t = await testPausing(async () => await t.metadata.write((tx) => tx.leases.delete('default', 'l')));
  await t.metadata.write((tx) => tx.leases.create('default', { id: 'l', labels: {}, createdAt: 1n }));
  await assert.rejects(t.snapshots.prepare('default', 'a', '', { lease: 'l' }), { kind: 'not-found' });
  assert.deepEqual(await t.snapshots.list('default'), []);
  await t.snapshots.cleanup();
  assert.deepEqual(await directoriesOf(t.snapshots), []);
});

test('prepare() that fails half-way leaves nothing, and the key can be prepared again', async () => {
  let tries = 0;
  await using t = await testPausing(async (_, directory) => {
    await writeFile(join(treeOf(directory), 'half'), 'x');
    tries += 1;
    if (tries === 1) throw new Error('half-way');
  });
  await assert.rejects(t.snapshots.prepare('default', 'a', ''), /half-way/);
  await t.snapshots.cleanup();
  assert.deepEqual(await directoriesOf(t.snapshots), []);
  await t.within(await t.snapshots.prepare('default', 'a', ''), async (root) => {
    assert.deepEqual(await readdir(root), ['half']);
  });
});

test('cleanup() leaves a tree alone that is being made', async () => {
  await using t = await testPausing(async (snapshots, directory) => {
    await snapshots.cleanup();
    await writeFile(join(treeOf(directory), 'there'), 'x');
  });
  await t.within(await t.snapshots.prepare('default', 'a', ''), async (root) => {
    assert.deepEqual(await readdir(root), ['there']);
  });
});
