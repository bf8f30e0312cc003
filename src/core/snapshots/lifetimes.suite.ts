import assert from 'node:assert/strict';
import { mkdir, readdir, rename, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { test } from 'node:test';
import { kindOf } from '#/base/errors.ts';
import type { OpenSnapshotter } from '#/core/snapshots/contract.ts';
import { directoriesOf, directoryOf, read, testSnapshots, write } from '#/core/snapshots/snapshots.fixture.ts';

export interface SnapshotterTraits {
  readonly clearsAtOpen?: boolean;
}

/** What is left after removal, restart and crash. */
export function lifetimesContract(
  name: string,
  open: OpenSnapshotter,
  { clearsAtOpen = true }: SnapshotterTraits = {},
): void {
  test(`${name}: remove() refuses a snapshot with children, and takes the directory with it`, async () => {
    await using t = await testSnapshots(open);
    const { snapshots } = t;
    await t.layer('one', '', write('f', 'x'));
    await snapshots.prepare('default', 'a', 'one');
    await assert.rejects(snapshots.remove('default', 'one'), {
      kind: 'failed-precondition',
      message: /"a" is built on/,
    });
    await snapshots.remove('default', 'a');
    await snapshots.remove('default', 'one');
    assert.deepEqual(await snapshots.list('default'), []);
    await snapshots.cleanup();
    assert.deepEqual(await directoriesOf(snapshots), []);
    await snapshots.prepare('default', 'one', '');
    assert.deepEqual(await t.within(await snapshots.mounts('default', 'one'), (root) => readdir(root)), []);
  });

  test(`${name}: remove() of the parent beside a prepare on it leaves one of two whole outcomes`, async () => {
    await using t = await testSnapshots(open);
    const { snapshots } = t;
    for (let round = 0; round < 5; round++) {
      await t.layer('one', '', write('f', 'x'));
      const [prepared, removed] = await Promise.allSettled([
        snapshots.prepare('default', 'a', 'one'),
        snapshots.remove('default', 'one'),
      ]);
      assert.notEqual(prepared.status, removed.status);
      if (prepared.status === 'rejected') {
        assert.equal(kindOf(prepared.reason), 'not-found');
        continue;
      }
      assert.equal(await t.within(prepared.value, read('f')), 'x');
      await snapshots.remove('default', 'a');
      await snapshots.remove('default', 'one');
    }
    await snapshots.cleanup();
    assert.deepEqual(await directoriesOf(snapshots), []);
  });

  test(`${name}: snapshots survive a reopen with their contents`, async () => {
    await using t = await testSnapshots(open);
    await t.layer('one', '', write('f', 'x'));
    await t.within(await t.snapshots.prepare('default', 'a', 'one'), write('g', 'y'));
    const before = await t.snapshots.list('default');
    const reopened = await t.reopen();
    assert.deepEqual(await reopened.list('default'), before);
    const mounts = await reopened.mounts('default', 'a');
    assert.deepEqual(await t.within(mounts, async (root) => (await readdir(root)).sort()), ['f', 'g']);
    await reopened.prepare('default', 'b', 'one');
    const ids = (await reopened.list('default')).map((record) => record.id);
    assert.equal(new Set(ids).size, 3);
  });

  test(`${name}: what a crash leaves without a record is removed at open, and by cleanup()`, async () => {
    await using t = await testSnapshots(open);
    const { snapshots, metadata } = t;
    await t.layer('one', '', write('f', 'x'));
    const kept = await directoriesOf(snapshots);
    const place = join(snapshots.root, 'snapshots');
    const litter = async (): Promise<void> => {
      for (const directory of ['new-1a2b', '4711', 'gone-3c4d']) {
        await mkdir(join(place, directory, 'fs', 'deep'), { recursive: true });
        await writeFile(join(place, directory, 'fs', 'deep', 'f'), 'x');
      }
    };
    await litter();
    const directory = directoryOf(await snapshots.prepare('default', 'a', 'one'));
    await metadata.write((tx) => tx.snapshots.delete('default', `${name}/a`));
    assert.ok((await directoriesOf(snapshots)).includes(basename(directory)));
    const reopened = await t.reopen();
    if (!clearsAtOpen) await reopened.cleanup();
    assert.deepEqual(await directoriesOf(reopened), kept);
    await litter();
    await reopened.cleanup();
    assert.deepEqual(await directoriesOf(reopened), kept);
    assert.equal(await t.within(await reopened.view('default', 'v', 'one'), read('f')), 'x');
  });

  test(`${name}: cleanup() beside prepares and removes takes nothing that is in use`, async () => {
    await using t = await testSnapshots(open);
    const { snapshots } = t;
    await t.layer('one', '', write('f', 'x'));
    const stop = new AbortController();
    const cleaning = (async () => {
      while (!stop.signal.aborted) await snapshots.cleanup();
    })();
    await Promise.all(
      Array.from({ length: 12 }, async (_, at) => {
        await snapshots.prepare('default', `a${at}`, 'one');
        if (at % 3 === 0) await snapshots.remove('default', `a${at}`);
      }),
    );
    stop.abort();
    await cleaning;
    for (const record of (await snapshots.list('default')).filter(({ kind }) => kind === 'active'))
      assert.equal(await t.within(await snapshots.mounts('default', record.key), read('f')), 'x');
    await snapshots.cleanup();
    assert.equal((await directoriesOf(snapshots)).length, 9);
  });

  test(`${name}: mounts() and commit() of a snapshot whose directory is gone are data-loss, and remove() still works`, async () => {
    await using t = await testSnapshots(open);
    const { snapshots, directory } = t;
    await rename(directoryOf(await snapshots.prepare('default', 'a', '')), join(directory, 'elsewhere'));
    await assert.rejects(snapshots.mounts('default', 'a'), { kind: 'data-loss', message: /is gone/ });
    await assert.rejects(snapshots.commit('default', 'one', 'a'), { kind: 'data-loss' });
    await snapshots.remove('default', 'a');
    assert.deepEqual(await snapshots.list('default'), []);
  });
}
