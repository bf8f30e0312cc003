import assert from 'node:assert/strict';
import { link, mkdtempDisposable, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { EngineError } from '#/base/errors.ts';
import { silentLogger } from '#/base/log.ts';
import { Echo } from '#/rpc/echo.suite.ts';
import { openGrpcClient } from '#/rpc/grpc-client.ts';
import type { GrpcServer } from '#/rpc/grpc-server.ts';
import { createGrpcServer } from '#/rpc/grpc-server.ts';
import type { CallContext } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';
import { collect, openRig, texts, untilAborted } from '#/rpc/grpc-rig.suite.ts';

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
