import assert from 'node:assert/strict';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import type { OpenSnapshotter } from '#/core/snapshots/contract.ts';
import { nothing, read, testSnapshots, write } from '#/core/snapshots/snapshots.fixture.ts';

/** What a snapshotter with the ability `rebase` must do. */
export function rebaseContract(name: string, open: OpenSnapshotter): void {
  test(`${name}: commit() onto a parent puts what was prepared without one on top of it`, async () => {
    await using t = await testSnapshots(open);
    const { snapshots } = t;
    assert.ok(snapshots.capabilities.includes('rebase'));
    for (const key of ['bottom', 'middle', 'top'])
      await t.within(await snapshots.prepare('default', key, ''), async (root) => {
        await writeFile(join(root, 'last'), key);
        await writeFile(join(root, key), key);
      });
    await snapshots.commit('default', '1', 'bottom');
    await snapshots.commit('default', '2', 'middle', { parent: '1' });
    await snapshots.commit('default', '3', 'top', { parent: '2' });
    assert.equal((await snapshots.stat('default', '3')).parent, '2');
    await t.within(await snapshots.prepare('default', 'a', '3'), async (root) => {
      assert.deepEqual((await readdir(root)).sort(), ['bottom', 'last', 'middle', 'top']);
      assert.equal(await readFile(join(root, 'last'), 'utf8'), 'top');
    });
    await assert.rejects(snapshots.remove('default', '2'), { kind: 'failed-precondition' });
  });

  test(`${name}: commit() onto a parent that is not there, not committed or another than before is refused`, async () => {
    await using t = await testSnapshots(open);
    const { snapshots } = t;
    await t.layer('one', '', write('f', '1'));
    await t.layer('other', '', nothing);
    await snapshots.prepare('default', 'a', '');
    await snapshots.prepare('default', 'b', 'one');
    const commit = async (key: string, parent: string): Promise<void> =>
      await snapshots.commit('default', `${key} on ${parent}`, key, { parent });
    await assert.rejects(commit('a', 'nope'), { kind: 'not-found' });
    await assert.rejects(commit('a', 'b'), { kind: 'failed-precondition' });
    await assert.rejects(commit('b', 'other'), { kind: 'invalid-argument' });
    assert.equal((await snapshots.stat('default', 'a')).kind, 'active');
    await commit('b', 'one');
    await commit('a', 'one');
    assert.equal(await t.within(await snapshots.view('default', 'v', 'a on one'), read('f')), '1');
  });
}
