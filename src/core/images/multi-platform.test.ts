import assert from 'node:assert/strict';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, test } from 'node:test';
import type { ExportImages, ImageProgress } from '#/core/images/contract.ts';
import { command, makeLayout, openStore, pushIndex, topicsOf, type TestStore } from '#/core/images/images.fixture.ts';
import type { ImageRecord } from '#/core/metadata/contract.ts';
import { startRegistry, type TestRegistry } from '#/core/registry/registry.fixture.ts';
import type { Digest } from '#/oci/digest.ts';
import { parsePlatform } from '#/oci/platform.ts';
import { parseReference } from '#/oci/reference.ts';

const ns = 'default';
const amd64 = parsePlatform('linux/amd64');
const arm64 = parsePlatform('linux/arm64');
const riscv = parsePlatform('linux/riscv64');
const cleaning = new AsyncDisposableStack();
let server: TestRegistry;
let directory = '';
let digests: Awaited<ReturnType<typeof pushIndex>>;

before(async () => {
  server = cleaning.use(await startRegistry());
  directory = cleaning.use(await mkdtempDisposable(join(tmpdir(), 'berth-multi-'))).path;
  const layouts: Record<string, string> = {};
  for (const architecture of ['amd64', 'arm64', 'riscv64'])
    layouts[architecture] = await makeLayout(directory, { texts: [architecture, 'more'], architecture });
  digests = await pushIndex(server.host, 'multi', layouts);
});

after(async () => await cleaning.disposeAsync());

const referenceTo = (name: string) => parseReference(`${server.host}/${name}`);
const pull = async (store: TestStore, options: object = {}): Promise<ImageRecord> =>
  await store.images.pull(ns, { reference: referenceTo('multi:1'), platforms: [amd64], ...options });
const manifestOf = (architecture: string): Digest => digests.manifests[architecture] as Digest;

async function save(store: TestStore, name: string, options: ExportImages): Promise<string> {
  const path = join(directory, name);
  await pipeline(Readable.from(store.images.export(ns, options)), createWriteStream(path));
  return path;
}

