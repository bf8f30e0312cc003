/** The snapshotter of another process, held to the contract that ours keep: its backend is this API on a real socket. */
import assert from 'node:assert/strict';
import { rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { openApi, type ApiRig } from '#/api/containerd/open-api.suite.ts';
import type { Labels } from '#/base/any.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import type { OpenSnapshotter, Snapshotter } from '#/core/snapshots/contract.ts';
import { snapshotterContract } from '#/core/snapshots/contract.suite.ts';
import { openOverlay } from '#/core/snapshots/overlay.ts';
import { rebaseContract } from '#/core/snapshots/rebase.suite.ts';
import { testSnapshots, write } from '#/core/snapshots/snapshots.fixture.ts';
import { openRemoteSnapshotter } from '#/remote/remote-snapshotter.ts';

interface TestBackend {
  readonly rig: ApiRig;
  readonly overlay: Snapshotter;
  readonly lifetime: AsyncDisposable;
}

async function openBackend(root: string, change: (overlay: Snapshotter) => Snapshotter): Promise<TestBackend> {
  await using undo = new AsyncDisposableStack();
  const metadata = undo.use(await openMetadata({ path: join(root, 'backend.db') }));
  const overlay = undo.use(await openOverlay({ root: join(root, 'overlay'), metadata }));
  const rig = undo.use(await openApi({ snapshotters: new Map([['remote', change(overlay)]]) }));
  return { rig, overlay, lifetime: undo.move() };
}

/** Opens a client of a backend that lives as long as the first client on the same root. */
function remoteOn(
  backends: Map<string, TestBackend>,
  change = (overlay: Snapshotter): Snapshotter => overlay,
): OpenSnapshotter {
  return async ({ root, metadata }) => {
    const known = backends.get(root);
    const { rig, overlay, lifetime } = known ?? (await openBackend(root, change));
    backends.set(root, { rig, overlay, lifetime });
    const exports = { root: overlay.root };
    const options = { name: 'remote', address: rig.address, capabilities: overlay.capabilities, exports, metadata };
    const remote = openRemoteSnapshotter(options);
    if (known !== undefined) return remote;
    const close = remote[Symbol.asyncDispose].bind(remote);
    remote[Symbol.asyncDispose] = async () => {
      await close();
      await lifetime[Symbol.asyncDispose]();
    };
    return remote;
  };
}

/** `overlay` with some of its methods replaced. */
function changed(overlay: Snapshotter, methods: Partial<Snapshotter>): Snapshotter {
  return new Proxy(overlay, {
    get(target, name) {
      const found: unknown = Reflect.get(name in methods ? methods : target, name);
      return typeof found === 'function' ? found.bind(target) : found;
    },
  });
}

/** As a lazy snapshotter does it: whoever prepares for a target gets the target. */
const lazily = (overlay: Snapshotter): Snapshotter =>
  changed(overlay, {
    async prepare(namespace, key, parent, options) {
      const mounts = await overlay.prepare(namespace, key, parent, options);
      const target = options?.labels?.['containerd.io/snapshot.ref'];
      if (target === undefined) return mounts;
      const labels = { ...options?.labels, 'containerd.io/snapshot/remote': 'lazy' };
      await overlay.commit(namespace, `lazy ${target}`, key, { labels });
      return await overlay.prepare(namespace, `lazy ${target}`, parent);
    },
  });

snapshotterContract('remote', remoteOn(new Map()), { clearsAtOpen: false });
rebaseContract('remote', remoteOn(new Map()));

test('a backend hears of keys with namespace and number, and only of the labels that are meant for it', async () => {
  const backends = new Map<string, TestBackend>();
  await using t = await testSnapshots(remoteOn(backends));
  const [backend] = [...backends.values()];
  const labels: Labels = {
    mine: '1',
    'containerd.io/gc.root': 'x',
    'containerd.io/snapshot/cri.layer-digest': 'sha256:abc',
    'containerd.io/snapshot.ref': 'target',
  };
  const heard = async (): Promise<(readonly [string, Labels])[]> =>
    ((await backend?.overlay.list('blue')) ?? []).map((record) => [record.key, record.labels]);
  await t.snapshots.prepare('blue', 'a', '', { labels });
  const { mine: _, 'containerd.io/gc.root': __, ...theirs } = labels;
  assert.deepEqual(await heard(), [['blue/1/a', theirs]]);
  assert.deepEqual((await t.snapshots.stat('blue', 'a')).labels, labels);
  await t.snapshots.setLabels('blue', 'a', () => ({ mine: '2', 'containerd.io/snapshot/x': 'y' }));
  assert.deepEqual(await heard(), [['blue/1/a', { 'containerd.io/snapshot/x': 'y' }]]);
  await t.snapshots.commit('blue', 'target', 'a', { labels });
  assert.deepEqual(await heard(), [['blue/2/target', theirs]]);
});

test('a backend that has made the target by itself gets it recorded: already-exists, leased, and a parent like any', async () => {
  await using t = await testSnapshots(remoteOn(new Map(), lazily));
  const { snapshots, metadata } = t;
  await metadata.write((tx) => tx.leases.create('default', { id: 'l', labels: {}, createdAt: 1n }));
  for (const [target, parent] of [
    ['one', ''],
    ['two', 'one'],
  ] as const) {
    const labels = { 'containerd.io/snapshot.ref': target };
    const preparing = snapshots.prepare('default', `extract ${target}`, parent, { labels, lease: 'l' });
    await assert.rejects(preparing, { kind: 'already-exists' });
  }
  const { kind, parent, labels } = await snapshots.stat('default', 'two');
  assert.deepEqual([kind, parent, labels['containerd.io/snapshot/remote']], ['committed', 'one', 'lazy']);
  assert.deepEqual(
    metadata.read.leaseResources('default', 'l').map(({ id }) => id),
    ['one', 'two'],
  );
  await snapshots.cleanup();
  await t.within(await snapshots.prepare('default', 'a', 'two'), write('f', 'x'));
  assert.deepEqual((await snapshots.list('default')).map(({ key }) => key).sort(), ['a', 'one', 'two']);
});

test('what a backend has made for several namespaces stays until the last of them lets go', async () => {
  const backends = new Map<string, TestBackend>();
  await using t = await testSnapshots(remoteOn(backends, lazily));
  const { snapshots } = t;
  const [backend] = [...backends.values()];
  const labels = { 'containerd.io/snapshot.ref': 'one' };
  for (const namespace of ['blue', 'green'])
    await assert.rejects(snapshots.prepare(namespace, 'extract', '', { labels }), { kind: 'already-exists' });
  const made = async (): Promise<number> => ((await backend?.overlay.list('blue')) ?? []).length;
  await snapshots.remove('blue', 'one');
  await snapshots.cleanup();
  assert.equal(await made(), 1);
  await snapshots.remove('green', 'one');
  await snapshots.cleanup();
  assert.equal(await made(), 0);
});

test('a backend that is down fails what needs it and nothing else, and is found again when it is back', async () => {
  await using undo = new AsyncDisposableStack();
  const backends = new Map<string, TestBackend>();
  await using t = await testSnapshots(remoteOn(backends));
  const { metadata } = t;
  const [backend] = [...backends.values()];
  const address = join(t.directory, 'moved.sock');
  const remote = undo.use(openRemoteSnapshotter({ name: 'remote', address, metadata }));
  const gone = { kind: 'unavailable', message: /snapshotter "remote": nobody answers at ".*moved.sock"/ };
  await assert.rejects(remote.prepare('default', 'a', ''), gone);
  await metadata.write((tx) => tx.putNamespace({ name: 'default', labels: {} }));
  await assert.rejects(remote.cleanup(), gone);
  await assert.rejects(remote.stat('default', 'a'), { kind: 'not-found' });
  assert.deepEqual(await remote.list('default'), []);
  await symlink(backend?.rig.address ?? '', address);
  await remote.prepare('default', 'a', '');
  await rm(address);
  assert.equal((await remote.stat('default', 'a')).kind, 'active');
  await assert.rejects(remote.commit('default', 'x', 'a', { parent: 'a' }), { kind: 'failed-precondition' });
});
