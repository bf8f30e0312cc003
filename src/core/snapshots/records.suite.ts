import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OpenSnapshotter } from '#/core/snapshots/contract.ts';
import { directoriesOf, nothing, read, testSnapshots, write } from '#/core/snapshots/snapshots.fixture.ts';

/** What is refused, and what records, labels and leases say. */
export function recordsContract(name: string, open: OpenSnapshotter): void {
  test(`${name}: wrong keys and parents are refused with the right kind and leave nothing`, async () => {
    await using t = await testSnapshots(open);
    const { snapshots } = t;
    await t.layer('one', '', nothing);
    await snapshots.prepare('default', 'a', 'one');
    await snapshots.view('default', 'v', 'one');
    const before = await directoriesOf(snapshots);
    const kind = (kind: string): object => ({ kind });
    await assert.rejects(snapshots.prepare('default', 'a', 'one'), kind('already-exists'));
    await assert.rejects(snapshots.view('default', 'one', ''), kind('already-exists'));
    await assert.rejects(snapshots.prepare('default', 'b', 'nope'), kind('not-found'));
    await assert.rejects(snapshots.prepare('default', 'b', 'a'), kind('invalid-argument'));
    await assert.rejects(snapshots.view('default', 'b', 'v'), kind('invalid-argument'));
    await assert.rejects(snapshots.prepare('default', '', ''), kind('invalid-argument'));
    await assert.rejects(snapshots.prepare('default', 'b', '', { lease: 'nope' }), kind('not-found'));
    await assert.rejects(snapshots.mounts('default', 'one'), kind('failed-precondition'));
    await assert.rejects(snapshots.mounts('default', 'nope'), kind('not-found'));
    await assert.rejects(snapshots.commit('default', 'x', 'nope'), kind('not-found'));
    await assert.rejects(snapshots.commit('default', 'x', 'one'), kind('failed-precondition'));
    await assert.rejects(snapshots.commit('default', 'one', 'a'), kind('already-exists'));
    await assert.rejects(snapshots.commit('default', '', 'a'), kind('invalid-argument'));
    await assert.rejects(snapshots.remove('default', 'nope'), kind('not-found'));
    await assert.rejects(snapshots.usage('default', 'nope'), kind('not-found'));
    await assert.rejects(
      snapshots.setLabels('default', 'nope', () => ({})),
      kind('not-found'),
    );
    await assert.rejects(snapshots.stat('other', 'a'), kind('not-found'));
    await snapshots.cleanup();
    assert.deepEqual(await directoriesOf(snapshots), before);
  });

  test(`${name}: namespaces do not see each other's snapshots`, async () => {
    await using t = await testSnapshots(open);
    const { snapshots } = t;
    await t.layer('one', '', write('f', 'default'));
    await assert.rejects(snapshots.prepare('other', 'a', 'one'), { kind: 'not-found' });
    await t.within(await snapshots.prepare('other', 'a', ''), write('f', 'other'));
    await snapshots.commit('other', 'one', 'a');
    assert.equal(await t.within(await snapshots.view('default', 'v', 'one'), read('f')), 'default');
    assert.equal(await t.within(await snapshots.view('other', 'v', 'one'), read('f')), 'other');
    assert.deepEqual((await snapshots.list('other')).map((record) => record.key).sort(), ['one', 'v']);
  });

  test(`${name}: setLabels() replaces labels; a commit takes only its own; long ones are refused`, async () => {
    await using t = await testSnapshots(open);
    const { snapshots } = t;
    await snapshots.prepare('default', 'a', '', { labels: { a: '1' } });
    const changed = await snapshots.setLabels('default', 'a', (labels) => ({ ...labels, b: '2' }));
    assert.deepEqual(changed.labels, { a: '1', b: '2' });
    assert.ok(changed.updatedAt > changed.createdAt);
    const long = { key: 'x'.repeat(4094) };
    await assert.rejects(
      snapshots.setLabels('default', 'a', () => long),
      { kind: 'invalid-argument' },
    );
    await assert.rejects(snapshots.prepare('default', 'b', '', { labels: long }), { kind: 'invalid-argument' });
    await assert.rejects(snapshots.commit('default', 'b', 'a', { labels: long }), { kind: 'invalid-argument' });
    assert.deepEqual(await snapshots.stat('default', 'a'), changed);
    await snapshots.commit('default', 'one', 'a');
    assert.deepEqual((await snapshots.stat('default', 'one')).labels, {});
  });

  test(`${name}: a lease holds what is prepared, also when it exists already, and follows a commit`, async () => {
    await using t = await testSnapshots(open);
    const { snapshots, metadata } = t;
    await metadata.write((tx) => {
      for (const id of ['l', 'm']) tx.leases.create('default', { id, labels: {}, createdAt: 1n });
    });
    const held = (lease: string): string[] =>
      metadata.read.leaseResources('default', lease).map((resource) => `${resource.type} ${resource.id}`);
    await snapshots.prepare('default', 'a', '', { lease: 'l' });
    assert.deepEqual(held('l'), [`snapshots/${name} a`]);
    await assert.rejects(snapshots.prepare('default', 'a', '', { lease: 'm' }), { kind: 'already-exists' });
    assert.deepEqual(held('m'), [`snapshots/${name} a`]);
    await snapshots.commit('default', 'one', 'a', { lease: 'l' });
    assert.deepEqual([held('l'), held('m')], [[`snapshots/${name} one`], [`snapshots/${name} one`]]);
  });

  test(`${name}: prepare() with a target label that names a committed snapshot is already-exists, and leases it`, async () => {
    await using t = await testSnapshots(open);
    const { snapshots, metadata } = t;
    await metadata.write((tx) => tx.leases.create('default', { id: 'l', labels: {}, createdAt: 1n }));
    const labels = { 'containerd.io/snapshot.ref': 'one' };
    await snapshots.prepare('default', 'first', '', { labels });
    await snapshots.commit('default', 'one', 'first');
    const before = await directoriesOf(snapshots);
    const again = snapshots.prepare('default', 'second', '', { labels, lease: 'l' });
    await assert.rejects(again, { kind: 'already-exists', message: /"one"/ });
    await assert.rejects(snapshots.stat('default', 'second'), { kind: 'not-found' });
    assert.deepEqual(await directoriesOf(snapshots), before);
    const [resource] = metadata.read.leaseResources('default', 'l');
    assert.deepEqual(resource, { type: `snapshots/${name}`, id: 'one' });
  });

  test(`${name}: of many prepares of one key at once one wins, and of two commits to one name too`, async () => {
    await using t = await testSnapshots(open);
    const { snapshots } = t;
    await t.layer('one', '', write('f', 'x'));
    const wins = (results: PromiseSettledResult<unknown>[]): string[] =>
      results
        .map((result) => (result.status === 'fulfilled' ? 'won' : String(Reflect.get(result.reason, 'kind'))))
        .sort();
    const prepares = Array.from({ length: 4 }, () => snapshots.prepare('default', 'a', 'one'));
    const lost = 'already-exists';
    assert.deepEqual(wins(await Promise.allSettled(prepares)), [lost, lost, lost, 'won']);
    await snapshots.prepare('default', 'b', 'one');
    const commits = ['a', 'b'].map((key) => snapshots.commit('default', 'two', key));
    assert.deepEqual(wins(await Promise.allSettled(commits)), [lost, 'won']);
    await snapshots.cleanup();
    assert.equal((await directoriesOf(snapshots)).length, 3);
  });
}
