import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtempDisposable, writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { Repository } from '#/core/registry/contract.ts';
import { openRegistry, type RegistryConfig } from '#/core/registry/open-registry.ts';
import { login, makeAuthority, startRegistry, startServer } from '#/core/registry/registry.fixture.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { digestOf } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';
import { parseReference } from '#/oci/reference.ts';

const manifest = Buffer.from('{"schemaVersion":2}');
const target: Descriptor = {
  mediaType: mediaTypes.ociManifest,
  digest: digestOf(manifest),
  size: manifest.byteLength,
};
const layer = randomBytes(300_000);
const layerDescriptor: Descriptor = {
  mediaType: mediaTypes.ociLayer,
  digest: digestOf(layer),
  size: layer.byteLength,
};
const reference = parseReference('registry.test/team/app:1');
const retryPolicy = { attempts: 3, firstDelay: 1, longestDelay: 2 };

/** A registry whose only image is `team/app`; it notes what is asked. */
function serve(): { readonly handle: RequestListener; readonly asked: string[] } {
  const asked: string[] = [];
  return {
    asked,
    handle: (request, response) => {
      asked.push(`${request.method ?? ''} ${request.url ?? ''}`);
      const [path = ''] = (request.url ?? '').split('?');
      if (path.includes('/team/app/manifests/'))
        response.writeHead(200, {
          'content-type': target.mediaType,
          'docker-content-digest': target.digest,
          'content-length': target.size,
        });
      if (path.includes('/team/app/manifests/')) response.end(request.method === 'HEAD' ? '' : manifest);
      else if (path.endsWith(`/blobs/${layerDescriptor.digest}`)) response.end(layer);
      else response.writeHead(404).end();
    },
  };
}

/** A directory of hosts.toml files: `name` → text. */
async function writeHosts(
  hosts: Readonly<Record<string, string>>,
): Promise<AsyncDisposable & { readonly path: string }> {
  const root = await mkdtempDisposable(join(tmpdir(), 'berth-certs.d-'));
  for (const [name, text] of Object.entries(hosts)) {
    await mkdir(join(root.path, name), { recursive: true });
    await writeFile(join(root.path, name, 'hosts.toml'), text);
  }
  return root;
}

async function open(config: Partial<RegistryConfig>): Promise<Repository> {
  const registry = openRegistry({
    userAgent: 'berth-test',
    configFiles: [],
    retryPolicy,
    stallTimeout: 2000,
    ...config,
  });
  return await registry.openRepository(reference);
}

async function collect(repository: Repository): Promise<Buffer> {
  const { body } = await repository.fetchBlob(layerDescriptor, 0);
  return Buffer.concat(await Array.fromAsync(body));
}

test('of two mirrors the first being down, the second serves, told by ?ns= whose content is wanted', async () => {
  const { handle, asked } = serve();
  await using mirror = await startServer(handle);
  await using certs = await writeHosts({
    'registry.test': `
server = "http://localhost:1"
[host."http://localhost:2"]
[host."http://${mirror.host}"]
capabilities = ["pull", "resolve"]`,
  });
  await using repository = await open({ certificatePath: certs.path });
  assert.deepEqual(await repository.resolve(), target);
  assert.deepEqual(await repository.fetchManifest(target, 1000), manifest);
  assert(layer.equals(await collect(repository)));
  assert.equal(asked[0], 'HEAD /v2/team/app/manifests/1?ns=registry.test');
  assert(asked.every((line) => line.endsWith('?ns=registry.test')));
});

test('resolve() asks only hosts that may resolve, and the error names each host and why', async () => {
  const { handle, asked } = serve();
  await using puller = await startServer(handle);
  await using busy = await startServer((_request, response) => void response.writeHead(503).end());
  await using empty = await startServer((_request, response) => void response.writeHead(404).end());
  await using certs = await writeHosts({
    _default: `
server = "http://${empty.host}"
[host."http://${puller.host}"]
capabilities = ["pull"]
[host."http://${busy.host}"]
[host."http://localhost:1"]`,
  });
  await using repository = await open({ certificatePath: certs.path });
  await assert.rejects(repository.resolve(), (error: Error & { kind?: string }) => {
    assert.equal(error.kind, 'not-found');
    assert.match(error.message, /^Cannot resolve "registry\.test\/team\/app:1": HEAD http:.* answered 503; /);
    assert.match(error.message, /; HEAD http:\/\/localhost:1\/.*: nothing listens there.*; GET http:.* answered 404$/);
    return true;
  });
  assert.deepEqual(asked, []);
  assert.deepEqual(await repository.fetchManifest(target, 1000), manifest);
});

