import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { openStore, readFromImage, type TestStore } from '#/core/images/images.fixture.ts';
import type { ImageRecord } from '#/core/metadata/contract.ts';
import { openRegistry } from '#/core/registry/open-registry.ts';
import { startServer } from '#/core/registry/registry.fixture.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { digestOf, type Digest } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';
import { parsePlatform } from '#/oci/platform.ts';
import { parseReference } from '#/oci/reference.ts';
import type { TarEntry } from '#/oci/tar-entry.ts';
import { encodeTarEntry, paddingAfter, tarEnd } from '#/oci/tar-writer.ts';

const ns = 'default';
const platform = parsePlatform('linux/amd64');
const unpacks = [{ platform, snapshotter: 'overlayfs' }];
const registry = openRegistry({
  userAgent: 'berth-test',
  configFiles: [],
  stallTimeout: 500,
  retryPolicy: { attempts: 2, firstDelay: 5, longestDelay: 20 },
});

/** A layer with one file. */
function tarLayer(name: string, content: Uint8Array): Buffer {
  const entry: TarEntry = {
    type: 'file',
    name,
    linkName: '',
    mode: 0o644,
    uid: 0,
    gid: 0,
    size: content.byteLength,
    modified: 0n,
    deviceMajor: 0,
    deviceMinor: 0,
    xattrs: new Map(),
  };
  return Buffer.concat([encodeTarEntry(entry), content, paddingAfter(content.byteLength), tarEnd]);
}

interface FakeImage {
  readonly blobs: Map<string, Buffer>;
  readonly manifest: Descriptor;
}

interface Lies {
  readonly diffIds?: readonly Digest[];
  readonly config?: object;
  readonly manifest?: object;
  readonly configType?: string;
  readonly layerType?: string;
  readonly urls?: readonly string[];
}

/** An image of plain tar layers, gzipped for the wire, with whatever it is to lie about. */
function fakeImage(tars: readonly Buffer[], lies: Lies = {}): FakeImage {
  const blobs = new Map<string, Buffer>();
  const add = (mediaType: string, data: Buffer): Descriptor => {
    const digest = digestOf(data);
    blobs.set(digest, data);
    return { mediaType, digest, size: data.byteLength };
  };
  const json = (value: object): Buffer => Buffer.from(JSON.stringify(value));
  const layers = tars.map((tar) => ({
    ...add(lies.layerType ?? mediaTypes.ociLayerGzip, gzipSync(tar)),
    ...(lies.urls === undefined ? {} : { urls: lies.urls }),
  }));
  const diffIds = lies.diffIds ?? tars.map((tar) => digestOf(tar));
  const config = { os: 'linux', architecture: 'amd64', rootfs: { type: 'layers', diff_ids: diffIds }, ...lies.config };
  const configDescriptor = add(lies.configType ?? mediaTypes.ociConfig, json(config));
  const document = {
    schemaVersion: 2,
    mediaType: mediaTypes.ociManifest,
    config: configDescriptor,
    layers,
    ...lies.manifest,
  };
  return { blobs, manifest: add(mediaTypes.ociManifest, json(document)) };
}

type Special = (digest: string, request: IncomingMessage, response: ServerResponse) => boolean;

/** Serves an image; `special` may answer a blob in its own way. */
function serve({ blobs, manifest }: FakeImage, special: Special = () => false): RequestListener {
  return (request, response) => {
    const [, kind, name = ''] = /^\/v2\/app\/(manifests|blobs)\/(.*)$/.exec(request.url ?? '') ?? [];
    const digest = name === '1' ? manifest.digest : name;
    const data = blobs.get(digest);
    if (kind === 'blobs' && special(digest, request, response)) return;
    if (data === undefined) {
      response.writeHead(request.url === '/v2/' ? 200 : 404).end();
      return;
    }
    const headers = { 'docker-content-digest': digest, 'content-type': mediaTypes.ociManifest };
    const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
    const range = start === 0 ? {} : { 'content-range': `bytes ${start}-${data.length - 1}/${data.length}` };
    const body = data.subarray(start);
    response.writeHead(start === 0 ? 200 : 206, { ...headers, ...range, 'content-length': body.length });
    response.end(request.method === 'HEAD' ? undefined : body);
  };
}

