import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { duplexPair } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { EngineError } from '#/base/errors.ts';
import { silentLogger } from '#/base/log.ts';
import { RequestSchema, ResponseSchema } from '#/gen/containerd/ttrpc/request_pb.ts';
import { Echo } from '#/rpc/echo.suite.ts';
import type { ServiceFunctions } from '#/rpc/service.ts';
import { bindService } from '#/rpc/service.ts';
import type { TtrpcClient } from '#/rpc/ttrpc-client.ts';
import { openTtrpcClient } from '#/rpc/ttrpc-client.ts';
import { encodeTtrpcFrame, frameType, TtrpcFrameReader, ttrpcMaxPayload } from '#/rpc/ttrpc-frame.ts';
import type { TtrpcServer } from '#/rpc/ttrpc-server.ts';
import { createTtrpcServer } from '#/rpc/ttrpc-server.ts';

interface Rig extends AsyncDisposable {
  readonly client: TtrpcClient;
  readonly server: TtrpcServer;
  readonly path: string;
}

async function openRig(
  functions: Partial<ServiceFunctions<typeof Echo>>,
  acceptPeer: (socket: Socket) => boolean = () => true,
): Promise<Rig> {
  const stack = new AsyncDisposableStack();
  const dir = stack.use(await mkdtempDisposable(join(tmpdir(), 'ttrpc-')));
  const path = join(dir.path, 's.ttrpc');
  const services = [bindService(Echo, functions)];
  const server = stack.use(createTtrpcServer({ services, logger: silentLogger, acceptPeer }));
  await server.listen({ path });
  const client = stack.use(await openTtrpcClient(`unix://${path}`));
  return { client, server, path, [Symbol.asyncDispose]: () => stack.disposeAsync() };
}

test('calls run side by side and carry metadata', async () => {
  await using rig = await openRig({
    say: async ({ value }, context) => {
      await sleep(value === 'slow' ? 60 : 0);
      return { value: `${context.header('containerd-namespace-ttrpc')}/${value}` };
    },
  });
  const metadata = { 'containerd-namespace-ttrpc': 'blue' };
  const order: string[] = [];
  await Promise.all(
    ['slow', 'fast'].map(async (value) => {
      order.push((await rig.client.call(Echo.method.say, { value }, { metadata })).value);
    }),
  );
  assert.deepEqual(order, ['blue/fast', 'blue/slow']);
});

test('an error keeps its kind; unknown and streaming methods are unimplemented', async () => {
  await using rig = await openRig({
    say: () => {
      throw new EngineError('already-exists', 'Cannot make "x" twice');
    },
    async *repeat() {},
  });
  await assert.rejects(rig.client.call(Echo.method.say, {}), {
    kind: 'already-exists',
    message: 'Cannot make "x" twice',
  });
  const streaming = { ...Echo.method.say, name: 'Repeat' };
  await assert.rejects(rig.client.call(streaming, {}), { kind: 'unimplemented' });
  await assert.rejects(rig.client.call({ ...streaming, name: 'Nothing' }, {}), { kind: 'unimplemented' });
});

test('a timeout fails the call on both sides, a signal on ours, and the connection lives on', async () => {
  const reasons: string[] = [];
  await using rig = await openRig({
    say: async ({ value }, { signal }) => {
      if (value === 'quick') return { value };
      await sleep(2000, undefined, { signal }).catch((error: Error) => reasons.push(String(error.cause)));
      return {};
    },
  });
  await assert.rejects(rig.client.call(Echo.method.say, {}, { timeoutMs: 30 }), { kind: 'deadline-exceeded' });
  const controller = new AbortController();
  const call = rig.client.call(Echo.method.say, {}, { signal: controller.signal });
  controller.abort();
  await assert.rejects(call, { kind: 'cancelled' });
  assert.equal((await rig.client.call(Echo.method.say, { value: 'quick' })).value, 'quick');
  while (reasons.length < 1) await sleep(5);
  assert.match(reasons[0] ?? '', /timeout/i);
});

test('a peer that goes away fails pending calls with unavailable and resolves closed', async () => {
  const [ours, theirs] = duplexPair();
  const client = await openTtrpcClient(ours);
  const pending = client.call(Echo.method.say, { value: 'hello' });
  const rejected = assert.rejects(pending, { kind: 'unavailable' });
  theirs.on('data', () => theirs.destroy());
  await rejected;
  await client.closed;
  await assert.rejects(client.call(Echo.method.say, {}), { kind: 'unavailable' });
  await assert.rejects(openTtrpcClient('/nowhere/at/all.sock'), { kind: 'unavailable' });
});

