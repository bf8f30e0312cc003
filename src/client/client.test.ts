import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openClient } from '#/client/client.ts';
import { openFakeDaemon, sendJson } from '#/client/fake-daemon.fixture.ts';
import { throwOnError } from '#/client/progress-error.ts';

test('openClient() agrees on a version once and sends the namespace with each call', async () => {
  await using daemon = await openFakeDaemon((_request, response) => sendJson(response, []));
  const client = openClient({ socketPath: daemon.path, namespace: 'k8s.io', userAgent: 'test/1' });
  await client.containers.list({ all: true, filters: { status: ['exited'] } });
  await client.images.list();
  const [first, second] = daemon.seen;
  assert.equal(first?.url, '/v1.51/containers/json?all=1&filters=%7B%22status%22%3A%5B%22exited%22%5D%7D');
  assert.equal(first?.headers['x-berth-namespace'], 'k8s.io');
  assert.equal(first?.headers['user-agent'], 'test/1');
  assert.equal(second?.url, '/v1.51/images/json');
});

test('openClient() asks again after the daemon could not be reached', async () => {
  let path = '';
  const options = {
    get socketPath(): string {
      return path;
    },
  };
  path = '/nowhere/docker.sock';
  await assert.rejects(openClient(options).apiVersion(), { kind: 'unavailable' });
  await using daemon = await openFakeDaemon(() => false);
  path = daemon.path;
  const client = openClient(options);
  assert.equal(await client.apiVersion(), '1.51');
});

test('a call that the daemon refuses throws its kind and its text', async () => {
  const answers: Readonly<Record<string, readonly [number, string]>> = {
    a: [404, '{"message":"No such container: a"}'],
    b: [409, '{"message":"Conflict"}'],
    c: [500, 'plain text\n'],
    d: [418, ''],
    e: [501, '{"message":"later"}'],
  };
  await using daemon = await openFakeDaemon((request, response) => {
    const name = request.url.split('/')[3] ?? '';
    const [status, body] = answers[name] ?? [200, '{}'];
    response.writeHead(status).end(body);
    return true;
  });
  const { containers } = openClient({ socketPath: daemon.path });
  await assert.rejects(containers.inspect('a'), {
    kind: 'not-found',
    message: 'Error response from daemon: No such container: a',
  });
  await assert.rejects(containers.inspect('b'), { kind: 'conflict' });
  await assert.rejects(containers.inspect('c'), {
    kind: 'internal',
    message: 'Error response from daemon: plain text',
  });
  await assert.rejects(containers.inspect('d'), { kind: 'invalid-argument', message: /418/ });
  await assert.rejects(containers.attach('e'), { kind: 'unimplemented' });
});

test('start() and stop() of what is already so succeed; restart() is not excused', async () => {
  await using daemon = await openFakeDaemon((_request, response) => {
    response.writeHead(304).end();
    return true;
  });
  const { containers } = openClient({ socketPath: daemon.path });
  await containers.start('a');
  await containers.stop('a', { timeout: 0, signal: 'INT' });
  assert.deepEqual(
    daemon.seen.map(({ url }) => url),
    ['/v1.51/containers/a/start', '/v1.51/containers/a/stop?t=0&signal=INT'],
  );
  await assert.rejects(containers.restart('a'), { kind: 'not-modified' });
});

test('wait() resolves when the daemon is watching, its result when the container ends', async () => {
  const ended = Promise.withResolvers<void>();
  await using daemon = await openFakeDaemon((_request, response) => {
    response.writeHead(200, { 'Content-Type': 'application/json' });
    response.flushHeaders();
    void ended.promise.then(() => response.end('{"StatusCode":7}'));
    return true;
  });
  const { containers } = openClient({ socketPath: daemon.path });
  const { result } = await containers.wait('a', 'next-exit');
  ended.resolve();
  assert.equal((await result).StatusCode, 7);
});

test('pull() sends credentials in their header and throwOnError() throws what fails on the way', async () => {
  await using daemon = await openFakeDaemon((_request, response) => {
    response
      .writeHead(200)
      .end(
        '{"status":"Pulling from a","id":"1"}\r\n{"errorDetail":{"message":"no space left"},"error":"no space left"}\r\n',
      );
    return true;
  });
  const { images } = openClient({ socketPath: daemon.path });
  const seen: string[] = [];
  await assert.rejects(async () => {
    const progress = await images.pull({
      repository: 'r:5000/a',
      tag: '1',
      platform: 'linux/arm64',
      registryAuth: 'e30=',
    });
    for await (const { status } of throwOnError(progress)) seen.push(status ?? '');
  }, /^EngineError: no space left$/);
  assert.deepEqual(seen, ['Pulling from a']);
  assert.equal(daemon.seen[0]?.url, '/v1.51/images/create?fromImage=r%3A5000%2Fa&tag=1&platform=linux%2Farm64');
  assert.equal(daemon.seen[0]?.headers['x-registry-auth'], 'e30=');
});
