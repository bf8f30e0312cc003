import assert from 'node:assert/strict';
import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, mkdtempDisposable, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { after, before, test } from 'node:test';
import { command, makeLayout, openStore, type TestStore } from '#/core/images/images.fixture.ts';
import type { ExportImages } from '#/core/images/contract.ts';
import { parsePlatform } from '#/oci/platform.ts';
import { parseReference } from '#/oci/reference.ts';

const ns = 'default';
const platform = parsePlatform('linux/amd64');
const cleaning = new AsyncDisposableStack();
let directory = '';
let archive = '';

before(async () => {
  directory = cleaning.use(await mkdtempDisposable(join(tmpdir(), 'berth-export-'))).path;
  const layout = await makeLayout(directory, { texts: ['one', 'two'] });
  archive = join(directory, 'source.tar');
  await command('skopeo', 'copy', '-q', `oci:${layout}:test`, `oci-archive:${archive}:team/app:1`);
});

after(async () => await cleaning.disposeAsync());

async function save(store: TestStore, name: string, options: ExportImages): Promise<string> {
  const path = join(directory, name);
  await pipeline(Readable.from(store.images.export(ns, options)), createWriteStream(path));
  return path;
}

test('export() writes an archive that skopeo reads as OCI layout and as docker archive', async () => {
  await using store = await openStore();
  const [record] = await store.images.import(ns, { archive: createReadStream(archive) });
  assert(record !== undefined);
  await store.images.tag(ns, record.name, parseReference('busybox:mine'));
  const path = await save(store, 'both.tar', { names: ['team/app:1', 'busybox:mine'] });

  const copy = join(directory, 'copy');
  await command('skopeo', 'copy', '-q', `docker-archive:${path}:team/app:1`, `oci:${copy}:a`);
  await command('skopeo', 'copy', '-q', `docker-archive:${path}:busybox:mine`, `oci:${copy}:b`);
  const single = await save(store, 'single.tar', { names: ['team/app:1'], platforms: [platform], flatten: true });
  await command('skopeo', 'copy', '-q', `oci-archive:${single}`, `oci:${copy}:c`);
  const raw = await command('skopeo', 'inspect', '--raw', `oci-archive:${single}`);
  assert.equal(Buffer.byteLength(raw), record.target.size);
  assert.deepEqual(store.metadata.read.leases.list(ns), []);

  const names = (await command('tar', '-tf', path)).trim().split('\n');
  assert.equal(new Set(names).size, names.length);
  assert.deepEqual(names.slice(-3), ['index.json', 'manifest.json', 'oci-layout']);
});

test('export() and import() keep names and digests; the same images make the same bytes', async () => {
  await using store = await openStore();
  const [record] = await store.images.import(ns, { archive: createReadStream(archive) });
  const one = await save(store, 'one.tar', { names: ['team/app:1'] });
  const two = await save(store, 'two.tar', { names: ['team/app:1'] });
  assert((await readFile(one)).equals(await readFile(two)));
  await using other = await openStore();
  const [again] = await other.images.import(ns, {
    archive: createReadStream(one),
    unpacks: [{ platform, snapshotter: 'overlayfs' }],
  });
  assert.equal(again?.name, record?.name);
  assert.equal(again?.target.digest, record?.target.digest);
});

test('the docker archive in an export is read by import() too, without its index', async () => {
  await using store = await openStore();
  const [record] = await store.images.import(ns, { archive: createReadStream(archive) });
  assert(record !== undefined);
  const path = await save(store, 'whole.tar', { names: [record.target.digest.slice(0, 20)] });
  const tree = join(directory, 'tree');
  await mkdir(tree);
  await command('tar', '-C', tree, '-xf', path);
  const stripped = join(directory, 'stripped.tar');
  await command('tar', '-C', tree, '-cf', stripped, 'blobs', 'manifest.json');
  await using other = await openStore();
  const [again] = await other.images.import(ns, {
    archive: createReadStream(stripped),
    unpacks: [{ platform, snapshotter: 'overlayfs' }],
  });
  assert.equal(again?.name, 'docker.io/team/app:1');
});

test('export() names what is missing, and knows no image that is not there', async () => {
  await using store = await openStore();
  const [record] = await store.images.import(ns, { archive: createReadStream(archive) });
  assert(record !== undefined);
  const { manifest } = await store.images.resolve(ns, record.target, platform);
  const digest = manifest.layers[1]?.digest;
  assert(digest !== undefined);
  await store.content.delete(ns, digest);
  await assert.rejects(save(store, 'x.tar', { names: [record.name] }), {
    kind: 'not-found',
    message: new RegExp(digest),
  });
  await assert.rejects(save(store, 'x.tar', { names: ['nobody'] }), { kind: 'not-found', message: /"nobody"/ });
  await assert.rejects(save(store, 'x.tar', { names: [] }), { kind: 'invalid-argument' });
  const other = { names: [record.name], platforms: [parsePlatform('linux/s390x')], flatten: true };
  await assert.rejects(save(store, 'x.tar', other), {
    kind: 'not-found',
    message: /linux\/amd64, not for linux\/s390x/,
  });
  assert.deepEqual(store.metadata.read.leases.list(ns), []);
});

test('export() that is not read to its end gives its lease back', async () => {
  await using store = await openStore();
  const [record] = await store.images.import(ns, { archive: createReadStream(archive) });
  assert(record !== undefined);
  for await (const _chunk of store.images.export(ns, { names: [record.name] })) break;
  assert.deepEqual(store.metadata.read.leases.list(ns), []);
});
