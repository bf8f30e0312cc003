import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempDisposable, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { inNamespace, openApi, type ApiRig } from '#/api/containerd/open-api.suite.ts';
import {
  end,
  ns,
  openStream,
  receiveBytes,
  sendBytes,
  transfer,
  type Ends,
} from '#/api/containerd/transfer/client.fixture.ts';
import { command, makeLayout, pushLayout } from '#/core/images/images.fixture.ts';
import { openRegistry } from '#/core/registry/open-registry.ts';
import { login, startRegistry, startServer, type TestRegistry } from '#/core/registry/registry.fixture.ts';
import { Leases } from '#/gen/containerd/services/leases/v1/leases_pb.ts';
import { ImageStoreSchema } from '#/gen/containerd/types/transfer/imagestore_pb.ts';
import { ImageExportStreamSchema, ImageImportStreamSchema } from '#/gen/containerd/types/transfer/importexport_pb.ts';
import {
  AuthRequestSchema,
  AuthResponseSchema,
  AuthType,
  OCIRegistrySchema,
} from '#/gen/containerd/types/transfer/registry_pb.ts';
import { DataSchema } from '#/gen/containerd/types/transfer/streaming_pb.ts';
import { packMessage, unpackMessage } from '#/rpc/any.ts';

const platform = { os: 'linux', architecture: 'amd64' };
const cleaning = new AsyncDisposableStack();
let server: TestRegistry;
let layout = '';
let directory = '';

before(async () => {
  server = cleaning.use(await startRegistry());
  const { path } = cleaning.use(await mkdtempDisposable(join(tmpdir(), 'berth-transfer-')));
  directory = path;
  layout = await makeLayout(path, { texts: ['one', 'two'] });
  await pushLayout(layout, server.host, 'app:1');
});

after(async () => await cleaning.disposeAsync());

const open = async (): Promise<ApiRig> => await openApi({}, openRegistry({ userAgent: 'test', configFiles: [] }));

const pullOf = (reference: string, store: object = {}): Ends => ({
  source: end(OCIRegistrySchema, { reference }),
  destination: end(ImageStoreSchema, {
    name: reference,
    platforms: [platform],
    unpacks: [{ platform, snapshotter: 'overlayfs' }],
    ...store,
  }),
});

test('transfer() from a registry to the store pulls, unpacks, names, and tells a tree of parts', async () => {
  await using rig = await open();
  const name = `${server.host}/app:1`;
  const told = await transfer(rig, pullOf(name, { labels: { mine: 'yes' } }));
  const record = rig.core.metadata.read.images.get(ns, name);
  assert.equal(record.labels['mine'], 'yes');
  assert.equal(rig.core.metadata.read.snapshots.list(ns).length, 2);
  assert.deepEqual(rig.core.metadata.read.leases.list(ns), []);

  const events = told.map(({ event }) => event);
  assert.equal(events[0], `Resolving from OCI Registry (${name})`);
  assert.equal(events[1], `Pulling from OCI Registry (${name})`);
  assert.deepEqual(events.slice(-3), ['saved', `Completed pull from OCI Registry (${name})`, 'extracted']);
  const last = new Map(told.map((step) => [step.name, step]));
  const manifest = `manifest-${record.target.digest}`;
  assert.deepEqual(last.get(manifest)?.parents, [name]);
  assert.equal(last.get(manifest)?.event, 'complete');
  const layers = [...last.values()].filter((step) => step.name.startsWith('layer-'));
  assert.deepEqual(
    layers.map(({ event, parents }) => [event, parents]),
    [
      ['extracted', [manifest]],
      ['extracted', [manifest]],
    ],
  );
  assert.equal(last.get(name)?.event, 'saved');
});

