import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { test } from 'node:test';
import { kindOf } from '#/base/errors.ts';
import { openCannedServer, openFakeDaemon, openRawServer } from '#/client/fake-daemon.fixture.ts';
import { exchange } from '#/client/http/exchange.ts';
import { readAll } from '#/client/read-all.ts';

const get = { method: 'GET', path: '/x' } as const;

async function bodyOf(answer: string | readonly string[], method: 'GET' | 'HEAD' = 'GET'): Promise<string> {
  await using server = await openCannedServer(answer);
  const response = await exchange(server.path, { method, path: '/x' });
  return (await readAll(response.body, 1 << 20)).toString();
}

test('exchange() reads a body of known length and nothing beyond it', async () => {
  assert.equal(await bodyOf('HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef'), 'abc');
});

test('exchange() reads a chunked body however it is cut', async () => {
  const text =
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nA;x=y\r\n0123456789\r\n0\r\nTrailer: 1\r\n\r\n';
  assert.equal(await bodyOf(text), 'abc0123456789');
  assert.equal(await bodyOf(Array.from(text)), 'abc0123456789');
});

test('exchange() reads to the end of the connection where no length is given', async () => {
  assert.equal(await bodyOf('HTTP/1.1 200 OK\r\n\r\nall of it'), 'all of it');
});

test('exchange() gives no body to HEAD, 204 and 304', async () => {
  assert.equal(await bodyOf('HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n', 'HEAD'), '');
  assert.equal(await bodyOf('HTTP/1.1 204 No Content\r\n\r\n'), '');
  assert.equal(await bodyOf('HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n'), '');
});

test('exchange() passes over interim answers and joins repeated headers', async () => {
  await using server = await openCannedServer(
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nX-A: 1\r\nx-a:2 \r\nContent-Length: 0\r\n\r\n',
  );
  const response = await exchange(server.path, get);
  response.close();
  assert.equal(response.status, 201);
  assert.equal(response.reason, 'Created');
  assert.equal(response.headers.get('x-a'), '1, 2');
});

