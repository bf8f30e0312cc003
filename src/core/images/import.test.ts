import assert from 'node:assert/strict';
import { createReadStream } from 'node:fs';
import { mkdir, mkdtempDisposable, readFile, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, test } from 'node:test';
import { command, makeLayout, openStore, readFromImage, type TestStore } from '#/core/images/images.fixture.ts';
import type { ImageRecord } from '#/core/metadata/contract.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { digestOf } from '#/oci/digest.ts';
import { parsePlatform } from '#/oci/platform.ts';

const ns = 'default';
const platform = parsePlatform('linux/amd64');
const unpacks = [{ platform, snapshotter: 'overlayfs' }];
const cleaning = new AsyncDisposableStack();
let directory = '';
let layout = '';
let armLayout = '';

before(async () => {
  const temporary = cleaning.use(await mkdtempDisposable(join(tmpdir(), 'berth-import-')));
  directory = temporary.path;
  layout = await makeLayout(directory, { texts: ['one', 'two'] });
  armLayout = await makeLayout(directory, { texts: ['arm'], architecture: 'arm64' });
});

after(async () => await cleaning.disposeAsync());

const file = (name: string): string => join(directory, name);

async function load(store: TestStore, path: string, options = {}): Promise<ImageRecord[]> {
  return await store.images.import(ns, { archive: createReadStream(path), ...options });
}

async function topOf(store: TestStore, { target }: ImageRecord): Promise<string> {
  return (await store.images.resolve(ns, target, platform)).chain.at(-1) ?? '';
}

function assertNothingLeft({ metadata, content }: TestStore): void {
  const { read } = metadata;
  assert.deepEqual(
    [read.leases, read.snapshots, read.images, read.content, read.ingests].map((kind) => kind.list(ns).length),
    [0, 0, 0, 0, 0],
  );
  assert.deepEqual(content.list(ns), []);
}

test('import() reads an OCI archive of skopeo, plain, gzip and zstd, and unpacks it', async () => {
  const plain = file('oci.tar');
  await command('skopeo', 'copy', '-q', `oci:${layout}:test`, `oci-archive:${plain}:busybox:mine`);
  await command('sh', '-c', `gzip -k ${plain}; zstd -q ${plain}`);
  for (const path of [plain, `${plain}.gz`, `${plain}.zst`]) {
    await using store = await openStore();
    const [record, ...others] = await load(store, path, { unpacks });
    assert(record !== undefined && others.length === 0);
    assert.equal(record.name, 'docker.io/library/busybox:mine');
    assert.equal(await readFromImage(store, ns, await topOf(store, record), 'layer-1'), 'two');
    assert.deepEqual(store.metadata.read.leases.list(ns), []);
    await store.images.collectGarbage();
    assert.equal(store.content.list(ns).length, 4);
    assert.equal(store.metadata.read.snapshots.list(ns).length, 2);
  }
});

test('import() stores an image without a name under its digest', async () => {
  const path = file('unnamed.tar');
  await command('tar', '-C', layout, '-cf', path, '.');
  await using store = await openStore();
  const [record] = await load(store, path);
  assert.equal(record?.name, record?.target.digest);
});

test('import() reads a docker archive of skopeo with its links, its layers kept as they are', async () => {
  const path = file('docker.tar');
  await command('skopeo', 'copy', '-q', `oci:${layout}:test`, `docker-archive:${path}:team/app:1`);
  await using store = await openStore();
  const [record] = await load(store, path, { unpacks });
  assert(record !== undefined);
  assert.equal(record.name, 'docker.io/team/app:1');
  const { manifest, config } = await store.images.resolve(ns, record.target, platform);
  assert.deepEqual(
    manifest.layers.map(({ digest }) => digest),
    config.diffIds,
  );
  assert.equal(await readFromImage(store, ns, await topOf(store, record), 'layer-0'), 'one');
  await store.images.collectGarbage();
  assert.equal(store.content.list(ns).length, 4);
});

