import assert from 'node:assert/strict';
import { link, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '#/base/errors.ts';
import { silentLogger } from '#/base/log.ts';
import { Echo } from '#/rpc/echo.suite.ts';
import type { GrpcClient } from '#/rpc/grpc-client.ts';
import { openGrpcClient } from '#/rpc/grpc-client.ts';
import type { GrpcServer } from '#/rpc/grpc-server.ts';
import { createGrpcServer } from '#/rpc/grpc-server.ts';
import type { CallContext, ServiceFunctions } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';

interface Rig extends AsyncDisposable {
  readonly client: GrpcClient;
  readonly server: GrpcServer;
  readonly path: string;
}

async function openRig(functions: Partial<ServiceFunctions<typeof Echo>>): Promise<Rig> {
  const stack = new AsyncDisposableStack();
  const dir = stack.use(await mkdtempDisposable(join(tmpdir(), 'grpc-')));
  const path = join(dir.path, 'berth.sock');
  const server = stack.use(createGrpcServer({ services: [bindService(Echo, functions)], logger: silentLogger }));
  await server.listen({ path });
  const client = stack.use(await openGrpcClient(path));
  return { client, server, path, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

async function* texts(...values: string[]): AsyncGenerator<{ value: string }> {
  for (const value of values) yield { value };
}

async function collect(answers: AsyncIterable<{ value: string }>): Promise<string[]> {
  const values: string[] = [];
  for await (const { value } of answers) values.push(value);
  return values;
}

const untilAborted = ({ signal }: CallContext): Promise<never> =>
  new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason), { once: true }));

test('calls of all four kinds carry their messages both ways', async () => {
  await using rig = await openRig({
    say: ({ value }) => ({ value: value.toUpperCase() }),
    async *repeat({ value }) {
      for (let at = 0; at < 3; at++) yield { value: `${value}${at}` };
    },
    join: async (requests) => ({ value: (await collect(requests)).join('-') }),
    async *chat(requests) {
      for await (const { value } of requests) yield { value: `<${value}>` };
    },
  });
  const { client } = rig;
  assert.equal((await client.unary(Echo.method.say, { value: 'grüß' })).value, 'GRÜSS');
  assert.deepEqual(await collect(client.serverStream(Echo.method.repeat, { value: 'a' })), ['a0', 'a1', 'a2']);
  assert.equal((await client.clientStream(Echo.method.join, texts('a', 'b', 'c'))).value, 'a-b-c');
  assert.deepEqual(await collect(client.bidi(Echo.method.chat, texts('a', 'b'))), ['<a>', '<b>']);
});

test('bidi answers come before the requests end', async () => {
  await using rig = await openRig({
    async *chat(requests) {
      for await (const { value } of requests) yield { value };
    },
  });
  const answered = Promise.withResolvers<void>();
  async function* pingPong(): AsyncGenerator<{ value: string }> {
    yield { value: 'one' };
    await answered.promise;
    yield { value: 'two' };
  }
  const seen: string[] = [];
  for await (const { value } of rig.client.bidi(Echo.method.chat, pingPong())) {
    seen.push(value);
    answered.resolve();
  }
  assert.deepEqual(seen, ['one', 'two']);
});

test('an EngineError keeps its kind and text, and gets the class text that Go clients look for', async () => {
  await using rig = await openRig({
    say: () => {
      throw new EngineError('not-found', 'Cannot find "ü%\n": no such thing');
    },
    async *repeat() {
      yield { value: 'first' };
      throw new EngineError('conflict', 'Cannot go on');
    },
  });
  await assert.rejects(rig.client.unary(Echo.method.say, {}), {
    kind: 'not-found',
    message: 'Cannot find "ü%\n": no such thing',
  });
  const seen: string[] = [];
  await assert.rejects(
    async () => {
      for await (const { value } of rig.client.serverStream(Echo.method.repeat, {})) seen.push(value);
    },
    { kind: 'conflict', message: 'Cannot go on' },
  );
  assert.deepEqual(seen, ['first']);
});

test('methods and services that are not there are unimplemented', async () => {
  await using rig = await openRig({});
  await assert.rejects(rig.client.unary(Echo.method.say, {}), { kind: 'unimplemented' });
});

test('the first of several values of a header counts', async () => {
  await using rig = await openRig({
    say: (_request, context) => ({ value: context.header('containerd-namespace') ?? 'none' }),
  });
  const say = (metadata: Record<string, string | string[]>): Promise<{ value: string }> =>
    rig.client.unary(Echo.method.say, {}, { metadata });
  assert.equal((await say({ 'containerd-namespace': ['inner', 'outer'] })).value, 'inner');
  assert.equal((await say({ 'containerd-namespace': 'only' })).value, 'only');
  assert.equal((await say({})).value, 'none');
});