test('a hosts.toml is read again when it changes, and one that is wrong is told of and does not count', async () => {
  const { handle } = serve();
  await using server = await startServer(handle);
  await using certs = await writeHosts({ 'registry.test': 'server = "http://localhost:1"' });
  const registry = openRegistry({
    userAgent: 'berth-test',
    configFiles: [],
    retryPolicy,
    certificatePath: `/no/such:${certs.path}`,
  });
  const resolve = async (): Promise<Descriptor> => {
    await using repository = await registry.openRepository(reference, { defaultScheme: 'http' });
    return await repository.resolve();
  };
  await assert.rejects(resolve(), { kind: 'unavailable', message: /localhost:1\/v2/ });
  await writeFile(join(certs.path, 'registry.test', 'hosts.toml'), `server = "http://${server.host}"`);
  assert.deepEqual(await resolve(), target);
  await writeFile(join(certs.path, 'registry.test', 'hosts.toml'), `server = http`);
  await assert.rejects(resolve(), {
    kind: 'unavailable',
    message:
      /registry\.test\/v2\/.*; ".*\/registry\.test\/hosts\.toml" does not count: Cannot use line 1, column \d+: (?!Invalid TOML)/,
  });
});

test('the directory of a registry is host_port_, then host:port, then _default, in the first root that has one', async () => {
  const { handle } = serve();
  await using server = await startServer(handle);
  const good = `server = "http://${server.host}"`;
  const bad = 'server = "http://localhost:1"';
  const portReference = parseReference('registry.test:5000/team/app:1');
  const resolves = async (...roots: readonly Readonly<Record<string, string>>[]): Promise<boolean> => {
    await using stack = new AsyncDisposableStack();
    const written = await Promise.all(roots.map(async (root) => stack.use(await writeHosts(root))));
    const certificatePath = written.map(({ path }) => path).join(':');
    const registry = openRegistry({ userAgent: 'berth-test', configFiles: [], retryPolicy, certificatePath });
    await using repository = await registry.openRepository(portReference);
    return await repository.resolve().then(
      () => true,
      () => false,
    );
  };
  assert(await resolves({ 'registry.test_5000_': good, 'registry.test:5000': bad, _default: bad }));
  assert(await resolves({ 'registry.test:5000': good, _default: bad, 'registry.test': bad }));
  assert(await resolves({ _default: good }, { 'registry.test_5000_': bad }));
  assert(await resolves({}, { _default: good }));
  assert(!(await resolves({ 'registry.test': good })));
});

test('a mirror that gives wrong bytes is passed over, and its broken transfer is gone on with elsewhere', async () => {
  const { handle } = serve();
  await using server = await startServer(handle);
  const ranges: (string | undefined)[] = [];
  await using liar = await startServer((request, response) => {
    if (request.url?.includes('/manifests/') === true) {
      response.end(Buffer.from('{"schemaVersion":9}'));
      return;
    }
    ranges.push(request.headers.range);
    response.writeHead(200, { 'content-length': layer.byteLength });
    response.write(layer.subarray(0, 1000), () => response.destroy());
  });
  await using certs = await writeHosts({
    'registry.test': `server = "http://${server.host}"\n[host."http://${liar.host}"]`,
  });
  await using repository = await open({ certificatePath: certs.path });
  assert.deepEqual(await repository.fetchManifest(target, 1000), manifest);
  await assert.rejects(collect(repository), { kind: 'unavailable' });
  const first = await repository.fetchBlob(layerDescriptor, 0);
  assert(layer.equals(Buffer.concat(await Array.fromAsync(first.body))));
  assert.deepEqual(ranges, [undefined]);
  assert.equal(first.distrust(), true);
  await assert.rejects(collect(repository), { kind: 'unavailable' });
  assert.equal((await repository.fetchBlob(layerDescriptor, 0)).distrust(), false);
});

