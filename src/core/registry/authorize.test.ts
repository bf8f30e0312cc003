import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { CredentialRequest, Credentials, Repository } from '#/core/registry/contract.ts';
import { openRegistry } from '#/core/registry/open-registry.ts';
import { startServer, type TestServer } from '#/core/registry/registry.fixture.ts';
import type { Descriptor } from '#/oci/descriptor.ts';
import { digestOf } from '#/oci/digest.ts';
import { mediaTypes } from '#/oci/manifest.ts';
import { parseReference } from '#/oci/reference.ts';

const registry = openRegistry({
  userAgent: 'berth-test',
  configFiles: [],
  retryPolicy: { attempts: 2, firstDelay: 5, longestDelay: 20 },
});
const layer = randomBytes(5000);
const descriptor: Descriptor = { mediaType: mediaTypes.ociLayer, digest: digestOf(layer), size: layer.byteLength };

interface Asked {
  readonly method: string;
  readonly query: URLSearchParams;
  readonly form: URLSearchParams;
  readonly authorization: string | undefined;
}

/** A registry with a token server: tokens are numbers, and only those in `valid` are let in. */
function tokenRegistry(): { readonly handle: RequestListener; readonly asked: Asked[]; readonly valid: Set<string> } {
  const asked: Asked[] = [];
  const valid = new Set<string>();
  const giveToken = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const form = new URLSearchParams(await text(request));
    const url = new URL(request.url ?? '', 'http://x');
    const { authorization } = request.headers;
    asked.push({ method: request.method ?? '', query: url.searchParams, form, authorization });
    if (authorization === `Basic ${Buffer.from('ann:bad').toString('base64')}`) {
      response.writeHead(401).end('{"details":"incorrect username or password"}');
      return;
    }
    const token = `token-${asked.length}`;
    valid.add(token);
    response.end(JSON.stringify({ access_token: token, expires_in: 300 }));
  };
  const handle: RequestListener = (request, response) => {
    const token = request.headers.authorization?.replace(/^Bearer /, '') ?? '';
    const realm = `http://${request.headers.host ?? ''}/token?kept=1`;
    const challenge = `Bearer realm="${realm}",service="the service",scope="repository:a/b:pull"`;
    if (request.url?.startsWith('/token') === true) void giveToken(request, response);
    else if (valid.has(token)) response.end(layer);
    else response.writeHead(401, { 'www-authenticate': challenge }).end();
  };
  return { handle, asked, valid };
}

const open = async (server: TestServer, credentials: Credentials = {}): Promise<Repository> =>
  await registry.openRepository(parseReference(`${server.host}/a/b:1`), { credentials });

async function fetchLayer(repository: Repository): Promise<void> {
  const { body } = await repository.fetchBlob(descriptor, 0);
  assert(layer.equals(Buffer.concat(await Array.fromAsync(body))));
}

test('an anonymous token is asked for once per scope, by parallel requests too', async () => {
  const { handle, asked } = tokenRegistry();
  await using server = await startServer(handle);
  await using repository = await open(server);
  await Promise.all([fetchLayer(repository), fetchLayer(repository), fetchLayer(repository)]);
  await fetchLayer(repository);
  assert.equal(asked.length, 1);
  assert.equal(asked[0]?.authorization, undefined);
  assert.equal(asked[0]?.query.get('service'), 'the service');
  assert.equal(asked[0]?.query.get('kept'), '1');
  assert.deepEqual(asked[0]?.query.getAll('scope'), ['repository:a/b:pull']);
});

test('a token that the registry no longer takes is replaced by one new one', async () => {
  const { handle, asked, valid } = tokenRegistry();
  await using server = await startServer(handle);
  await using repository = await open(server);
  await fetchLayer(repository);
  valid.clear();
  await fetchLayer(repository);
  assert.equal(asked.length, 2);
});

test('a token is replaced when its time is over, before the registry complains', async (t) => {
  const { handle, asked } = tokenRegistry();
  await using server = await startServer(handle);
  await using repository = await open(server);
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
  await fetchLayer(repository);
  t.mock.timers.tick(290_000);
  await fetchLayer(repository);
  assert.equal(asked.length, 1);
  t.mock.timers.tick(10_000);
  await fetchLayer(repository);
  assert.equal(asked.length, 2);
});

test('each scope has its own token, and a mount asks for both repositories in one', async () => {
  const { handle, asked } = tokenRegistry();
  await using server = await startServer((request, response) => {
    const open = request.headers.authorization !== undefined || request.url?.startsWith('/token') === true;
    if (open && request.method === 'HEAD') response.writeHead(404).end();
    else if (open && request.method === 'POST') response.writeHead(201).end();
    else handle(request, response);
  });
  await using repository = await open(server);
  await fetchLayer(repository);
  const read = (): AsyncIterable<Uint8Array> => assert.fail('the blob was read');
  assert.equal(await repository.pushBlob({ descriptor, read, mountFrom: 'other/one' }), 'mounted');
  assert.deepEqual(
    asked.map(({ query }) => query.getAll('scope')),
    [
      ['repository:a/b:pull'],
      ['repository:a/b:pull,push', 'repository:a/b:pull'],
      ['repository:a/b:pull,push', 'repository:other/one:pull', 'repository:a/b:pull'],
    ],
  );
});