test('a deadline answers deadline-exceeded and aborts the handler', async () => {
  const reasons: unknown[] = [];
  await using rig = await openRig({
    say: async (_request, context) => {
      context.signal.addEventListener('abort', () => reasons.push(context.signal.reason));
      await sleep(5000, undefined, { signal: context.signal });
      return {};
    },
  });
  const raw = connectHttp2('http://localhost', { createConnection: () => socketTo(rig.path) });
  const stream = raw.request({
    ':method': 'POST',
    ':path': '/test.Echo/Say',
    'content-type': 'application/grpc',
    'grpc-timeout': '30m',
  });
  stream.end(Buffer.from([0, 0, 0, 0, 0]));
  const headers = await new Promise<Record<string, unknown>>((resolve) => stream.on('response', resolve));
  raw.destroy();
  assert.equal(headers['grpc-status'], '4');
  assert.equal(reasons.length, 1);
  await assert.rejects(rig.client.unary(Echo.method.say, {}, { timeoutMs: 30 }), { kind: 'deadline-exceeded' });
});

test('a client that gives up aborts the handler, and one that leaves its loop as well', async () => {
  const aborted: string[] = [];
  const watch = async (context: CallContext): Promise<never> => {
    try {
      return await untilAborted(context);
    } finally {
      aborted.push(context.method);
    }
  };
  await using rig = await openRig({
    say: (_request, context) => watch(context),
    async *repeat(_request, context) {
      yield { value: 'first' };
      await watch(context);
    },
  });
  const controller = new AbortController();
  const call = rig.client.unary(Echo.method.say, {}, { signal: controller.signal });
  setTimeout(() => controller.abort(), 30);
  await assert.rejects(call, { kind: 'cancelled' });
  for await (const { value } of rig.client.serverStream(Echo.method.repeat, {})) {
    assert.equal(value, 'first');
    break;
  }
  while (aborted.length < 2) await sleep(5);
  assert.deepEqual(aborted, ['test.Echo/Say', 'test.Echo/Repeat']);
});

test('15 MiB pass both ways, 17 MiB are resource-exhausted', async () => {
  await using rig = await openRig({
    say: ({ value }) => ({ value }),
    join: async () => ({ value: 'x'.repeat(17 << 20) }),
  });
  const large = 'x'.repeat(15 << 20);
  assert.equal((await rig.client.unary(Echo.method.say, { value: large })).value.length, large.length);
  await assert.rejects(rig.client.unary(Echo.method.say, { value: 'x'.repeat(17 << 20) }), {
    kind: 'resource-exhausted',
  });
  await assert.rejects(rig.client.clientStream(Echo.method.join, texts()), { kind: 'resource-exhausted' });
});

/** Sends raw bytes as the body of a call and gives the status that comes back. */
async function rawCall(path: string, body: Buffer, more: Record<string, string> = {}): Promise<string> {
  const session = connectHttp2('http://localhost', { createConnection: () => socketTo(path) });
  const stream = session.request({
    ':method': 'POST',
    ':path': '/test.Echo/Say',
    'content-type': 'application/grpc',
    ...more,
  });
  stream.on('error', () => {});
  const status = Promise.withResolvers<string>();
  stream.on('response', (headers) => {
    if (headers['grpc-status'] !== undefined) status.resolve(String(headers['grpc-status']));
  });
  stream.on('trailers', (headers) => status.resolve(String(headers['grpc-status'])));
  stream.on('close', () => status.reject(new Error('no status came')));
  stream.resume();
  stream.end(body);
  try {
    return await status.promise;
  } finally {
    session.destroy();
  }
}

function socketTo(path: string): Socket {
  return connect({ path });
}

test('malformed bodies get a status: too large, compressed, cut short, no message, no protobuf', async () => {
  await using rig = await openRig({ say: ({ value }) => ({ value }) });
  assert.equal(await rawCall(rig.path, Buffer.from([0, 0xff, 0xff, 0xff, 0xff, 1])), '8');
  assert.equal(await rawCall(rig.path, Buffer.from([1, 0, 0, 0, 1, 7])), '12');
  assert.equal(await rawCall(rig.path, Buffer.from([0, 0, 0, 0, 9, 1])), '13');
  assert.equal(await rawCall(rig.path, Buffer.from([0, 0])), '13');
  assert.equal(await rawCall(rig.path, Buffer.alloc(0)), '13');
  assert.equal(await rawCall(rig.path, Buffer.from([0, 0, 0, 0, 2, 0x0a, 0xff])), '13');
  assert.equal(await rawCall(rig.path, Buffer.from([0, 0, 0, 0, 0]), { 'grpc-encoding': 'gzip' }), '12');
  assert.equal(await rawCall(rig.path, Buffer.from([0, 0, 0, 0, 0]), { 'grpc-timeout': 'soon' }), '13');
  assert.equal(await rawCall(rig.path, Buffer.from([0, 0, 0, 0, 0])), '0');
});