const broken: readonly (readonly [string, string, string])[] = [
  ['an answer that is no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n', 'data-loss'],
  ['a status that is no number', 'HTTP/1.1 2x0 OK\r\n\r\n', 'data-loss'],
  ['a folded header', 'HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n', 'data-loss'],
  ['a header name with a space', 'HTTP/1.1 200 OK\r\nA : b\r\n\r\n', 'data-loss'],
  ['two different lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab', 'data-loss'],
  ['a negative length', 'HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n', 'data-loss'],
  ['a length beside chunks', 'HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n', 'data-loss'],
  ['an unknown transfer encoding', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n', 'data-loss'],
  ['a chunk size that is no number', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 'data-loss'],
  [
    'a chunk longer than it says',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabX\r\n0\r\n\r\n',
    'data-loss',
  ],
  ['a body that ends early', 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc', 'unavailable'],
  ['chunks that end early', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab', 'unavailable'],
  ['chunks without the last one', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n', 'unavailable'],
  ['a head that ends early', 'HTTP/1.1 200 OK\r\nContent-Le', 'unavailable'],
  ['no answer at all', '', 'unavailable'],
  ['a line that is too long', `HTTP/1.1 200 OK\r\nA: ${'x'.repeat(20_000)}\r\n\r\n`, 'resource-exhausted'],
  ['too many headers', `HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(300)}\r\n`, 'resource-exhausted'],
  ['interim answers without end', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(20), 'data-loss'],
];

for (const [what, answer, kind] of broken)
  test(`exchange() refuses ${what} as ${kind}`, async () => {
    await assert.rejects(bodyOf(answer), { name: 'EngineError', kind, message: /^Cannot complete GET \/x: / });
  });

test('exchange() says that nobody listens, and keeps the system error as the cause', async () => {
  await assert.rejects(exchange('/nowhere/docker.sock', get), (error: unknown) => {
    assert(error instanceof Error && error.cause instanceof Error && 'code' in error.cause);
    assert.equal(error.cause.code, 'ENOENT');
    assert.equal(kindOf(error), 'unavailable');
    assert.match(error.message, /^Cannot connect to "\/nowhere\/docker.sock": there is no such socket/);
    return true;
  });
});

test('exchange() streams a body of unknown length at the reader’s pace', async () => {
  const total = 8 * 1024 * 1024;
  const chunk = Buffer.alloc(64 * 1024, 'berth');
  async function* source(): AsyncGenerator<Buffer> {
    for (let sent = 0; sent < total; sent += chunk.length) yield chunk;
  }
  await using daemon = await openFakeDaemon((request, response) => {
    response.end(`${request.headers['transfer-encoding']} ${createHash('sha256').update(request.body).digest('hex')}`);
    return true;
  });
  const response = await exchange(daemon.path, { method: 'POST', path: '/load', body: source() });
  const expected = createHash('sha256');
  for (let sent = 0; sent < total; sent += chunk.length) expected.update(chunk);
  assert.equal((await readAll(response.body, 1000)).toString(), `chunked ${expected.digest('hex')}`);
});

test('exchange() fails with the error of a body that cannot be read', async () => {
  async function* source(): AsyncGenerator<Buffer> {
    yield Buffer.from('begin');
    throw new Error('the disk is gone');
  }
  await using server = await openRawServer((socket) => socket.resume());
  await assert.rejects(exchange(server.path, { method: 'POST', path: '/load', body: source() }), /the disk is gone/);
});

test('exchange() takes the answer of a daemon that does not want the rest of the body', async () => {
  let taken = 0;
  async function* source(): AsyncGenerator<Buffer> {
    for (;;) {
      taken++;
      yield Buffer.alloc(64 * 1024);
      await new Promise((resolve) => setTimeout(resolve, 1));
    }
  }
  await using server = await openRawServer((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 2\r\n\r\nno'));
  });
  const response = await exchange(server.path, { method: 'POST', path: '/load', body: source() });
  assert.equal(response.status, 400);
  assert.equal((await readAll(response.body, 10)).toString(), 'no');
  const atEnd = taken;
  await new Promise((resolve) => setTimeout(resolve, 30));
  assert(taken <= atEnd + 2, 'the body goes on being read after the answer');
});

test('exchange() ends a stream that is aborted with the reason given', async () => {
  const controller = new AbortController();
  await using server = await openRawServer((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nfirst'));
  });
  const response = await exchange(server.path, { ...get, signal: controller.signal });
  const reason = new Error('enough');
  await assert.rejects(async () => {
    for await (const chunk of response.body) {
      assert.equal(chunk.toString(), 'first');
      controller.abort(reason);
    }
  }, reason);
  await assert.rejects(exchange(server.path, { ...get, signal: controller.signal }), reason);
});

test('exchange() closes its connection when the reader leaves the loop', async () => {
  const closed = Promise.withResolvers<void>();
  await using server = await openRawServer((socket) => {
    socket.once('data', () => socket.write('HTTP/1.1 200 OK\r\n\r\nfirst'));
    socket.on('end', () => closed.resolve());
  });
  const response = await exchange(server.path, get);
  for await (const chunk of response.body) {
    assert.equal(chunk.toString(), 'first');
    break;
  }
  await closed.promise;
});

test('exchange() refuses paths and headers that would smuggle lines', async () => {
  await using server = await openCannedServer('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n');
  const hostile = [
    { ...get, path: '/a b' },
    { ...get, path: '/a\r\nHost: x' },
    { ...get, headers: { A: 'b\r\nC: d' } },
    { ...get, headers: { 'A\r\nB': 'c' } },
  ];
  for (const request of hostile) await assert.rejects(exchange(server.path, request), { kind: 'invalid-argument' });
});