test('a peer of another user is turned away', async () => {
  await using rig = await openRig({ say: () => ({}) }, () => false);
  await assert.rejects(rig.client.call(Echo.method.say, {}), { kind: 'unavailable' });
});

test('frames are read whatever the chunks, and a payload over 4 MiB is skipped and refused', async () => {
  const frames = Buffer.concat([
    encodeTtrpcFrame(1, frameType.request, Buffer.from('first')),
    encodeTtrpcFrame(3, frameType.request, new Uint8Array()),
    encodeTtrpcFrame(5, frameType.request, new Uint8Array(ttrpcMaxPayload + 1)),
    encodeTtrpcFrame(7, frameType.request, Buffer.from('last')),
  ]);
  for (const size of [1, 7, 4096, frames.length]) {
    const reader = new TtrpcFrameReader();
    const seen: (string | undefined)[] = [];
    // Byte by byte through 4 MiB would only be slow.
    const source = size === 1 ? Buffer.concat([frames.subarray(0, 25), frames.subarray(-14)]) : frames;
    for (let at = 0; at < source.length; at += size)
      for (const { payload } of reader.push(source.subarray(at, at + size)))
        seen.push(payload === undefined ? undefined : Buffer.from(payload).toString());
    assert.deepEqual(seen, size === 1 ? ['first', '', 'last'] : ['first', '', undefined, 'last']);
  }
  await using rig = await openRig({ say: ({ value }) => ({ value }) });
  await assert.rejects(rig.client.call(Echo.method.say, { value: 'x'.repeat(ttrpcMaxPayload) }), {
    kind: 'resource-exhausted',
  });
  assert.equal(await answerTo(rig.path, encodeTtrpcFrame(1, frameType.request, Buffer.alloc(ttrpcMaxPayload + 1))), 8);
  assert.equal(await answerTo(rig.path, encodeTtrpcFrame(1, frameType.request, Buffer.from([0xff]))), 3);
  const unnamed = toBinary(RequestSchema, create(RequestSchema, { service: '', method: '' }));
  assert.equal(await answerTo(rig.path, encodeTtrpcFrame(1, frameType.request, unnamed)), 12);
});

/** The status code of the first response to raw bytes. */
async function answerTo(path: string, bytes: Buffer): Promise<number | undefined> {
  const socket = connect({ path });
  try {
    socket.write(bytes);
    const reader = new TtrpcFrameReader();
    for await (const chunk of socket)
      for (const { payload } of reader.push(chunk as Buffer))
        return fromBinary(ResponseSchema, payload ?? new Uint8Array()).status?.code;
    return undefined;
  } finally {
    socket.destroy();
  }
}

test('frames that break the rules get a status, and the connection lives on', async () => {
  await using rig = await openRig({ say: ({ value }) => ({ value }) });
  await using socket = connect({ path: rig.path });
  const reader = new TtrpcFrameReader();
  const answers: [number, number | undefined][] = [];
  const arrived = Promise.withResolvers<void>();
  socket.on('data', (chunk: Buffer) => {
    for (const { streamId, payload } of reader.push(chunk))
      answers.push([streamId, fromBinary(ResponseSchema, payload ?? new Uint8Array()).status?.code]);
    if (answers.length === 6) arrived.resolve();
  });
  const payload = toBinary(Echo.method.say.input, create(Echo.method.say.input, { value: 'x' }));
  const request = toBinary(RequestSchema, create(RequestSchema, { service: Echo.typeName, method: 'Say', payload }));
  const odd = toBinary(
    RequestSchema,
    create(RequestSchema, { service: Echo.typeName, method: 'Say', payload: Buffer.from([0x0a, 0xff]) }),
  );
  const send = (id: number, type: number, bytes: Uint8Array): boolean =>
    socket.write(encodeTtrpcFrame(id, type, bytes));
  send(2, frameType.request, request);
  send(3, frameType.request, Buffer.from([0xff, 0xff]));
  send(3, frameType.request, request);
  send(5, frameType.data, request);
  send(7, 99, request);
  send(9, frameType.request, odd);
  send(11, frameType.request, request);
  await arrived.promise;
  assert.deepEqual(
    answers.toSorted(([one], [other]) => one - other),
    [
      [2, 3],
      [3, 3],
      [3, 3],
      [5, 3],
      [9, 3],
      [11, undefined],
    ],
  );
});

test('closing the server fails calls under way and frees the path', async () => {
  await using rig = await openRig({
    say: (_request, { signal }) =>
      new Promise((_resolve, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
  });
  const rejected = assert.rejects(rig.client.call(Echo.method.say, {}), { kind: 'unavailable' });
  await sleep(20);
  await rig.server[Symbol.asyncDispose]();
  await rejected;
  await assert.rejects(openTtrpcClient(rig.path), { kind: 'unavailable' });
});
