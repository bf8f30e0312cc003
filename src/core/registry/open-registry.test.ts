import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempDisposable, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { messageOf } from '#/base/errors.ts';
import { openRegistry } from '#/core/registry/open-registry.ts';
import { login, startRegistry } from '#/core/registry/registry.fixture.ts';
import type { Repository } from '#/core/registry/contract.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { digestOf } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';
import { parseReference } from '#/oci/reference.ts';

const registry = openRegistry({ userAgent: 'berth-test', configFiles: [] });

const blobOf = (data: Uint8Array, mediaType: string = mediaTypes.ociLayer): Descriptor => ({
  mediaType,
  digest: digestOf(data),
  size: data.byteLength,
});

function reading(data: Uint8Array): () => AsyncIterable<Uint8Array> {
  return async function* () {
    for (let at = 0; at < data.byteLength; at += 65536) yield data.subarray(at, at + 65536);
  };
}

async function collect(body: AsyncIterable<Uint8Array>): Promise<Buffer> {
  return Buffer.concat(await Array.fromAsync(body));
}

/** Pushes a config, a layer and a manifest that names both; returns the manifest. */
async function pushImage(repository: Repository, layer: Uint8Array, tag: string): Promise<Descriptor> {
  const config = Buffer.from('{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}');
  await repository.pushBlob({ descriptor: blobOf(config, mediaTypes.ociConfig), read: reading(config) });
  await repository.pushBlob({ descriptor: blobOf(layer), read: reading(layer) });
  const manifest = Buffer.from(
    JSON.stringify({
      schemaVersion: 2,
      mediaType: mediaTypes.ociManifest,
      config: blobOf(config, mediaTypes.ociConfig),
      layers: [blobOf(layer)],
    }),
  );
  const descriptor = blobOf(manifest, mediaTypes.ociManifest);
  await repository.pushManifest(descriptor, manifest, tag);
  return descriptor;
}

test('openRegistry() pushes to a real registry and reads back what it pushed', async () => {
  await using server = await startRegistry();
  await using repository = await registry.openRepository(parseReference(`${server.host}/team/app:1.0`));
  const layer = randomBytes(3_000_000);
  const progress: number[] = [];
  const first = { descriptor: blobOf(layer), read: reading(layer), onProgress: (sent: number) => progress.push(sent) };
  assert.equal(await repository.pushBlob(first), 'pushed');
  assert.equal(progress.at(-1), layer.byteLength);
  assert.equal(await repository.pushBlob(first), 'exists');
  assert.equal(await repository.hasBlob(digestOf(layer)), true);
  assert.equal(await repository.hasBlob(digestOf('nothing')), false);

  const pushed = await pushImage(repository, layer, '1.0');
  const resolved = await repository.resolve();
  assert.deepEqual(resolved, pushed);
  const manifest = await repository.fetchManifest(resolved, 1_000_000);
  assert.equal(digestOf(manifest), pushed.digest);

  const whole = await repository.fetchBlob(blobOf(layer), 0);
  assert.equal(whole.start, 0);
  assert(layer.equals(await collect(whole.body)));
  const rest = await repository.fetchBlob(blobOf(layer), 2_500_000);
  assert.equal(rest.start, 2_500_000);
  assert(layer.subarray(2_500_000).equals(await collect(rest.body)));

  await using byDigest = await registry.openRepository(parseReference(`${server.host}/team/app@${pushed.digest}`));
  assert.deepEqual(await byDigest.resolve(), pushed);
});

test('pushBlob() mounts a blob from another repository without sending it', async () => {
  await using server = await startRegistry();
  await using from = await registry.openRepository(parseReference(`${server.host}/one:1`));
  await using to = await registry.openRepository(parseReference(`${server.host}/two:1`));
  const layer = randomBytes(100_000);
  await pushImage(from, layer, '1');
  const never = (): AsyncIterable<Uint8Array> => assert.fail('the blob was read');
  assert.equal(await to.pushBlob({ descriptor: blobOf(layer), read: never, mountFrom: 'one' }), 'mounted');
  const other = randomBytes(10);
  assert.equal(await to.pushBlob({ descriptor: blobOf(other), read: reading(other), mountFrom: 'no/such' }), 'pushed');
});

test('resolve() of what a registry lacks is not-found with the registry in the text', async () => {
  await using server = await startRegistry();
  await using repository = await registry.openRepository(parseReference(`${server.host}/no/such:tag`));
  await assert.rejects(repository.resolve(), (error: Error & { kind?: string }) => {
    assert.equal(error.kind, 'not-found');
    assert.match(
      error.message,
      /^Cannot resolve "localhost:\d+\/no\/such:tag": GET http:\/\/localhost:\d+\/v2\/no\/such/,
    );
    assert.match(error.message, /manifest unknown \(MANIFEST_UNKNOWN\)$/);
    return true;
  });
});

test('openRepository() logs in with the given credentials, and says so where they are missing or wrong', async () => {
  await using server = await startRegistry({ withLogin: true });
  const reference = parseReference(`${server.host}/private/app:1`);
  await using good = await registry.openRepository(reference, { credentials: login });
  await pushImage(good, randomBytes(70_000), '1');
  await good.resolve();

  await using anonymous = await registry.openRepository(reference);
  await assert.rejects(anonymous.resolve(), (error: Error & { kind?: string }) => {
    assert.equal(error.kind, 'unauthenticated');
    assert.equal(messageOf(error).split('there are no credentials for it').length, 2, messageOf(error));
    return true;
  });
  await using wrong = await registry.openRepository(reference, { credentials: { ...login, password: 'wr0ng' } });
  await assert.rejects(wrong.resolve(), (error: Error & { kind?: string }) => {
    assert.equal(error.kind, 'unauthenticated');
    assert.doesNotMatch(error.message, /wr0ng/);
    return true;
  });
});

test("openRepository() finds its login in docker's config file", async () => {
  await using server = await startRegistry({ withLogin: true });
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-login-'));
  const auth = Buffer.from(`${login.username}:${login.password}`).toString('base64');
  const file = join(directory.path, 'config.json');
  await writeFile(file, JSON.stringify({ auths: { [server.host]: { auth } } }));
  const reading = openRegistry({ userAgent: 'berth-test', environment: { DOCKER_CONFIG: directory.path } });
  await using repository = await reading.openRepository(parseReference(`${server.host}/private/app:1`));
  await pushImage(repository, randomBytes(100), '1');
  await repository.resolve();
});

test('checkLogin() resolves for good credentials and is unauthenticated for others', async () => {
  await using server = await startRegistry({ withLogin: true });
  await registry.checkLogin(server.host, login);
  await registry.checkLogin(`http://${server.host}/v1/`, login);
  await assert.rejects(registry.checkLogin(server.host, { ...login, password: 'x' }), { kind: 'unauthenticated' });
  await assert.rejects(registry.checkLogin(server.host, {}), { kind: 'unauthenticated' });
  await assert.rejects(registry.checkLogin('not a host', login), { kind: 'invalid-argument' });
});

test('a registry that is not there is unavailable, in words', async () => {
  await using repository = await registry.openRepository(parseReference('localhost:1/a:1'));
  await assert.rejects(repository.resolve(), { kind: 'unavailable', message: /nothing listens there/ });
});

test('an aborted signal ends a call as cancelled', async () => {
  await using server = await startRegistry();
  const signal = AbortSignal.abort();
  await using repository = await registry.openRepository(parseReference(`${server.host}/a:1`), { signal });
  await assert.rejects(repository.resolve(), { name: 'AbortError' });
});