async function pull(store: TestStore, host: string): Promise<ImageRecord> {
  return await store.images.pull(ns, {
    reference: parseReference(`${host}/app:1`),
    platforms: [platform],
    unpacks,
  });
}

function assertNothingLeft({ metadata }: TestStore): void {
  const { read } = metadata;
  assert.deepEqual(
    [read.leases, read.snapshots, read.images, read.content].map((kind) => kind.list(ns).length),
    [0, 0, 0, 0],
  );
}

/** Breaks the connection after so many bytes of the body. */
function breakAfter(data: Buffer, count: number, request: IncomingMessage, response: ServerResponse): void {
  const start = Number(/^bytes=(\d+)-$/.exec(request.headers.range ?? '')?.[1] ?? 0);
  const range = { 'content-range': `bytes ${start}-${data.length - 1}/${data.length}` };
  response.writeHead(start === 0 ? 200 : 206, { 'content-length': data.length - start, ...(start === 0 ? {} : range) });
  response.write(data.subarray(start, start + count), () => setTimeout(() => response.destroy(), 30));
}

test('a broken download is taken up where it broke', async () => {
  const tar = tarLayer('big', randomBytes(3_000_000));
  const image = fakeImage([tar]);
  const layer = [...image.blobs.keys()][0] ?? '';
  const ranges: (string | undefined)[] = [];
  const special: Special = (digest, request, response) => {
    if (digest !== layer) return false;
    ranges.push(request.headers.range);
    if (ranges.length > 2) return false;
    breakAfter(image.blobs.get(digest) ?? Buffer.alloc(0), 1_200_000, request, response);
    return true;
  };
  await using server = await startServer(serve(image, special));
  await using store = await openStore(registry);
  await pull(store, server.host);
  assert.equal(ranges.length, 3);
  assert.equal(ranges[0], undefined);
  assert.match(ranges[1] ?? '', /^bytes=[1-9]\d*-$/);
  assert.match(ranges[2] ?? '', /^bytes=[1-9]\d*-$/);
});

test('a download that breaks for ever fails as unavailable, and the next pull takes it up', async () => {
  const tar = tarLayer('big', randomBytes(2_000_000));
  const image = fakeImage([tar]);
  const layer = [...image.blobs.keys()][0] ?? '';
  const ranges: (string | undefined)[] = [];
  let broken = true;
  const special: Special = (digest, request, response) => {
    if (digest !== layer) return false;
    ranges.push(request.headers.range);
    if (broken) breakAfter(image.blobs.get(digest) ?? Buffer.alloc(0), 100_000, request, response);
    return broken;
  };
  await using server = await startServer(serve(image, special));
  await using store = await openStore(registry);
  await assert.rejects(pull(store, server.host), { kind: 'unavailable' });
  assert.equal(ranges.length, 5);
  assertNothingLeft(store);
  const [left] = await store.content.listIngests(ns);
  assert(left !== undefined && left.offset > 0);
  broken = false;
  ranges.length = 0;
  await pull(store, server.host);
  assert.deepEqual(ranges, [`bytes=${left.offset}-`]);
  assert.deepEqual(await store.content.listIngests(ns), []);
});

test('a server that ignores ranges sends the blob again from the start', async () => {
  const image = fakeImage([tarLayer('big', randomBytes(500_000))]);
  const layer = [...image.blobs.keys()][0] ?? '';
  let count = 0;
  const special: Special = (digest, request, response) => {
    if (digest !== layer) return false;
    const data = image.blobs.get(digest) ?? Buffer.alloc(0);
    count += 1;
    if (count === 1) breakAfter(data, 200_000, request, response);
    else response.end(data);
    return true;
  };
  await using server = await startServer(serve(image, special));
  await using store = await openStore(registry);
  await pull(store, server.host);
  assert.equal(count, 2);
});