test('import() reads what docker save of long ago made: layers in folders, links between them, no tags', async () => {
  const tree = file('old');
  const source = file('for-old');
  await mkdir(tree);
  await mkdir(source);
  await command('skopeo', 'copy', '-q', `oci:${layout}:test`, `dir:${source}`);
  const manifest = JSON.parse(await readFile(join(source, 'manifest.json'), 'utf8')) as {
    config: { digest: string };
    layers: { digest: string }[];
  };
  const hexes = manifest.layers.map(({ digest }) => digest.slice(7));
  const config = manifest.config.digest.slice(7);
  await command('cp', join(source, config), join(tree, `${config}.json`));
  for (const [index, hex] of hexes.entries()) {
    await mkdir(join(tree, `id${index}`));
    await writeFile(join(tree, `id${index}`, 'VERSION'), '1.0');
    await command('sh', '-c', `gzip -dc ${join(source, hex)} > ${join(tree, `id${index}`, 'layer.tar')}`);
  }
  await mkdir(join(tree, 'alias'));
  await symlink('../id1/layer.tar', join(tree, 'alias/layer.tar'));
  const layers = ['id0/layer.tar', 'alias/layer.tar'];
  await writeFile(
    join(tree, 'manifest.json'),
    JSON.stringify([{ Config: `${config}.json`, RepoTags: null, Layers: layers }]),
  );
  const path = file('old.tar');
  await command('tar', '-C', tree, '-cf', path, 'manifest.json', 'alias', 'id1', 'id0', `${config}.json`);
  await using store = await openStore();
  const [record] = await load(store, path, { unpacks });
  assert(record !== undefined);
  assert.equal(record.name, record.target.digest);
  assert.equal(await readFromImage(store, ns, await topOf(store, record), 'layer-1'), 'two');
  assert.equal((await store.images.get(ns, config.slice(0, 12))).name, record.name);
});

test('import() refuses archives that are cut off, corrupted or no archives, and keeps nothing of them', async () => {
  const whole = file('whole.tar');
  await command('tar', '-C', layout, '-cf', whole, '.');
  const { size } = await stat(whole);
  await command(
    'sh',
    '-c',
    `cp ${whole} ${file('cut.tar')}; gzip -c ${whole} | head -c ${Math.floor(size / 5)} > ${file('cut.gz')}`,
  );
  await truncate(file('cut.tar'), Math.floor(size / 2));
  await writeFile(file('text'), 'this is no archive at all'.repeat(100));
  await command('tar', '-C', '/etc', '-cf', file('etc.tar'), 'passwd');
  const cases: Readonly<Record<string, object>> = {
    'cut.tar': { kind: 'invalid-argument', message: /cut off/ },
    'cut.gz': { kind: 'data-loss', message: /does not decompress/ },
    text: { kind: 'invalid-argument' },
    'etc.tar': { kind: 'invalid-argument', message: /no archive of images/ },
  };
  for (const [name, expected] of Object.entries(cases)) {
    await using store = await openStore();
    await assert.rejects(load(store, file(name)), expected, name);
    assertNothingLeft(store);
  }
});

/** A tar of the given entries, in that order. */
async function tarOf(name: string, entries: Readonly<Record<string, string | Uint8Array>>): Promise<string> {
  const tree = file(`${name}.d`);
  for (const [entry, content] of Object.entries(entries)) {
    await mkdir(join(tree, entry, '..'), { recursive: true });
    await writeFile(join(tree, entry), content);
  }
  await command('tar', '-C', tree, '-cf', file(name), ...Object.keys(entries));
  return file(name);
}