const raw = async (name: string): Promise<string> =>
  await command('skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${server.host}/${name}`);

test('pull() takes several platforms, all, or the metadata of the others, and unpacks for each that is asked for', async () => {
  await using one = await openStore();
  await pull(one);
  // The index, a manifest, a config and two layers; each file of a test layout is a layer.
  assert.equal(one.content.list(ns).length, 5);
  await using metadata = await openStore();
  await pull(metadata, { allMetadata: true });
  assert.equal(metadata.content.list(ns).length, 5 + 2 * 2);
  await using limited = await openStore();
  await pull(limited, { allMetadata: true, manifestLimit: 2 });
  assert.equal(limited.content.list(ns).length, 5 + 2);
  await using all = await openStore();
  const unpacks = [amd64, arm64].map((platform) => ({ platform, snapshotter: 'overlayfs' }));
  const { target } = await pull(all, { platforms: [], unpacks });
  assert.equal(target.digest, digests.index);
  assert.equal(all.content.list(ns).length, 1 + 3 * 2 + (await layersOf(all, target)).size);
  assert.equal(all.metadata.read.snapshots.list(ns).length, 4);
  const { labels } = all.content.info(ns, digests.index);
  assert.equal(labels['containerd.io/gc.ref.content.m.3'], manifestOf('riscv64'));
  await all.images.collectGarbage();
  assert.equal(all.metadata.read.snapshots.list(ns).length, 4);
});

async function layersOf(store: TestStore, target: ImageRecord['target']): Promise<Set<Digest>> {
  const layers = new Set<Digest>();
  for (const platform of [amd64, arm64, riscv]) {
    const { manifest } = await store.images.resolve(ns, target, platform);
    for (const { digest } of manifest.layers) layers.add(digest);
  }
  return layers;
}

test('push() of an index fetches what was not fetched with it, and sends the whole', async () => {
  await using other = await startRegistry();
  await using store = await openStore();
  const { name } = await pull(store);
  const reference = parseReference(`${other.host}/copy/multi:1`);
  const pushed = await store.images.push(ns, { name, reference, complete: true });
  assert.equal(pushed.digest, digests.index);
  const copied = await command(
    'skopeo',
    'inspect',
    '--raw',
    '--tls-verify=false',
    `docker://${other.host}/copy/multi:1`,
  );
  assert.equal(copied, await raw('multi:1'));
  await using back = await openStore();
  await back.images.pull(ns, { reference, platforms: [riscv] });
  assert.deepEqual(store.metadata.read.leases.list(ns), []);
});

test('push() within a registry mounts what is not here instead of fetching it', async () => {
  await using store = await openStore();
  const { name } = await pull(store);
  const before = store.content.list(ns).length;
  const kinds: string[] = [];
  const onProgress = ({ kind }: ImageProgress): void => void kinds.push(kind);
  await store.images.push(ns, { name, reference: referenceTo('beside/multi:1'), complete: true, onProgress });
  assert.equal(await raw('beside/multi:1'), await raw('multi:1'));
  // Only the manifests of the other two platforms came.
  assert.equal(store.content.list(ns).length, before + 2);
  assert(!kinds.includes('uploading'));
});

test('push() of some platforms sends the one manifest, or an index of those', async () => {
  await using store = await openStore();
  const { name } = await pull(store, { platforms: [] });
  const one = await store.images.push(ns, { name, reference: referenceTo('some:one'), platforms: [arm64] });
  assert.equal(one.digest, manifestOf('arm64'));
  await store.images.push(ns, { name, reference: referenceTo('some:two'), platforms: [arm64, amd64] });
  const { manifests } = JSON.parse(await raw('some:two')) as { manifests: { digest: string; platform: object }[] };
  assert.deepEqual(
    manifests.map(({ digest, platform }) => [digest, platform]),
    [
      [manifestOf('arm64'), { os: 'linux', architecture: 'arm64' }],
      [manifestOf('amd64'), { os: 'linux', architecture: 'amd64' }],
    ],
  );
});

test('push() and export() act on what is present and name by platform and digest what they cannot have', async () => {
  const source = await startRegistry();
  await using store = await openStore();
  try {
    await command('sh', '-c', `cp -r ${server.directory}/data ${source.directory}/`);
    const reference = parseReference(`${source.host}/multi:1`);
    await store.images.pull(ns, { reference, platforms: [amd64, arm64] });
  } finally {
    await source[Symbol.asyncDispose]();
  }
  const name = `${source.host}/multi:1`;
  const missing = new RegExp(
    `content for linux/riscv64 ${manifestOf('riscv64')} is not here.*localhost:${source.port}`,
  );
  const expected = { kind: 'not-found', message: missing };
  const left: ImageProgress[] = [];
  const onProgress = (step: ImageProgress): void => void (step.kind === 'left-out' && left.push(step));
  const reference = referenceTo('rest:1');
  await store.images.push(ns, { name, reference, complete: true, onProgress });
  const { manifests } = JSON.parse(await raw('rest:1')) as { manifests: { digest: string }[] };
  // The attestation of these tests is the amd64 manifest by another platform.
  assert.deepEqual(new Set(manifests.map(({ digest }) => digest)), new Set([manifestOf('amd64'), manifestOf('arm64')]));
  assert.match(left[0]?.kind === 'left-out' ? left[0].why : '', missing);
  await assert.rejects(store.images.push(ns, { name, reference, complete: true, platforms: [riscv] }), expected);
  await save(store, 'present.tar', { names: [name], platforms: [amd64], complete: true });
  await assert.rejects(save(store, 'x.tar', { names: [name], allPlatforms: true, complete: true }), expected);
  await assert.rejects(save(store, 'x.tar', { names: [name], platforms: [riscv], complete: true }), expected);
  assert.deepEqual(store.metadata.read.leases.list(ns), []);
});

test('export() of all platforms fetches what is missing; skopeo copies the archive with the same digests', async () => {
  await using store = await openStore();
  const { name } = await pull(store);
  const path = await save(store, 'all.tar', { names: [name], allPlatforms: true, complete: true });
  const layout = join(directory, 'copied');
  await command('skopeo', 'copy', '-q', '--all', `oci-archive:${path}`, `oci:${layout}:x`);
  const { manifests } = JSON.parse(await command('cat', join(layout, 'index.json'))) as {
    manifests: { digest: string }[];
  };
  assert.equal(manifests[0]?.digest, digests.index);

  await using other = await openStore();
  const [record] = await other.images.import(ns, { archive: createReadStream(path) });
  assert.equal(record?.name, name);
  assert.equal(record.target.digest, digests.index);
  // The archive says where it came from, so that what is missing can be fetched by another daemon too.
  assert.equal(record.target.annotations?.['containerd.io/distribution.source.localhost'], 'multi');
  const again = await save(other, 'again.tar', { names: [name], allPlatforms: true });
  assert.equal(
    await command('sh', '-c', `tar -xOf ${again} | wc -c`),
    await command('sh', '-c', `tar -xOf ${path} | wc -c`),
  );
  assert(topicsOf(other).includes('/images/create'));
});