test("a caller's login goes to the registry itself, a mirror gets the configuration's", async () => {
  const seen: Record<string, string | undefined> = {};
  const guarded =
    (name: string, status: number): RequestListener =>
    (request, response) => {
      seen[name] ??= request.headers.authorization;
      if (request.headers.authorization === undefined)
        response.writeHead(401, { 'www-authenticate': 'Basic realm="x"' });
      else response.writeHead(status);
      response.end();
    };
  await using upstream = await startServer(guarded('upstream', 404));
  await using known = await startServer(guarded('known', 404));
  await using unknown = await startServer(guarded('unknown', 404));
  await using certs = await writeHosts({
    'registry.test': `server = "http://${upstream.host}"
[host."http://${known.host}"]
[host."http://${unknown.host}"]`,
  });
  const registry = openRegistry({
    userAgent: 'berth-test',
    configFiles: [],
    retryPolicy,
    certificatePath: certs.path,
    cri: { configs: { [known.host]: { auth: { username: 'mirror', password: 'm' } } } },
  });
  await using repository = await registry.openRepository(reference, {
    credentials: { username: 'ann', password: 'a' },
  });
  await assert.rejects(repository.resolve(), { kind: 'not-found', message: /there are no credentials for it/ });
  const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;
  assert.deepEqual(seen, { known: basic('mirror:m'), upstream: basic('ann:a'), unknown: undefined });
});

test("a host with the registry's own name gets the caller's login, and the server beside it does not", async () => {
  const seen: string[] = [];
  const guarded =
    (name: string): RequestListener =>
    (request, response) => {
      if (request.headers.authorization !== undefined) seen.push(name);
      response
        .writeHead(request.headers.authorization === undefined ? 401 : 404, { 'www-authenticate': 'Basic' })
        .end();
    };
  await using own = await startServer(guarded('own'));
  await using other = await startServer(guarded('other'));
  await using certs = await writeHosts({ [own.host]: `server = "http://${other.host}"\n[host."http://${own.host}"]` });
  const registry = openRegistry({ userAgent: 'berth-test', configFiles: [], retryPolicy, certificatePath: certs.path });
  const options = { credentials: { username: 'ann', password: 'a' } };
  await using repository = await registry.openRepository(parseReference(`${own.host}/team/app:1`), options);
  await assert.rejects(repository.resolve(), { kind: 'not-found' });
  assert.deepEqual(new Set(seen), new Set(['own']));
});

