/** Layers side by side, as Go clients from 2.2 on unpack them when a snapshotter rebases. */
import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { inNamespace, openApi } from '#/api/containerd/open-api.suite.ts';
import { archiveOf, directory } from '#/core/layers/archive-fixture.ts';
import { Diff } from '#/gen/containerd/services/diff/v1/diff_pb.ts';
import { Introspection } from '#/gen/containerd/services/introspection/v1/introspection_pb.ts';
import { Snapshots } from '#/gen/containerd/services/snapshots/v1/snapshots_pb.ts';
import { withMounts } from '#/linux/mount.ts';

const blue = inNamespace('blue');
const snapshotter = 'overlayfs';
const mediaType = 'application/vnd.oci.image.layer.v1.tar';

test('layers that are applied at once, and committed onto their parents, show what they show one after the other', async () => {
  await using rig = await openApi();
  const { client, core } = rig;
  const filters = [`type==io.containerd.snapshotter.v1,id==${snapshotter}`];
  const { plugins } = await client.unary(Introspection.method.plugins, { filters });
  assert.ok(plugins[0]?.capabilities.includes('rebase'));
  const layers = [
    archiveOf(directory('d'), { name: 'd/below' }, { name: 'gone' }, { name: 'kept' }),
    archiveOf({ name: '.wh.gone' }, directory('d'), { name: 'd/.wh..wh..opq' }, { name: 'd/above' }),
    archiveOf({ name: 'top' }, directory('d'), { name: 'd/more' }),
  ];
  const apply = async (layer: Uint8Array, index: number): Promise<void> => {
    const { digest, size } = await core.content.put('blue', layer);
    const { mounts } = await client.unary(Snapshots.method.prepare, { snapshotter, key: `extract-${index}` }, blue);
    const [bind] = mounts;
    assert.deepEqual([bind?.type, bind?.options], ['bind', ['rw', 'rbind']]);
    // As the clients turn it, so that the daemon marks what a layer hides.
    const upper = { type: 'overlay', source: 'overlay', options: ['rw', `upperdir=${bind?.source}`] };
    const request = { diff: { mediaType, digest, size: BigInt(size) }, mounts: index === 0 ? mounts : [upper] };
    const { applied } = await client.unary(Diff.method.apply, request, blue);
    assert.equal(applied?.digest, digest);
  };
  await Promise.all(layers.map(apply));
  for (const index of layers.keys()) {
    const [key, parent] = [`extract-${index}`, index === 0 ? '' : `layer-${index - 1}`];
    await client.unary(Snapshots.method.commit, { snapshotter, key, name: `layer-${index}`, parent }, blue);
  }
  const request = { snapshotter, key: 'container', parent: 'layer-2' };
  const { mounts } = await client.unary(Snapshots.method.prepare, request, blue);
  await using dir = await mkdtempDisposable(join(tmpdir(), 'rebase-'));
  await withMounts(mounts, dir.path, async (root) => {
    assert.deepEqual((await readdir(root)).sort(), ['d', 'kept', 'top']);
    assert.deepEqual((await readdir(join(root, 'd'))).sort(), ['above', 'more']);
  });
});