test('one layer twice in a manifest is fetched once and unpacked twice', async () => {
  const first = tarLayer('a', Buffer.from('a'));
  const second = tarLayer('b', Buffer.from('b'));
  const image = fakeImage([first, second, first]);
  const asked: string[] = [];
  const special: Special = (digest) => {
    asked.push(digest);
    return false;
  };
  await using server = await startServer(serve(image, special));
  await using store = await openStore(registry);
  const { target } = await pull(store, server.host);
  assert.equal(new Set(asked).size, asked.length);
  const { chain } = await store.images.resolve(ns, target, platform);
  assert.equal(chain.length, 3);
  assert.equal(await readFromImage(store, ns, chain.at(-1) ?? '', 'a'), 'a');
});

test('a layer whose content is not what the config says is data-loss and names the layer', async () => {
  const good = tarLayer('good', Buffer.from('good'));
  const bad = tarLayer('bad', Buffer.from('bad'));
  const image = fakeImage([good, bad], { diffIds: [digestOf(good), digestOf('something else')] });
  await using server = await startServer(serve(image));
  await using store = await openStore(registry);
  const digest = digestOf(gzipSync(bad));
  await assert.rejects(pull(store, server.host), {
    kind: 'data-loss',
    message: new RegExp(`^Cannot unpack layer ${digest}`),
  });
  assertNothingLeft(store);
});

test('a layer that does not decompress, or is no archive, fails and names the layer', async () => {
  for (const data of [gzipSync(randomBytes(3000)).subarray(0, 1500), randomBytes(5000)]) {
    const digest = digestOf(data);
    const layer = { mediaType: mediaTypes.ociLayerGzip, digest, size: data.length };
    const image = fakeImage([tarLayer('x', Buffer.from('x'))], { manifest: { layers: [layer] } });
    image.blobs.set(digest, data);
    await using server = await startServer(serve(image));
    await using store = await openStore(registry);
    await assert.rejects(pull(store, server.host), { kind: /data-loss|invalid-argument/, message: new RegExp(digest) });
    assertNothingLeft(store);
  }
});

test('what is no image for containers is refused in words before its layers are fetched', async () => {
  const tar = tarLayer('x', Buffer.from('x'));
  const cases: readonly (readonly [Lies, object])[] = [
    [{ configType: 'application/vnd.cncf.helm.config.v1+json' }, { kind: 'invalid-argument', message: /helm.config/ }],
    [{ diffIds: [] }, { kind: 'invalid-argument', message: /1 layers and its config 0 diff ids/ }],
    [{ config: { os: 'windows' } }, { kind: 'not-found', message: /it is for windows\/amd64/ }],
    [
      { layerType: 'application/vnd.oci.image.layer.v1.tar+encrypted' },
      { kind: 'unimplemented', message: /encrypted/ },
    ],
    [{ manifest: { layers: 'x' } }, { kind: 'invalid-argument', message: /not a list/ }],
    [{ manifest: { schemaVersion: 1 } }, { kind: 'invalid-argument', message: /schema 1/ }],
  ];
  for (const [lies, expected] of cases) {
    const image = fakeImage([tar], lies);
    const layer = digestOf(gzipSync(tar));
    const special: Special = (digest) => (digest === layer ? assert.fail('the layer was fetched') : false);
    await using server = await startServer(serve(image, special));
    await using store = await openStore(registry);
    await assert.rejects(pull(store, server.host), expected, JSON.stringify(lies));
    assertNothingLeft(store);
  }
});