test('import() refuses blobs that are not what their name says, and images that lack blobs', async () => {
  const [manifest] = (
    JSON.parse(await readFile(join(layout, 'index.json'), 'utf8')) as { manifests: { digest: string }[] }
  ).manifests;
  const hex = manifest?.digest.slice(7) ?? '';
  const index = await readFile(join(layout, 'index.json'));
  const blob = await readFile(join(layout, 'blobs/sha256', hex));
  const lying = await tarOf('lying.tar', { 'index.json': index, [`blobs/sha256/${hex}`]: 'something else' });
  const lacking = await tarOf('lacking.tar', { [`blobs/sha256/${hex}`]: blob, 'index.json': index });
  const bare = await tarOf('bare.tar', { 'index.json': index });
  await using store = await openStore();
  await assert.rejects(load(store, lying), {
    kind: 'data-loss',
    message: new RegExp(`blobs/sha256/${hex}.*has digest`),
  });
  await assert.rejects(load(store, lacking), { kind: 'not-found', message: /it is incomplete.*content sha256:/ });
  await assert.rejects(load(store, bare), { kind: 'not-found', message: new RegExp(hex) });
  assertNothingLeft(store);
});

test('import() refuses docker archives whose documents do not fit together', async () => {
  const config = JSON.stringify({
    os: 'linux',
    architecture: 'amd64',
    rootfs: { type: 'layers', diff_ids: [digestOf('x')] },
  });
  const docker = async (name: string, manifest: unknown, more = {}): Promise<string> =>
    await tarOf(name, { 'manifest.json': JSON.stringify(manifest), 'c.json': config, 'l.tar': 'layer', ...more });
  const cases: readonly (readonly [string, object])[] = [
    [await docker('d1', {}), { kind: 'invalid-argument', message: /not a list/ }],
    [await docker('d2', [{ Config: 'c.json', Layers: [] }]), { kind: 'invalid-argument', message: /0 layers and 1/ }],
    [await docker('d3', [{ Config: 'none.json', Layers: ['l.tar'] }]), { kind: 'not-found', message: /"none.json"/ }],
    [await docker('d4', [{ Config: 'c.json', Layers: ['../../etc/passwd'] }]), { kind: 'not-found' }],
    [await docker('d5', [{ Config: 'c.json', Layers: ['l.tar'] }]), { kind: 'data-loss', message: /layer "l.tar"/ }],
    [await docker('d6', [{ Config: 'l.tar', Layers: ['l.tar'] }]), { kind: 'invalid-argument', message: /not JSON/ }],
    [await docker('d7', [null]), { kind: 'invalid-argument' }],
    [await docker('d8', []), { kind: 'invalid-argument', message: /no images/ }],
    [await tarOf('d9', { 'manifest.json': '{' }), { kind: 'invalid-argument', message: /not JSON/ }],
  ];
  await using store = await openStore();
  for (const [path, expected] of cases) await assert.rejects(load(store, path), expected, path);
  assertNothingLeft(store);
});

test('import() refuses an archive that says two things under one name, and takes one that repeats itself', async () => {
  const index = await readFile(join(layout, 'index.json'));
  const again = async (name: string, document: string | Uint8Array): Promise<string> => {
    await command('tar', '-C', layout, '-cf', file(name), '.');
    await writeFile(file('index.json'), document);
    await command('tar', '-C', directory, '-rf', file(name), 'index.json');
    return file(name);
  };
  await using store = await openStore();
  const other = JSON.stringify({ schemaVersion: 2, manifests: [] });
  await assert.rejects(load(store, await again('two.tar', other)), {
    kind: 'invalid-argument',
    message: /"index.json" is in it twice/,
  });
  assertNothingLeft(store);
  assert.equal((await load(store, await again('same.tar', index))).length, 1);
});

