import assert from 'node:assert/strict';
import { link, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { OpenSnapshotter } from '#/core/snapshots/contract.ts';
import { nothing, testSnapshots, write } from '#/core/snapshots/snapshots.fixture.ts';
import { layeringContract } from '#/core/snapshots/layering.suite.ts';
import { lifetimesContract, type SnapshotterTraits } from '#/core/snapshots/lifetimes.suite.ts';
import { recordsContract } from '#/core/snapshots/records.suite.ts';

/** What every snapshotter must do, with real mounts. One that another process keeps does not clear up when it is opened. */
export function snapshotterContract(name: string, open: OpenSnapshotter, traits: SnapshotterTraits = {}): void {
  layeringContract(name, open);
  kinds(name, open);
  recordsContract(name, open);
  lifetimesContract(name, open, traits);
}

function kinds(name: string, open: OpenSnapshotter): void {
  test(`${name}: a view is read-only and cannot be committed`, async () => {
    await using t = await testSnapshots(open);
    await t.layer('one', '', write('f', 'x'));
    await t.layer('two', 'one', write('g', 'x'));
    for (const [key, parent] of [
      ['v0', ''],
      ['v1', 'one'],
      ['v2', 'two'],
    ] as const) {
      const mounts = await t.snapshots.view('default', key, parent);
      assert.deepEqual(await t.snapshots.mounts('default', key), mounts);
      await t.within(mounts, async (root) => {
        await assert.rejects(writeFile(join(root, 'new'), 'x'), { code: 'EROFS' });
      });
      await assert.rejects(t.snapshots.commit('default', 'name', key), { kind: 'failed-precondition' });
      assert.equal((await t.snapshots.stat('default', key)).kind, 'view');
      assert.deepEqual(await t.snapshots.usage('default', key), { size: 0, inodes: 0 });
    }
  });

  test(`${name}: stat() and list() tell kind, parent and times; a commit starts the times anew`, async () => {
    await using t = await testSnapshots(open);
    const { snapshots } = t;
    await t.layer('one', '', nothing);
    await snapshots.prepare('default', 'a', 'one', { labels: { a: '1' } });
    const active = await snapshots.stat('default', 'a');
    assert.deepEqual([active.kind, active.parent, active.snapshotter, active.key], ['active', 'one', name, 'a']);
    assert.deepEqual([active.labels, active.createdAt], [{ a: '1' }, active.updatedAt]);
    await snapshots.commit('default', 'two', 'a', { labels: { b: '2' } });
    const committed = await snapshots.stat('default', 'two');
    assert.deepEqual([committed.kind, committed.parent, committed.labels], ['committed', 'one', { b: '2' }]);
    assert.equal(committed.createdAt, committed.updatedAt);
    assert.ok(committed.createdAt > active.createdAt);
    assert.deepEqual((await snapshots.list('default')).map((record) => record.key).sort(), ['one', 'two']);
    await assert.rejects(snapshots.stat('default', 'a'), { kind: 'not-found' });
  });

  test(`${name}: usage() counts blocks, inodes and hard links once, and a commit keeps the figures`, async () => {
    await using t = await testSnapshots(open);
    const { snapshots } = t;
    const mounts = await snapshots.prepare('default', 'a', '');
    const before = await snapshots.usage('default', 'a');
    assert.equal(before.inodes, 1);
    await t.within(mounts, async (root) => {
      await writeFile(join(root, 'f'), Buffer.alloc(100_000, 1));
      await link(join(root, 'f'), join(root, 'g'));
      await writeFile(join(root, 'hole'), '');
      await truncate(join(root, 'hole'), 1e9);
      await symlink('f', join(root, 'l'));
    });
    const after = await snapshots.usage('default', 'a');
    assert.equal(after.inodes, 4);
    assert.ok(after.size - before.size >= 100_000 && after.size - before.size < 200_000, `${after.size - before.size}`);
    await snapshots.commit('default', 'one', 'a');
    assert.deepEqual(await snapshots.usage('default', 'one'), after);
    const { size, inodes } = await snapshots.stat('default', 'one');
    assert.deepEqual({ size, inodes }, after);
  });
}