test('user and password go to the token server as basic authorization, and its refusal is told', async () => {
  const { handle, asked } = tokenRegistry();
  await using server = await startServer(handle);
  await using repository = await open(server, { username: 'ann', password: 'good' });
  await fetchLayer(repository);
  assert.equal(asked[0]?.authorization, `Basic ${Buffer.from('ann:good').toString('base64')}`);
  assert.equal(asked[0]?.query.get('account'), 'ann');
  await using wrong = await open(server, { username: 'ann', password: 'bad' });
  await assert.rejects(wrong.fetchBlob(descriptor, 0), {
    kind: 'unauthenticated',
    message: /get a token .* answered 401: incorrect username or password$/,
  });
});

test('an identity token is exchanged by an OAuth2 POST', async () => {
  const { handle, asked } = tokenRegistry();
  await using server = await startServer(handle);
  await using repository = await open(server, { identityToken: 'refresh-me' });
  await fetchLayer(repository);
  assert.equal(asked[0]?.method, 'POST');
  assert.equal(asked[0]?.form.get('grant_type'), 'refresh_token');
  assert.equal(asked[0]?.form.get('refresh_token'), 'refresh-me');
  assert.equal(asked[0]?.form.get('scope'), 'repository:a/b:pull');
});

test('a registry token is sent as it is', async () => {
  const { handle, asked, valid } = tokenRegistry();
  valid.add('given');
  await using server = await startServer(handle);
  await using repository = await open(server, { registryToken: 'given' });
  await fetchLayer(repository);
  assert.equal(asked.length, 0);
});

test('a token server that gives no token, or is no URL, is unauthenticated', async () => {
  for (const realm of ['http://HOST/empty', 'no url', 'file:///etc/passwd']) {
    await using server = await startServer((request, response) => {
      const challenge = `Bearer realm="${realm.replace('HOST', request.headers.host ?? '')}"`;
      if (request.url === '/empty?scope=repository%3Aa%2Fb%3Apull') response.end('{}');
      else response.writeHead(401, { 'www-authenticate': challenge }).end();
    });
    await using repository = await open(server);
    await assert.rejects(repository.fetchBlob(descriptor, 0), { kind: 'unauthenticated' }, realm);
  }
});

test('askCredentials is asked with the host and its challenges, once, when the registry wants a login', async () => {
  const { handle, asked } = tokenRegistry();
  await using server = await startServer(handle);
  const requests: CredentialRequest[] = [];
  await using repository = await registry.openRepository(parseReference(`${server.host}/a/b:1`), {
    askCredentials: async (request) => {
      requests.push(request);
      return { username: 'ann', password: 'good' };
    },
  });
  await fetchLayer(repository);
  await fetchLayer(repository);
  assert.deepEqual(
    requests.map(({ host }) => host),
    [server.host],
  );
  assert.match(requests[0]?.challenges[0] ?? '', /^Bearer realm=.*service="the service"/);
  assert.equal(asked[0]?.authorization, `Basic ${Buffer.from('ann:good').toString('base64')}`);
});

test('openRepository() refuses headers that could not be sent', async () => {
  const reference = parseReference('localhost:1/a/b:1');
  const opening = registry.openRepository(reference, { headers: { 'X-Team': 'blue\r\nHost: evil' } });
  await assert.rejects(opening, { kind: 'invalid-argument', message: /header of the call\.X-Team: a header has no/ });
});

test('openRepository() sends its own headers and an answered Authorization to the registry, and traces without them', async () => {
  const seen: (readonly [string | undefined, string | undefined])[] = [];
  await using server = await startServer((request, response) => {
    const { authorization, 'x-team': team } = request.headers;
    seen.push([authorization, String(team)]);
    if (authorization === 'Custom secret') response.end(layer);
    else response.writeHead(401, { 'www-authenticate': 'Custom' }).end();
  });
  const lines: string[] = [];
  await using repository = await registry.openRepository(parseReference(`${server.host}/a/b:1`), {
    headers: { 'X-Team': 'blue' },
    defaultScheme: 'http',
    trace: (line) => lines.push(line),
    askCredentials: async () => ({ authorization: 'Custom secret' }),
  });
  await fetchLayer(repository);
  assert.deepEqual(seen, [
    [undefined, 'blue'],
    ['Custom secret', 'blue'],
  ]);
  assert.deepEqual(
    lines.map((line) => line.replace(/http:.*/, '')),
    ['> GET ', '< 401 GET ', '> GET ', '< 200 GET '],
  );
  assert.ok(!lines.join().includes('secret'));
});