test('import() makes for a docker archive the manifest that containerd makes, and compresses layers when asked', async () => {
  const path = file('for-containerd.tar');
  await command('skopeo', 'copy', '-q', `oci:${layout}:test`, `docker-archive:${path}:team/app:1`);
  await using store = await openStore();
  const [record] = await load(store, path, { nameWhole: (target: Descriptor) => [{ name: 'whole:1', target }] });
  assert.equal(record?.name, 'whole:1');
  const read = async ({ digest }: Descriptor): Promise<string> =>
    Buffer.from(await store.content.readWhole(ns, digest, 10_000)).toString();
  const index = await read(record.target);
  const named = store.metadata.read.images.get(ns, 'docker.io/team/app:1').target;
  const { annotations: _names, ...target } = named;
  assert.equal(
    index,
    `{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.docker.distribution.manifest.v2+json","digest":"${target.digest}","size":${target.size},` +
      `"annotations":{"io.containerd.image.name":"docker.io/team/app:1","org.opencontainers.image.ref.name":"1"},"platform":{"architecture":"amd64","os":"linux"}}]}`,
  );
  const manifest = await read(named);
  assert.match(
    manifest,
    /^\{"schemaVersion":2,"mediaType":"[^"]*docker[^"]*v2\+json","config":\{"mediaType":"[^"]*docker/,
  );
  const [packed] = await load(store, path, { compressLayers: true, unpacks });
  assert(packed !== undefined && packed.target.digest !== named.digest);
  const resolved = await store.images.resolve(ns, packed.target, platform);
  assert.equal(resolved.manifest.layers[0]?.mediaType, 'application/vnd.docker.image.rootfs.diff.tar.gzip');
  assert.equal(await readFromImage(store, ns, await topOf(store, packed), 'layer-1'), 'two');
});

test('import() that is lenient names images for other platforms, and unpacks what fits', async () => {
  const path = file('arm-lenient.tar');
  await command('tar', '-C', armLayout, '-cf', path, '.');
  await using store = await openStore();
  const [record] = await load(store, path, { unpacks, lenient: true });
  assert(record !== undefined);
  assert.deepEqual(store.metadata.read.snapshots.list(ns), []);
  await assert.rejects(load(store, path, { lenient: true, nameEntry: () => [] }), {
    kind: 'not-found',
    message: /none of its 1 images has a name that fits/,
  });
});

test('import() for a platform that the archive lacks is not-found', async () => {
  const path = file('arm.tar');
  await command('tar', '-C', armLayout, '-cf', path, '.');
  await using store = await openStore();
  await assert.rejects(load(store, path, { unpacks }), {
    kind: 'not-found',
    message: /linux\/arm64/,
  });
  assertNothingLeft(store);
  const [record] = await load(store, path);
  assert(record !== undefined);
});

test('import() that is aborted, or whose stream breaks, leaves nothing', async () => {
  const path = file('whole2.tar');
  await command('tar', '-C', layout, '-cf', path, '.');
  await using store = await openStore();
  const stop = new AbortController();
  const onProgress = (): void => stop.abort();
  await assert.rejects(load(store, path, { signal: stop.signal, onProgress }), { name: 'AbortError' });
  assertNothingLeft(store);
  const bytes = await readFile(path);
  const breaking = async function* (): AsyncGenerator<Uint8Array> {
    yield bytes.subarray(0, bytes.length / 2);
    throw new Error('the client went away');
  };
  await assert.rejects(store.images.import(ns, { archive: Readable.from(breaking()) }), /went away/);
  assertNothingLeft(store);
});

test('two imports of one archive at once both succeed', async () => {
  const path = file('twice.tar');
  await command('skopeo', 'copy', '-q', `oci:${layout}:test`, `oci-archive:${path}:twice:1`);
  await using store = await openStore();
  const options = { unpacks };
  const [one, two] = await Promise.all([load(store, path, options), load(store, path, options)]);
  assert.deepEqual(one[0]?.target, two[0]?.target);
  await store.images.collectGarbage();
  assert.equal(store.metadata.read.snapshots.list(ns).length, 2);
  assert.deepEqual(await store.content.listIngests(ns), []);
});