test('transfer() within the store tags; a source that is not there is not-found', async () => {
  await using rig = await open();
  const name = `${server.host}/app:1`;
  await transfer(rig, pullOf(name));
  const source = end(ImageStoreSchema, { name });
  const destination = end(ImageStoreSchema, { name: 'other:2', extraReferences: [{ name: 'third:3' }] });
  await transfer(rig, { source, destination });
  const names = rig.core.metadata.read.images.list(ns).map((image) => image.name);
  assert.deepEqual(names.toSorted(), [name, 'other:2', 'third:3'].toSorted());
  await assert.rejects(transfer(rig, { source: end(ImageStoreSchema, { name: 'none:1' }), destination }), {
    kind: 'not-found',
  });
});

test('transfer() asks for credentials on the stream that the client opened for that', async () => {
  await using closed = await startRegistry({ withLogin: true });
  await using rig = await open();
  const name = `${closed.host}/app:1`;
  const auth = await openStream(rig, 'creds');
  const source = end(OCIRegistrySchema, { reference: name, resolver: { authStream: 'creds', defaultScheme: 'http' } });
  const pulling = transfer(rig, { ...pullOf(name), source });
  const asked = unpackMessage(AuthRequestSchema, (await auth.receive()) ?? packMessage(AuthRequestSchema, {}));
  assert.equal(asked.host, closed.host);
  assert.equal(asked.reference, name);
  assert.match(asked.wwwauthenticate.join(), /Basic realm="test"/);
  const { username, password: secret } = login;
  await auth.send(packMessage(AuthResponseSchema, { authType: AuthType.CREDENTIALS, username, secret }));
  // Logged in, it finds that the registry is empty.
  await assert.rejects(pulling, { kind: 'not-found' });
});

test('transfer() of what cannot be transferred is unimplemented and names both ends', async () => {
  await using rig = await open();
  const source = end(ImageImportStreamSchema, { stream: 'x' });
  const wrong = { source, destination: end(OCIRegistrySchema, { reference: 'a:1' }) };
  await assert.rejects(transfer(rig, wrong), { kind: 'unimplemented', message: /ImageImportStream to .*OCIRegistry/ });
});

test('transfer() echoes bytes through windowed streams, however many', async () => {
  await using rig = await open();
  const bytes = randomBytes(3_000_001);
  const input = await openStream(rig, 'in');
  const output = await openStream(rig, 'out');
  const source = end(ImageImportStreamSchema, { stream: 'in' });
  const destination = end(ImageExportStreamSchema, { stream: 'out' });
  const [, , received] = await Promise.all([
    transfer(rig, { source, destination }),
    sendBytes(input, bytes),
    receiveBytes(output),
  ]);
  assert(received.equals(bytes));
});

test('stream() refuses an id that is in use, and frees it when its client goes', async () => {
  await using rig = await open();
  const first = await openStream(rig, 'same');
  await assert.rejects(openStream(rig, 'same'), { kind: 'already-exists' });
  first.cancel();
  await assert.rejects(first.receive());
  for (let attempt = 0; ; attempt += 1)
    try {
      await openStream(rig, 'same');
      break;
    } catch (error) {
      if (attempt > 50) throw error;
      await sleep(20);
    }
});

test('stream() under a lease ends with the lease, and others stay', async () => {
  await using rig = await openApi();
  await rig.client.unary(Leases.method.create, { id: 'l' }, inNamespace(ns));
  const leased = await openStream(rig, 'leased', 'l');
  const plain = await openStream(rig, 'plain');
  await rig.core.garbage.collect();
  await assert.rejects(openStream(rig, 'leased'), { kind: 'already-exists' });
  await rig.client.unary(Leases.method.delete, { id: 'l', sync: true }, inNamespace(ns));
  assert.equal(await leased.receive(), undefined);
  await assert.rejects(openStream(rig, 'plain'), { kind: 'already-exists' });
  plain.cancel();
});

