import assert from 'node:assert/strict';
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { text } from 'node:stream/consumers';
import { test } from 'node:test';
import type { Credentials } from '#/core/registry/contract.ts';
import { openRegistry } from '#/core/registry/open-registry.ts';
import { startServer } from '#/core/registry/registry.fixture.ts';
import { digestOf } from '#/oci/digest.ts';
import { parseReference } from '#/oci/reference.ts';

const registry = openRegistry({
  userAgent: 'berth-test',
  configFiles: [],
  stallTimeout: 1000,
  retryPolicy: { attempts: 2, firstDelay: 1, longestDelay: 5 },
});
const ann = { username: 'ann', password: 'pass-word' };
const digest = digestOf('blob');

type TokenServer = (request: IncomingMessage, response: ServerResponse) => void;

/** Asks a registry for a blob whose tokens come from `tokens`; `registry` answers whoever has one. */
async function ask(
  tokens: TokenServer,
  answer: RequestListener,
  credentials: Credentials = {},
): Promise<{ readonly requests: number; readonly error: unknown }> {
  let requests = 0;
  await using server = await startServer((request, response) => {
    if (request.url?.startsWith('/token') === true) {
      tokens(request, response);
      return;
    }
    requests += 1;
    const challenge = `Bearer realm="http://${request.headers.host ?? ''}/token",service="s"`;
    if (request.headers.authorization === undefined) response.writeHead(401, { 'www-authenticate': challenge }).end();
    else answer(request, response);
  });
  const reference = parseReference(`${server.host}/a/b:1`);
  await using repository = await registry.openRepository(reference, { defaultScheme: 'http', credentials });
  const error = await repository.hasBlob(digest).catch((reason: unknown) => reason);
  return { requests, error };
}

const give: TokenServer = (_request, response) => void response.end('{"token":"t"}');
const refuse: RequestListener = (_request, response) => void response.writeHead(401).end('{"message":"no"}');

function assertError(error: unknown, kind: string, message: RegExp): void {
  assert(error instanceof Error && 'kind' in error, String(error));
  assert.equal(error.kind, kind);
  assert.match(error.message, message);
  assert.doesNotMatch(error.message, /pass-word/);
}

test('a registry that takes no token, for ever, is asked twice, and the error says what may help', async () => {
  const anonymous = await ask(give, refuse);
  assert.equal(anonymous.requests, 2);
  assertError(
    anonymous.error,
    'unauthenticated',
    /answered 401; .* no credentials for it; log in to "localhost:\d+" first/,
  );
  const known = await ask(give, refuse, ann);
  assert.equal(known.requests, 2);
  assertError(known.error, 'unauthenticated', /answered 401; it refuses the credentials$/);
});

test('token servers that send without end, stall, or send no token end the call', async () => {
  const endless: TokenServer = (_request, response) => {
    const more = (): void => {
      while (!response.destroyed && response.write(Buffer.alloc(64 * 1024, '{"a":'))) continue;
      if (!response.destroyed) response.once('drain', more);
    };
    more();
  };
  assertError((await ask(endless, refuse)).error, 'resource-exhausted', /Cannot read a token: it is longer than/);
  assertError((await ask(() => {}, refuse)).error, 'unavailable', /no answer for 1 seconds/);
  const page: TokenServer = (_request, response) => void response.end('<html>');
  assertError((await ask(page, refuse)).error, 'unauthenticated', /holds no token$/);
  const split: TokenServer = (_request, response) => void response.end('{"token":"a\\r\\nb: c"}');
  assertError((await ask(split, refuse)).error, 'unauthenticated', /holds no token$/);
});

test('a refresh token is not posted to where a token server redirects, and a password goes there neither', async () => {
  const seen: string[] = [];
  await using thief = await startServer((request, response) => {
    void text(request).then((body) => {
      seen.push(`${request.method ?? ''} ${request.headers.authorization ?? 'nobody'} ${body}`);
      response.end('{"token":"t"}');
    });
  });
  const redirect: TokenServer = (_request, response) =>
    void response.writeHead(307, { location: `http://${thief.host}/token` }).end();
  const { error } = await ask(redirect, refuse, { identityToken: 'refresh-me' });
  assertError(error, 'failed-precondition', /is another host, and the login stays with the first$/);
  assert.deepEqual(seen, []);
  await ask(redirect, refuse, ann);
  assert.deepEqual(seen, ['GET nobody ']);
});

test('a token server that knows only POST gets the password by POST', async () => {
  const forms: URLSearchParams[] = [];
  const posting: TokenServer = (request, response) => {
    if (request.method !== 'POST') response.writeHead(405).end();
    else
      void text(request).then((body) => {
        forms.push(new URLSearchParams(body));
        response.end('{"access_token":"t"}');
      });
  };
  const { error } = await ask(posting, (_request, response) => void response.writeHead(404).end(), ann);
  assert.equal(error, false);
  assert.equal(forms[0]?.get('grant_type'), 'password');
  assert.equal(forms[0]?.get('password'), 'pass-word');
  assert.equal(forms[0]?.get('scope'), 'repository:a/b:pull');
});

test('of several challenges the one is answered that can be, in one header or in several', async () => {
  const basic = `Basic ${Buffer.from('ann:pass-word').toString('base64')}`;
  for (const challenge of ['Negotiate, Basic realm="x"', ['Negotiate', 'NTLM', 'Basic realm="x"']]) {
    await using server = await startServer((request, response) => {
      if (request.headers.authorization === basic) response.writeHead(404).end();
      else response.writeHead(401, { 'www-authenticate': challenge }).end();
    });
    const reference = parseReference(`${server.host}/a/b:1`);
    await using repository = await registry.openRepository(reference, { defaultScheme: 'http', credentials: ann });
    assert.equal(await repository.hasBlob(digest), false);
  }
});
