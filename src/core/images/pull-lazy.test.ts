import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Labels } from '#/base/any.ts';
import { EngineError } from '#/base/errors.ts';
import { makeLayout, openStore, pushLayout } from '#/core/images/images.fixture.ts';
import { startRegistry } from '#/core/registry/registry.fixture.ts';
import type { Snapshotter } from '#/core/snapshots/contract.ts';
import { parsePlatform } from '#/oci/platform.ts';
import { parseReference } from '#/oci/reference.ts';

const ns = 'default';
const amd64 = parsePlatform('linux/amd64');

/** Makes the first `count` layers that it is asked for by itself, out of nothing, and notes what it is told of each. */
function lazily(overlay: Snapshotter, count: number, told: Labels[]): Snapshotter {
  const prepare: Snapshotter['prepare'] = async (namespace, key, parent, options = {}) => {
    const { labels = {} } = options;
    const target = labels['containerd.io/snapshot.ref'] ?? '';
    const mounts = await overlay.prepare(namespace, key, parent, options);
    if (target === '' || told.push(labels) > count) return mounts;
    await overlay.commit(namespace, target, key, { labels });
    throw new EngineError('already-exists', `Cannot prepare snapshot "${target}": it is made already`);
  };
  return new Proxy(overlay, {
    get(target, name) {
      if (name === 'lazy') return true;
      const found: unknown = name === 'prepare' ? prepare : Reflect.get(target, name);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
}

test('pull() asks a lazy snapshotter before it fetches a layer, and fetches from the first one that it must unpack', async () => {
  await using stack = new AsyncDisposableStack();
  const server = stack.use(await startRegistry());
  const { path } = stack.use(await mkdtempDisposable(join(tmpdir(), 'lazy-')));
  await pushLayout(await makeLayout(path, { texts: ['one', 'two', 'three'] }), server.host, 'app:1');
  for (const count of [3, 1]) {
    const told: Labels[] = [];
    await using store = await openStore(undefined, (overlay) => lazily(overlay, count, told));
    const reference = parseReference(`${server.host}/app:1`);
    const unpacks = [{ platform: amd64, snapshotter: 'overlayfs' }];
    const { target } = await store.images.pull(ns, { reference, platforms: [amd64], unpacks });
    const { manifest, manifestDescriptor, chain } = await store.images.resolve(ns, target, amd64);
    const digests = manifest.layers.map(({ digest }) => digest);
    const here = digests.map((digest) => store.content.find(ns, digest) !== undefined);
    assert.deepEqual(here, [false, count < 3, count < 3]);
    assert.equal((await store.overlay.stat(ns, chain.at(-1) ?? '')).kind, 'committed');
    assert.deepEqual(told[1], {
      'containerd.io/snapshot.ref': chain[1],
      'containerd.io/snapshot/cri.image-ref': `${server.host}/app:1`,
      'containerd.io/snapshot/cri.layer-digest': digests[1],
      'containerd.io/snapshot/cri.manifest-digest': manifestDescriptor.digest,
      'containerd.io/snapshot/cri.image-layers': digests.slice(1).join(','),
      'containerd.io/snapshot/remote/stargz.reference': `${server.host}/app:1`,
      'containerd.io/snapshot/remote/stargz.digest': digests[1],
      'containerd.io/snapshot/remote/stargz.layers': digests.slice(1).join(','),
    });
  }
});