test('a handler that does not read holds its sender back', async () => {
  const release = Promise.withResolvers<void>();
  await using rig = await openRig({
    join: async (requests) => {
      await release.promise;
      return { value: String((await collect(requests)).length) };
    },
  });
  let sent = 0;
  async function* many(): AsyncGenerator<{ value: string }> {
    for (; sent < 200; sent++) yield { value: 'x'.repeat(256 << 10) };
  }
  const call = rig.client.clientStream(Echo.method.join, many());
  await sleep(300);
  assert(sent < 100, `${sent} messages of 256 KiB were taken by a handler that reads none`);
  release.resolve();
  assert.equal((await call).value, '200');
});

test('a thousand calls wait side by side and are all cancelled at once without losing the connection', async () => {
  await using rig = await openRig({
    say: ({ value }, context) => (value === 'wait' ? untilAborted(context) : { value }),
  });
  const controller = new AbortController();
  const calls = Array.from({ length: 1000 }, () =>
    rig.client.unary(Echo.method.say, { value: 'wait' }, { signal: controller.signal }),
  );
  const settled = Promise.allSettled(calls);
  assert.equal((await rig.client.unary(Echo.method.say, { value: 'still there' })).value, 'still there');
  controller.abort();
  assert((await settled).every((call) => call.status === 'rejected'));
  assert.equal((await rig.client.unary(Echo.method.say, { value: 'and now' })).value, 'and now');
});

test('close() fails long polls with unavailable, lets short calls end, and the socket file goes', async () => {
  await using rig = await openRig({
    say: async ({ value }, context) => {
      if (value === 'wait') return untilAborted(context);
      await sleep(100);
      return { value };
    },
  });
  const poll = rig.client.unary(Echo.method.say, { value: 'wait' });
  const short = rig.client.unary(Echo.method.say, { value: 'short' });
  const outcome = Promise.allSettled([poll, short]);
  await sleep(30);
  await rig.server.close();
  const [first, second] = await outcome;
  assert(first.status === 'rejected' && first.reason instanceof EngineError && first.reason.kind === 'unavailable');
  assert(second.status === 'fulfilled' && second.value.value === 'short');
  await assert.rejects(openGrpcClient(rig.path), { kind: 'unavailable' });
});

test('close() answers for a handler that does not listen to its signal', async () => {
  await using rig = await openRig({ say: () => new Promise(() => {}) });
  const stuck = rig.client.unary(Echo.method.say, {});
  const rejected = assert.rejects(stuck, { kind: 'unavailable' });
  await sleep(20);
  await rig.server.close(50);
  await rejected;
});

test('a connection that somebody else accepted is served', async () => {
  await using server = createGrpcServer({
    services: [bindService(Echo, { say: ({ value }) => ({ value }) })],
    logger: silentLogger,
  });
  const [ours, theirs] = duplexPair();
  server.serve(ours);
  await using client = await openGrpcClient(theirs);
  assert.equal((await client.unary(Echo.method.say, { value: 'hello' })).value, 'hello');
});

test('listen() replaces a dead socket file, and refuses a living one, a plain file and a path too long', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'grpc-'));
  const path = join(dir.path, 's.sock');
  const open = (): GrpcServer => createGrpcServer({ services: [], logger: silentLogger });
  await using first = open();
  await first.listen({ path });
  await using second = open();
  await assert.rejects(second.listen({ path }), { kind: 'already-exists' });
  await first.close();
  await leaveDeadSocket(path);
  await second.listen({ path });
  const plain = join(dir.path, 'plain');
  await writeFile(plain, 'keep me');
  await assert.rejects(second.listen({ path: plain }), { kind: 'already-exists' });
  await assert.rejects(second.listen({ path: join(dir.path, 'x'.repeat(108)) }), { kind: 'invalid-argument' });
});

/** A socket file whose daemon has died: linked under another name before its server removes its own. */
async function leaveDeadSocket(path: string): Promise<void> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(`${path}.old`, resolve));
  await link(`${path}.old`, path);
  await new Promise<void>((resolve) => server.close(() => resolve()));
}