test('transfer() that its client cancels ends, leaves nothing, and closes its streams', async () => {
  const { promise: asked, resolve } = Promise.withResolvers<void>();
  // A registry that never answers.
  await using silent = await startServer(() => resolve());
  await using rig = await open();
  const stop = new AbortController();
  const auth = await openStream(rig, 'creds');
  const source = end(OCIRegistrySchema, {
    reference: `${silent.host}/app:1`,
    resolver: { authStream: 'creds', defaultScheme: 'http' },
  });
  const pulling = transfer(rig, { ...pullOf(`${silent.host}/app:1`), source }, stop.signal);
  await asked;
  stop.abort();
  await assert.rejects(pulling);
  assert.equal(await auth.receive(), undefined);
  assert.deepEqual(rig.core.metadata.read.images.list(ns), []);
  assert.deepEqual(rig.core.metadata.read.leases.list(ns), []);
});

test('transfer() imports an archive, exports it, and pushes it; the digests stay', async () => {
  await using rig = await open();
  const archive = await readFile(await archiveOf(layout));
  const upload = await openStream(rig, 'up');
  const name = `${server.host}/from/archive:1`;
  const prefix = `${server.host}/from/archive`;
  const imported = {
    source: end(ImageImportStreamSchema, { stream: 'up' }),
    destination: end(ImageStoreSchema, {
      extraReferences: [{ name: prefix, isPrefix: true }],
      platforms: [platform],
      unpacks: [{ platform }],
    }),
  };
  const [told] = await Promise.all([transfer(rig, imported), sendBytes(upload, archive)]);
  assert.deepEqual(
    told.map(({ event, name: of }) => [event, of]),
    [
      ['Importing', ''],
      ['saved', name],
      ['Completed import', ''],
    ],
  );
  const { target } = rig.core.metadata.read.images.get(ns, name);

  const download = await openStream(rig, 'down');
  const exported = {
    source: end(ImageStoreSchema, { extraReferences: [{ name }] }),
    destination: end(ImageExportStreamSchema, { stream: 'down', skipCompatibilityManifest: true }),
  };
  const [exporting, bytes] = await Promise.all([transfer(rig, exported), receiveBytes(download)]);
  assert.equal(exporting.at(-1)?.event, 'Completed export');
  const path = join(directory, 'down.tar');
  await writeFile(path, bytes);
  assert.equal(Buffer.byteLength(await command('skopeo', 'inspect', '--raw', `oci-archive:${path}`)), target.size);
  assert(!(await command('tar', '-tf', path)).includes('manifest.json'));

  const pushed = { source: end(ImageStoreSchema, { name }), destination: end(OCIRegistrySchema, { reference: name }) };
  const pushing = await transfer(rig, pushed);
  assert.deepEqual(
    [pushing[0]?.event, pushing.at(-2)?.event],
    [`Pushing to OCI Registry (${name})`, `Completed push to OCI Registry (${name})`],
  );
  const raw = await command('skopeo', 'inspect', '--raw', '--tls-verify=false', `docker://${name}`);
  assert.equal(Buffer.byteLength(raw), target.size);
});

test('transfer() of an archive whose client goes away keeps nothing of it', async () => {
  await using rig = await open();
  const archive = await readFile(await archiveOf(layout));
  const upload = await openStream(rig, 'up');
  const imported = {
    source: end(ImageImportStreamSchema, { stream: 'up' }),
    destination: end(ImageStoreSchema, { name: 'x:1' }),
  };
  const importing = transfer(rig, imported);
  await upload.receive();
  await upload.send(packMessage(DataSchema, { data: archive.subarray(0, 20_000) }));
  upload.cancel();
  await assert.rejects(importing);
  const { read } = rig.core.metadata;
  assert.deepEqual(
    [read.images, read.content, read.ingests, read.leases].map((kind) => kind.list(ns).length),
    [0, 0, 0, 0],
  );
});

/** The layout as an archive whose one image has only a tag. */
async function archiveOf(tree: string): Promise<string> {
  const path = join(directory, 'tagged.tar');
  await command('skopeo', 'copy', '-q', `oci:${tree}:test`, `oci-archive:${path}:1`);
  return path;
}
