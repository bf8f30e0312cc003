import assert from 'node:assert/strict';
import { readFile, mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { ImageProgress } from '#/core/images/contract.ts';
import {
  command,
  makeLayout,
  openStore,
  pushIndex,
  pushLayout,
  readFromImage,
  topicsOf,
  type TestStore,
} from '#/core/images/images.fixture.ts';
import { startRegistry, type TestRegistry } from '#/core/registry/registry.fixture.ts';
import { parseDigest } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';
import { parsePlatform } from '#/oci/platform.ts';
import { parseReference } from '#/oci/reference.ts';

const ns = 'default';
const amd64 = parsePlatform('linux/amd64');
const unpacks = [{ platform: amd64, snapshotter: 'overlayfs' }];
let server: TestRegistry;
let layout = '';
let armLayout = '';
const cleaning = new AsyncDisposableStack();

before(async () => {
  server = cleaning.use(await startRegistry());
  const { path } = cleaning.use(await mkdtempDisposable(join(tmpdir(), 'berth-pull-')));
  layout = await makeLayout(path, { texts: ['one', 'two', 'three'] });
  await pushLayout(layout, server.host, 'app:1');
  armLayout = await makeLayout(path, { texts: ['arm'], architecture: 'arm64' });
  await pushLayout(armLayout, server.host, 'arm:1');
});

after(async () => await cleaning.disposeAsync());

const referenceTo = (name: string) => parseReference(`${server.host}/${name}`);

/** What a failed or ended pull must not leave behind. */
function assertNothingLeft({ metadata }: TestStore, { images = 0, snapshots = 0 } = {}): void {
  const { read } = metadata;
  assert.deepEqual(read.leases.list(ns), []);
  assert.equal(read.snapshots.list(ns).length, snapshots);
  assert.equal(read.images.list(ns).length, images);
}

test('pull() stores, unpacks and announces an image, and labels what keeps what', async () => {
  await using store = await openStore();
  const progress: ImageProgress[] = [];
  const record = await store.images.pull(ns, {
    reference: referenceTo('app:1'),
    platforms: [amd64],
    unpacks,
    labels: { mine: 'yes' },
    onProgress: (step) => progress.push(step),
  });
  assert.equal(record.name, `${server.host}/app:1`);
  assert.deepEqual(store.images.list(ns), [record]);
  assert.equal(record.labels['mine'], 'yes');
  assertNothingLeft(store, { images: 1, snapshots: 3 });

  const resolved = await store.images.resolve(ns, record.target, amd64);
  assert.equal(resolved.chain.length, 3);
  const top = resolved.chain.at(-1) ?? '';
  assert.equal(await readFromImage(store, ns, top, 'layer-0'), 'one');
  assert.equal(await readFromImage(store, ns, top, 'layer-2'), 'three');
  const { labels } = store.content.info(ns, resolved.manifestDescriptor.digest);
  assert.equal(labels['containerd.io/gc.ref.content.config'], resolved.configDigest);
  assert.equal(labels['containerd.io/gc.ref.content.l.2'], resolved.manifest.layers[2]?.digest);
  assert.equal(labels['containerd.io/distribution.source.localhost'], 'app');
  const config = store.content.info(ns, resolved.configDigest).labels;
  assert.equal(config['containerd.io/gc.ref.snapshot.overlayfs'], top);
  const layer = store.content.info(ns, parseDigest(resolved.manifest.layers[0]?.digest ?? '')).labels;
  assert.equal(layer['containerd.io/uncompressed'], resolved.config.diffIds[0]);

  const topics = topicsOf(store);
  assert.equal(topics.at(-1), '/images/create');
  assert.equal(topics.filter((topic) => topic === '/snapshot/commit').length, 3);
  assert.deepEqual(progress[0], { kind: 'resolving', name: record.name });
  assert.equal(progress.at(-1)?.kind, 'stored');
  for (const kind of ['downloading', 'downloaded', 'extracting', 'unpacked'])
    assert(
      progress.some((step) => step.kind === kind),
      kind,
    );

  await store.images.collectGarbage();
  assertNothingLeft(store, { images: 1, snapshots: 3 });
  const before = store.metadata.read.lastChange();
  assert.equal(await store.images.unpack(ns, resolved, 'overlayfs'), top);
  assert.equal(store.metadata.read.lastChange(), before);
});

test('unpack() of a stored image makes its snapshots, shares the work, and takes up a half-made stack', async () => {
  await using store = await openStore();
  const { target } = await store.images.pull(ns, { reference: referenceTo('app:1'), platforms: [amd64] });
  assertNothingLeft(store, { images: 1 });
  const resolved = await store.images.resolve(ns, target, amd64);
  const unpack = async () => await store.images.unpack(ns, resolved, 'overlayfs');
  const [top, same] = await Promise.all([unpack(), unpack()]);
  assert.equal(top, resolved.chain.at(-1));
  assert.equal(same, top);
  assertNothingLeft(store, { images: 1, snapshots: 3 });
  await store.overlay.remove(ns, top);
  assert.equal(await unpack(), top);
  assert.equal(topicsOf(store).filter((topic) => topic === '/snapshot/commit').length, 4);
  await assert.rejects(store.images.unpack(ns, resolved, 'none'), { kind: 'invalid-argument' });
  await store.overlay.remove(ns, top);
  const layer = resolved.manifest.layers[2]?.digest;
  assert(layer !== undefined);
  await store.content.delete(ns, layer);
  await assert.rejects(unpack(), { kind: 'not-found', message: new RegExp(layer) });
  assert.deepEqual(store.metadata.read.leases.list(ns), []);
});

test('remove() collects the content and the snapshots that nothing else needs', async () => {
  await using store = await openStore();
  const record = await store.images.pull(ns, {
    reference: referenceTo('app:1'),
    platforms: [amd64],
    unpacks,
  });
  await store.images.tag(ns, record.name, parseReference('other:2'));
  await store.images.remove(ns, record.name);
  assertNothingLeft(store, { images: 1, snapshots: 3 });
  await store.images.remove(ns, 'docker.io/library/other:2');
  assertNothingLeft(store);
  assert.deepEqual(store.content.list(ns), []);
  await assert.rejects(store.images.remove(ns, record.name), { kind: 'not-found' });
});

test('two pulls of one image at once share their work', async () => {
  await using store = await openStore();
  const kinds: string[] = [];
  const pull = async () =>
    await store.images.pull(ns, {
      reference: referenceTo('app:1'),
      platforms: [amd64],
      unpacks,
      onProgress: ({ kind }) => kinds.push(kind),
    });
  const [one, two, three] = await Promise.all([pull(), pull(), pull()]);
  assert.deepEqual(one?.target, two?.target);
  assert.deepEqual(two?.target, three?.target);
  // A manifest, a config, three layers.
  assert.equal(kinds.filter((kind) => kind === 'downloaded').length, 5);
  assert.equal(topicsOf(store).filter((topic) => topic === '/snapshot/commit').length, 3);
  assertNothingLeft(store, { images: 1, snapshots: 3 });
  assert.deepEqual(await store.content.listIngests(ns), []);
});

test('pull() of an image for another platform is not-found and names the platforms', async () => {
  await using store = await openStore();
  const pull = store.images.pull(ns, { reference: referenceTo('arm:1'), platforms: [amd64], unpacks });
  await assert.rejects(pull, { kind: 'not-found', message: /it is for linux\/arm64, not for linux\/amd64$/ });
  assertNothingLeft(store);
  assert.deepEqual(store.content.list(ns), []);
});

test('pull() picks its platform from an index, and lists what there is when none fits', async () => {
  await pushIndex(server.host, 'multi', { arm64: armLayout, amd64: layout });
  await using store = await openStore();
  const reference = referenceTo('multi:1');
  const record = await store.images.pull(ns, { reference, platforms: [amd64], unpacks });
  assert.equal(record.target.mediaType, mediaTypes.ociIndex);
  const resolved = await store.images.resolve(ns, record.target, amd64);
  assert.equal(resolved.config.platform.architecture, 'amd64');
  await assert.rejects(store.images.resolve(ns, record.target, parsePlatform('linux/arm64')), { kind: 'not-found' });
  const pull = store.images.pull(ns, { reference, platforms: [parsePlatform('linux/s390x')] });
  await assert.rejects(pull, {
    kind: 'not-found',
    message: /no image for linux\/s390x; there are linux\/arm64, linux\/amd64$/,
  });
  assertNothingLeft(store, { images: 1, snapshots: 3 });

  const both = await store.images.pull(ns, { reference, platforms: [parsePlatform('linux/arm64')] });
  assert.deepEqual(both.target, record.target);
  await store.images.collectGarbage();
  await store.images.resolve(ns, record.target, amd64);
  await store.images.resolve(ns, record.target, parsePlatform('linux/arm64'));
});

test('pull() of what the registry lacks is not-found and leaves nothing', async () => {
  await using store = await openStore();
  await assert.rejects(store.images.pull(ns, { reference: referenceTo('none:1') }), { kind: 'not-found' });
  await assert.rejects(
    store.images.pull(ns, { reference: referenceTo('app:1'), unpacks: [{ platform: amd64, snapshotter: 'none' }] }),
    {
      kind: 'invalid-argument',
      message: /there are "overlayfs"/,
    },
  );
  assertNothingLeft(store);
});

test('pull() that is aborted leaves nothing', async () => {
  await using store = await openStore();
  const stop = new AbortController();
  const pull = store.images.pull(ns, {
    reference: referenceTo('app:1'),
    platforms: [amd64],
    unpacks,
    signal: stop.signal,
    onProgress: ({ kind }) => {
      if (kind === 'downloaded') stop.abort();
    },
  });
  await assert.rejects(pull, { name: 'AbortError' });
  assertNothingLeft(store);
});

test('push() sends an image that skopeo and a second pull read back, mounting what the registry has', async () => {
  await using store = await openStore();
  const record = await store.images.pull(ns, { reference: referenceTo('app:1'), platforms: [amd64] });
  const kinds: string[] = [];
  const pushed = await store.images.push(ns, {
    name: record.name,
    reference: referenceTo('copy/app:2'),
    onProgress: ({ kind }) => kinds.push(kind),
  });
  assert.deepEqual(pushed, record.target);
  assert.equal(kinds.filter((kind) => kind === 'mounted').length, 4);
  const raw = await command('skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${server.host}/copy/app:2`);
  assert.equal(Buffer.byteLength(raw), record.target.size);
  await using other = await openStore();
  const again = await other.images.pull(ns, {
    reference: referenceTo('copy/app:2'),
    platforms: [amd64],
    unpacks,
  });
  assert.equal(again.target.digest, record.target.digest);

  await using second = await startRegistry();
  await store.images.push(ns, { name: record.name, reference: parseReference(`${second.host}/x:1`) });
  await command('skopeo', 'inspect', '--tls-verify=false', `docker://${second.host}/x:1`);
  await store.content.delete(ns, record.target.digest);
  await assert.rejects(store.images.push(ns, { name: record.name, reference: referenceTo('y:1') }), {
    kind: 'not-found',
  });
});

test('the blobs of a registry are not trusted: what lies is data-loss, names the layer and is not kept', async () => {
  await using own = await startRegistry();
  await command(
    'skopeo',
    'copy',
    '-q',
    '--src-tls-verify=false',
    '--dest-tls-verify=false',
    `docker://${server.host}/app:1`,
    `docker://${own.host}/app:1`,
  );
  await using store = await openStore();
  const manifest = JSON.parse(
    await command('skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${own.host}/app:1`),
  ) as { layers: { digest: string; size: number }[] };
  const { digest = '', size = 0 } = manifest.layers[1] ?? {};
  const hex = digest.slice('sha256:'.length);
  const path = join(own.directory, 'data/docker/registry/v2/blobs/sha256', hex.slice(0, 2), hex, 'data');
  const bytes = await readFile(path);
  assert.equal(bytes.length, size);
  bytes[size - 1] = (bytes[size - 1] ?? 0) ^ 1;
  await command('sh', '-c', `chmod u+w "$1"; printf %s "$2" | base64 -d > "$1"`, 'sh', path, bytes.toString('base64'));
  const pull = store.images.pull(ns, {
    reference: parseReference(`${own.host}/app:1`),
    platforms: [amd64],
    unpacks,
  });
  await assert.rejects(pull, (error: Error & { kind?: string }) => {
    assert.equal(error.kind, 'data-loss');
    assert(error.message.includes(digest), error.message);
    return true;
  });
  assertNothingLeft(store);
  assert(!(await store.content.listIngests(ns)).some(({ ref }) => ref.includes(digest)));
});