test("the CRI section's mirrors and headers count, and hostDir stands above all", async () => {
  const { handle, asked } = serve();
  const teams: unknown[] = [];
  await using mirror = await startServer((request, response) => {
    teams.push(request.headers['x-team']);
    handle(request, response);
  });
  await using certs = await writeHosts({ _default: 'server = "http://localhost:1"' });
  const cri = {
    mirrors: { '*': { endpoint: [`http://${mirror.host}/v2/cache`] } },
    headers: { 'X-Team': ['blue', 'red'] },
  };
  const registry = openRegistry({
    userAgent: 'berth-test',
    configFiles: [],
    retryPolicy,
    cri,
    certificatePath: certs.path,
  });
  await using repository = await registry.openRepository(reference);
  assert.deepEqual(await repository.resolve(), target);
  assert.deepEqual(asked, ['HEAD /v2/cache/team/app/manifests/1?ns=registry.test']);
  assert.deepEqual(teams, ['blue, red']);
  await using elsewhere = await registry.openRepository(reference, { hostDir: certs.path });
  await assert.rejects(elsewhere.resolve(), { kind: 'unavailable', message: /localhost:1\// });
});

test('dial_timeout says how long a host may take to shake hands', async () => {
  const silent = createServer().listen(0, '127.0.0.1');
  await once(silent, 'listening');
  await using stack = new AsyncDisposableStack();
  stack.defer(() => void silent.close());
  silent.on('connection', (socket) => stack.defer(() => void socket.destroy()));
  const { port } = silent.address() as AddressInfo;
  await using empty = await startServer((_request, response) => void response.writeHead(404).end());
  await using certs = await writeHosts({
    _default: `server = "http://${empty.host}"\n[host."https://localhost:${port}"]\ndial_timeout = "150ms"`,
  });
  await using repository = await open({ certificatePath: certs.path });
  await assert.rejects(repository.resolve(), { kind: 'not-found', message: /no connection within 0.15 seconds; GET/ });
});

test('a push goes to the first host that may be pushed to', async () => {
  const { handle } = serve();
  await using server = await startServer(handle);
  await using certs = await writeHosts({
    'registry.test': `capabilities = ["pull"]\nserver = "http://${server.host}"\n[host."http://${server.host}"]\ncapabilities = ["pull"]`,
  });
  await using repository = await open({ certificatePath: certs.path });
  const never = (): AsyncIterable<Uint8Array> => assert.fail('the blob was read');
  await assert.rejects(repository.pushBlob({ descriptor: layerDescriptor, read: never }), {
    kind: 'not-found',
    message: /^Cannot push blob .*: none of its hosts may push$/,
  });
});

test('real registries: TLS with client certificates and a login, and a cache of it that is asked first', async () => {
  await using authority = await makeAuthority();
  await using upstream = await startRegistry({ tls: { authority, clients: true }, withLogin: true });
  await using plain = await startRegistry();
  await using cache = await startRegistry({ mirrors: `http://${plain.host}` });
  const settings = `ca = "${authority.ca}"\nclient = [["${authority.client.cert}", "${authority.client.key}"]]`;
  await using certs = await writeHosts({
    'registry.test': `server = "https://${upstream.host}"\n${settings}`,
    'cached.test': `server = "http://localhost:1"\n[host."http://${cache.host}"]\n[host."http://${plain.host}"]`,
    'refused.test': `server = "https://${upstream.host}"\nca = "${authority.ca}"`,
    'untrusted.test': `server = "https://${upstream.host}"`,
    'trusting.test': `server = "https://127.0.0.1:${upstream.port}"\nskip_verify = true\n${settings.split('\n')[1] ?? ''}`,
  });
  const registry = openRegistry({ userAgent: 'berth-test', configFiles: [], retryPolicy, certificatePath: certs.path });
  const openAs = async (name: string): Promise<Repository> =>
    await registry.openRepository(parseReference(name), { credentials: login });
  const push = async (repository: Repository): Promise<void> => {
    await repository.pushBlob({
      descriptor: layerDescriptor,
      read: () => [layer] as unknown as AsyncIterable<Uint8Array>,
    });
  };
  {
    await using repository = await openAs('registry.test/team/app:1');
    await push(repository);
    assert(layer.equals(await collect(repository)));
    await using trusting = await openAs('trusting.test/team/app:1');
    assert(layer.equals(await collect(trusting)));
  }
  {
    await using repository = await openAs(`${plain.host}/team/app:1`);
    await push(repository);
    await using cached = await openAs('cached.test/team/app:1');
    assert(layer.equals(await collect(cached)));
  }
  await using refused = await openAs('refused.test/team/app:1');
  await assert.rejects(refused.fetchBlob(layerDescriptor, 0), { kind: 'unavailable', message: /certificate/ });
  await using untrusted = await openAs('untrusted.test/team/app:1');
  await assert.rejects(untrusted.fetchBlob(layerDescriptor, 0), { kind: 'unavailable', message: /not trusted/ });
});

test('an authority of the system is trusted, for an address as for a name', async () => {
  await using authority = await makeAuthority();
  await using server = await startRegistry({ tls: { authority } });
  await using certs = await writeHosts({
    'name.test': `server = "https://${server.host}"`,
    'address.test': `server = "https://127.0.0.1:${server.port}"`,
  });
  const has = async (name: string, environment: Readonly<Record<string, string>>): Promise<boolean> => {
    const config = { userAgent: 'berth-test', configFiles: [], retryPolicy, certificatePath: certs.path };
    const registry = openRegistry({ ...config, environment });
    await using repository = await registry.openRepository(parseReference(`${name}/team/app:1`));
    return await repository.hasBlob(layerDescriptor.digest);
  };
  for (const name of ['name.test', 'address.test']) {
    assert.equal(await has(name, { SSL_CERT_FILE: authority.ca }), false);
    await assert.rejects(has(name, {}), { kind: 'unavailable', message: /not trusted/ });
  }
});

test("docker's older layout: *.crt are authorities, *.cert with *.key are ours; a missing file is named", async () => {
  await using authority = await makeAuthority();
  await using server = await startRegistry({ tls: { authority, clients: true } });
  await using certs = await mkdtempDisposable(join(tmpdir(), 'berth-certs.d-'));
  const directory = join(certs.path, server.host);
  await mkdir(directory);
  await copyFile(authority.ca, join(directory, 'ours.crt'));
  await copyFile(authority.client.cert, join(directory, 'me.cert'));
  const registry = openRegistry({ userAgent: 'berth-test', configFiles: [], retryPolicy, certificatePath: certs.path });
  const openIt = async (): Promise<Repository> =>
    await registry.openRepository(parseReference(`${server.host}/team/app:1`), { defaultScheme: 'https' });
  await using without = await openIt();
  await assert.rejects(without.hasBlob(layerDescriptor.digest), { kind: 'failed-precondition', message: /me\.cert/ });
  await copyFile(authority.client.key, join(directory, 'me.key'));
  await using repository = await openIt();
  assert.equal(await repository.hasBlob(layerDescriptor.digest), false);
  await writeFile(join(directory, 'hosts.toml'), 'ca = "gone.crt"');
  await using broken = await openIt();
  await assert.rejects(broken.resolve(), { kind: 'failed-precondition', message: /gone\.crt": there is no such file/ });
});