test('blobs of another size or digest than announced are data-loss', async () => {
  const tar = tarLayer('x', Buffer.from('x'));
  const data = gzipSync(tar);
  for (const size of [data.length - 1, data.length + 1]) {
    const layer = { mediaType: mediaTypes.ociLayerGzip, digest: digestOf(data), size };
    const image = fakeImage([tar], { manifest: { layers: [layer] } });
    await using server = await startServer(serve(image));
    await using store = await openStore(registry);
    await assert.rejects(pull(store, server.host), { kind: 'data-loss', message: new RegExp(`manifest says ${size}`) });
    assertNothingLeft(store);
  }
  const image = fakeImage([tar]);
  const flipped = Buffer.from(data);
  flipped[20] = (flipped[20] ?? 0) ^ 1;
  image.blobs.set(digestOf(data), flipped);
  await using server = await startServer(serve(image));
  await using store = await openStore(registry);
  await assert.rejects(pull(store, server.host), { kind: 'data-loss', message: /other bytes than the manifest names/ });
  assertNothingLeft(store);
  assert.deepEqual(await store.content.listIngests(ns), []);
});

test('a layer that may not be distributed is fetched from where it says', async () => {
  const tar = tarLayer('elsewhere', Buffer.from('far'));
  await using place = await startServer((_request, response) => response.end(gzipSync(tar)));
  const layerType = 'application/vnd.docker.image.rootfs.foreign.diff.tar.gzip';
  const image = fakeImage([tar], { layerType, urls: [`http://${place.host}/layer`] });
  image.blobs.delete(digestOf(gzipSync(tar)));
  await using server = await startServer(serve(image));
  await using store = await openStore(registry);
  const { target } = await pull(store, server.host);
  const { chain } = await store.images.resolve(ns, target, platform);
  assert.equal(await readFromImage(store, ns, chain.at(-1) ?? '', 'elsewhere'), 'far');
});

test('a failed pull does not take away what an earlier one stored', async () => {
  const base = tarLayer('base', Buffer.from('base'));
  const image = fakeImage([base]);
  const next = fakeImage([base, tarLayer('more', Buffer.from('more'))], { diffIds: [digestOf(base), digestOf('lie')] });
  await using server = await startServer(serve(image));
  await using lying = await startServer(serve(next));
  await using store = await openStore(registry);
  const { target, name } = await pull(store, server.host);
  await assert.rejects(pull(store, lying.host), { kind: 'data-loss' });
  const { read } = store.metadata;
  assert.deepEqual(
    read.images.list(ns).map((record) => record.name),
    [name],
  );
  assert.equal(read.snapshots.list(ns).length, 1);
  assert.equal(read.content.list(ns).length, 3);
  const { chain } = await store.images.resolve(ns, target, platform);
  assert.equal(await readFromImage(store, ns, chain.at(-1) ?? '', 'base'), 'base');
});

test('while one of two pulls is aborted, the other goes on with what both were fetching', async () => {
  const image = fakeImage([tarLayer('big', randomBytes(1_000_000))]);
  const layer = [...image.blobs.keys()][0] ?? '';
  const stop = new AbortController();
  const special: Special = (digest, request, response) => {
    if (digest !== layer || stop.signal.aborted) return false;
    const data = image.blobs.get(digest) ?? Buffer.alloc(0);
    response.writeHead(200, { 'content-length': data.length });
    response.write(data.subarray(0, 300_000), () => setTimeout(() => stop.abort(), 100));
    request.on('close', () => response.destroy());
    return true;
  };
  await using server = await startServer(serve(image, special));
  await using store = await openStore(registry);
  const reference = parseReference(`${server.host}/app:1`);
  const options = { reference, platforms: [platform], unpacks };
  const [first, second] = await Promise.allSettled([
    store.images.pull(ns, { ...options, signal: stop.signal }),
    store.images.pull(ns, options),
  ]);
  assert.equal(first.status, 'rejected');
  assert.equal(second.status, 'fulfilled', String(second.status === 'rejected' ? second.reason : ''));
  assert.equal(store.images.list(ns).length, 1);
  assert.deepEqual(store.metadata.read.leases.list(ns), []);
});
