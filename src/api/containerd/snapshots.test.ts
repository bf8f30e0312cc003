import assert from 'node:assert/strict';
import { mkdir, readFile, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { inNamespace, openApi } from '#/api/containerd/open-api.suite.ts';
import { Content } from '#/gen/containerd/services/content/v1/content_pb.ts';
import { Diff } from '#/gen/containerd/services/diff/v1/diff_pb.ts';
import { Introspection } from '#/gen/containerd/services/introspection/v1/introspection_pb.ts';
import { Leases } from '#/gen/containerd/services/leases/v1/leases_pb.ts';
import { Kind, Snapshots } from '#/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { digestOf } from '#/oci/digest.ts';

const blue = inNamespace('blue');
const snapshotter = 'native';
const { prepare, view, commit, mounts, remove, stat, update, list, usage, cleanup } = Snapshots.method;

test('a snapshot goes from Prepare over Commit to Remove, and each step tells of itself', async () => {
  await using rig = await openApi();
  const { client } = rig;
  const made = await client.unary(prepare, { snapshotter, key: 'work', labels: { a: '1' } }, blue);
  assert.deepEqual([made.mounts[0]?.type, made.mounts[0]?.options.includes('rw')], ['bind', true]);
  assert.deepEqual((await client.unary(mounts, { snapshotter, key: 'work' }, blue)).mounts, made.mounts);
  await client.unary(commit, { snapshotter, key: 'work', name: 'base', labels: { b: '2' } }, blue);
  const { info } = await client.unary(stat, { snapshotter, key: 'base' }, blue);
  assert.deepEqual([info?.kind, info?.labels], [Kind.COMMITTED, { b: '2' }]);
  await client.unary(view, { snapshotter, key: 'look', parent: 'base' }, blue);
  await assert.rejects(client.unary(remove, { snapshotter, key: 'base' }, blue), { kind: 'failed-precondition' });
  await client.unary(remove, { snapshotter, key: 'look' }, blue);
  const { size, inodes } = await client.unary(usage, { snapshotter, key: 'base' }, blue);
  assert(size >= 0n && inodes > 0n);
  await client.unary(remove, { snapshotter, key: 'base' }, blue);
  await client.unary(cleanup, { snapshotter }, blue);
  assert.deepEqual(
    rig.core.events.history(0n).map(({ event }) => event.topic),
    ['/snapshot/prepare', '/snapshot/commit', '/snapshot/remove', '/snapshot/remove'],
  );
});

test('snapshot errors have the kinds that unpacking clients branch on', async () => {
  await using rig = await openApi();
  const { client } = rig;
  await client.unary(prepare, { snapshotter, key: 'work' }, blue);
  const refused = async (call: Promise<unknown>, kind: string): Promise<void> => assert.rejects(call, { kind });
  await refused(client.unary(prepare, { snapshotter, key: 'work' }, blue), 'already-exists');
  await refused(client.unary(prepare, { snapshotter, key: 'x', parent: 'nowhere' }, blue), 'not-found');
  await refused(client.unary(prepare, { snapshotter, key: 'x', parent: 'work' }, blue), 'invalid-argument');
  await refused(client.unary(prepare, { snapshotter: 'zfs', key: 'x' }, blue), 'invalid-argument');
  await refused(client.unary(prepare, { snapshotter: '', key: 'x' }, blue), 'invalid-argument');
  await refused(client.unary(commit, { snapshotter, key: 'x', name: 'y' }, blue), 'not-found');
  await refused(client.unary(commit, { snapshotter, key: 'work', name: 'y', parent: 'p' }, blue), 'not-found');
  await refused(client.unary(stat, { snapshotter, key: 'x' }, blue), 'not-found');
  await refused(client.unary(mounts, { snapshotter, key: 'work' }, inNamespace('green')), 'not-found');
  await refused(
    client.unary(update, { snapshotter, info: { name: 'work' }, updateMask: { paths: ['kind'] } }, blue),
    'invalid-argument',
  );
  await client.unary(commit, { snapshotter, key: 'work', name: 'base' }, blue);
  await refused(client.unary(mounts, { snapshotter, key: 'base' }, blue), 'failed-precondition');
});

test('Prepare for a snapshot that is there already is already-exists, and the lease gets it', async () => {
  await using rig = await openApi();
  const { client } = rig;
  const labels = { 'containerd.io/snapshot.ref': 'chain' };
  await client.unary(prepare, { snapshotter, key: 'extract-1', labels }, blue);
  await client.unary(commit, { snapshotter, key: 'extract-1', name: 'chain' }, blue);
  await client.unary(Leases.method.create, { id: 'mine' }, blue);
  const again = client.unary(prepare, { snapshotter, key: 'extract-2', labels }, inNamespace('blue', 'mine'));
  await assert.rejects(again, { kind: 'already-exists' });
  const { resources } = await client.unary(Leases.method.listResources, { id: 'mine' }, blue);
  assert.deepEqual(
    resources.map(({ type, id }) => [type, id]),
    [['snapshots/native', 'chain']],
  );
});

test('List streams in batches, filtered by kind, name, parent and labels; Update changes labels', async () => {
  await using rig = await openApi();
  const { client } = rig;
  await client.unary(prepare, { snapshotter, key: 'work' }, blue);
  await client.unary(commit, { snapshotter, key: 'work', name: 'base', labels: { tier: 'bottom' } }, blue);
  for (let at = 0; at < 120; at++) await client.unary(prepare, { snapshotter, key: `top-${at}`, parent: 'base' }, blue);
  const found = async (...filters: string[]): Promise<string[]> => {
    const names: string[] = [];
    for await (const { info } of client.serverStream(list, { snapshotter, filters }, blue)) {
      assert(info.length <= 100);
      names.push(...info.map(({ name }) => name));
    }
    return names;
  };
  assert.equal((await found()).length, 121);
  assert.deepEqual(await found('kind==committed'), ['base']);
  assert.deepEqual(await found('parent==""'), ['base']);
  assert.equal((await found('parent==base,kind==active')).length, 120);
  const { info } = await client.unary(
    update,
    {
      snapshotter,
      info: { name: 'base', labels: { tier: '', new: 'x' } },
      updateMask: { paths: ['labels.tier', 'labels.new'] },
    },
    blue,
  );
  assert.deepEqual(info?.labels, { new: 'x' });
  assert.deepEqual(await found('labels.new==x'), ['base']);
});

test('Diff makes a layer of a change, and Apply lays it onto another snapshot', async () => {
  await using rig = await openApi();
  const { client } = rig;
  await client.unary(prepare, { snapshotter, key: 'lower' }, blue);
  await client.unary(commit, { snapshotter, key: 'lower', name: 'empty' }, blue);
  const left = (await client.unary(view, { snapshotter, key: 'left', parent: 'empty' }, blue)).mounts;
  const right = (await client.unary(prepare, { snapshotter, key: 'right', parent: 'empty' }, blue)).mounts;
  const tree = right[0]?.source ?? '';
  await mkdir(join(tree, 'etc'));
  await writeFile(join(tree, 'etc/motd'), 'hello');
  await symlink('motd', join(tree, 'etc/link'));
  for (const [mediaType, suffix] of [
    ['', '+gzip'],
    ['application/vnd.oci.image.layer.v1.tar', ''],
    ['application/vnd.oci.image.layer.v1.tar+zstd', '+zstd'],
  ] as const) {
    const { diff } = await client.unary(Diff.method.diff, { left, right, mediaType, labels: { k: 'v' } }, blue);
    assert.equal(diff?.mediaType, `application/vnd.oci.image.layer.v1.tar${suffix}`);
    const { info } = await client.unary(Content.method.info, { digest: diff.digest }, blue);
    assert.equal(info?.labels['k'], 'v');
    assert.equal('containerd.io/uncompressed' in info.labels, suffix !== '');
    const key = `target${suffix}`;
    const target = (await client.unary(prepare, { snapshotter, key }, blue)).mounts;
    const payloads = { 'io.containerd.ocicrypt.v1.tar': { typeUrl: 'example.com/Keys', value: new Uint8Array([1]) } };
    const { applied } = await client.unary(Diff.method.apply, { diff, mounts: target, syncFs: true, payloads }, blue);
    assert.equal(applied?.digest, info.labels['containerd.io/uncompressed'] ?? diff.digest);
    assert.equal(await readFile(join(target[0]?.source ?? '', 'etc/link'), 'utf8'), 'hello');
  }
});

test('Apply and Diff refuse what they cannot do', async () => {
  await using rig = await openApi();
  const { client } = rig;
  const apply = (mediaType: string, digest = digestOf('x')): Promise<unknown> =>
    client.unary(Diff.method.apply, { diff: { mediaType, digest, size: 1n } }, blue);
  await assert.rejects(apply('application/vnd.oci.image.layer.v1.tar+gzip'), { kind: 'not-found' });
  await assert.rejects(apply('application/vnd.oci.image.layer.v1.tar+gzip+encrypted'), { kind: 'unimplemented' });
  await assert.rejects(apply('application/octet-stream'), { kind: 'unimplemented' });
  await assert.rejects(client.unary(Diff.method.apply, {}, blue), { kind: 'invalid-argument' });
  await assert.rejects(client.unary(Diff.method.diff, { mediaType: 'application/x-cpio' }, blue), {
    kind: 'unimplemented',
  });
});

test('Introspection lists each snapshotter with a platform and its root', async () => {
  await using rig = await openApi();
  const filters = ['type==io.containerd.snapshotter.v1, id==overlayfs'];
  const { plugins } = await rig.client.unary(Introspection.method.plugins, { filters });
  assert.deepEqual(
    plugins.map(({ id, exports, platforms }) => [id, exports['root'] !== undefined, platforms.length]),
    [['overlayfs', true, 1]],
  );
});
