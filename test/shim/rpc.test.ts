/**
 * The shim's ttrpc server from outside, over its socket: what clients ask in order, and whatever else may come. What is
 * expected is what containerd's own ttrpc server does.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod } from 'node:fs/promises';
import { dirname } from 'node:path';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { Task as TaskV2 } from '#/gen/containerd/task/v2/shim_pb.ts';
import { StateRequestSchema, StateResponseSchema, Task } from '#/gen/containerd/task/v3/shim_pb.ts';
import { openTtrpcClient } from '#/rpc/ttrpc-client.ts';
import { openRawTtrpc, rawFrame, rawRequest } from '../support/raw-ttrpc.ts';
import { untilTrue } from '../support/until.ts';
import { buildRpcServer, startRpcServer } from './rpc-server.ts';

const program = buildRpcServer();
const maxPayload = 4 << 20;

const askState = (id: string): Uint8Array =>
  rawRequest({ method: 'State', payload: toBinary(StateRequestSchema, create(StateRequestSchema, { id })) });
const idOf = (payload: Uint8Array): string => fromBinary(StateResponseSchema, payload).id;

test('a call is answered, under the names of both versions of the task service', async () => {
  await using server = await startRpcServer(program);
  await using client = await openTtrpcClient(server.path);
  assert.equal((await client.call(Task.method.state, { id: 'a' })).id, 'a');
  assert.equal((await client.call(TaskV2.method.state, { id: 'b' })).id, 'b');
});

test('a client of another user is hung up on, though the file system would let it in', async () => {
  await using server = await startRpcServer(program);
  await chmod(dirname(server.path), 0o755);
  await chmod(server.path, 0o777);
  const script = `const s = require('node:net').connect(process.argv[1]);
    s.on('connect', () => console.log('in')).on('close', () => console.log('out')).on('error', () => {}).resume();`;
  const stranger = promisify(execFile)(process.execPath, ['-e', script, server.path], { uid: 65534, gid: 65534 });
  assert.equal((await stranger).stdout, 'in\nout\n');
  await using client = await openTtrpcClient(server.path);
  assert.equal((await client.call(Task.method.state, { id: 'a' })).id, 'a');
});

test('hundreds of calls at once, some waiting, are each answered with their own answer', async () => {
  await using server = await startRpcServer(program);
  await using client = await openTtrpcClient(server.path);
  const waits = Array.from({ length: 300 }, async () => client.call(Task.method.wait, { id: 'w' }));
  const ids = Array.from({ length: 700 }, (_, index) => `id-${index}-${'x'.repeat(index * 7)}`);
  const states = await Promise.all(ids.map(async (id) => client.call(Task.method.state, { id })));
  assert.deepEqual(
    states.map(({ id }) => id),
    ids,
  );
  assert.equal((await client.call(Task.method.connect, { id: '' })).taskPid, 300);
  await client.call(Task.method.kill, { id: 'w', signal: 9 });
  for (const { exitStatus } of await Promise.all(waits)) assert.equal(exitStatus, 9);
});

test('what the server does not have is UNIMPLEMENTED by name, in the words of Go', async () => {
  await using server = await startRpcServer(program);
  using client = await openRawTtrpc(server.path);
  client.send(rawFrame({ stream: 1, payload: rawRequest({ service: 'a.B', method: 'State' }) }));
  client.send(rawFrame({ stream: 3, payload: rawRequest({ method: 'Fly' }) }));
  client.send(rawFrame({ stream: 5 }));
  const answers = [await client.answer(), await client.answer(), await client.answer()];
  assert.deepEqual(
    answers.map(({ stream, type, code, message }) => [stream, type, code, message]),
    [
      [1, 2, 12, 'service a.B'],
      [3, 2, 12, 'method Fly'],
      [5, 2, 12, 'service '],
    ],
  );
});

test('wrong stream numbers are refused on their own stream, and the connection goes on', async () => {
  await using server = await startRpcServer(program);
  using client = await openRawTtrpc(server.path);
  const state = askState('x');
  for (const stream of [0, 2, 7, 7, 5, 9, 0xffffffff, 1]) client.send(rawFrame({ stream, payload: state }));
  const answers = [];
  for (let count = 0; count < 8; count++) answers.push(await client.answer());
  assert.deepEqual(
    answers.map(({ stream, code }) => [stream, code]),
    [
      [0, 3],
      [2, 3],
      [7, 0],
      [7, 3],
      [5, 3],
      [9, 0],
      [0xffffffff, 0],
      [1, 3],
    ],
  );
});

test('a message of more than 4 MiB is passed over and answered RESOURCE_EXHAUSTED, one of 4 MiB is taken', async () => {
  await using server = await startRpcServer(program);
  using client = await openRawTtrpc(server.path);
  const overhead = askState('y'.repeat(maxPayload - 1000)).length - (maxPayload - 1000);
  const longest = 'y'.repeat(maxPayload - overhead);
  client.send(
    rawFrame({ stream: 1, payload: Buffer.alloc(maxPayload + 1) }),
    rawFrame({ stream: 3, payload: askState('z') }),
  );
  client.send(rawFrame({ stream: 5, payload: askState(longest) }));
  const [long, short, whole] = [await client.answer(), await client.answer(), await client.answer()];
  assert.deepEqual([long.stream, long.code], [1, 8]);
  assert.equal(idOf(short.payload), 'z');
  assert.equal(idOf(whole.payload), longest);
});

test('a request that is no protobuf, or whose message is none, is refused without harm to others', async () => {
  await using server = await startRpcServer(program);
  using client = await openRawTtrpc(server.path);
  const state = (payload: Uint8Array): Uint8Array => rawRequest({ method: 'State', payload });
  const bad: readonly (readonly [Uint8Array, number])[] = [
    [Buffer.from([0xff]), 3],
    [Buffer.from([0x0a, 5, 1]), 3],
    [Buffer.from([0x0a, 2, 0xc3, 0x28]), 3],
    [state(Buffer.from([0x0a, 200])), 13],
    [state(Buffer.from([0x0a, 2, 0xc3, 0x28])), 13],
    [state(Buffer.from([0x0a, 3, 0x61, 0, 0x62])), 13],
    [state(Buffer.from([0x0b])), 13],
  ];
  for (const [index, [payload, code]] of bad.entries()) {
    client.send(rawFrame({ stream: 2 * index + 1, payload }));
    assert.equal((await client.answer()).code, code, `case ${index}`);
  }
  client.send(rawFrame({ stream: 101, payload: askState('fine') }));
  assert.equal(idOf((await client.answer()).payload), 'fine');
});

test('a request that unpacks to far more than its size is refused', async () => {
  await using server = await startRpcServer(program);
  using client = await openRawTtrpc(server.path);
  const mounts = Buffer.alloc(2_000_000);
  for (let at = 0; at < mounts.length; at += 2) mounts.writeUInt16BE(0x1a00, at);
  client.send(rawFrame({ stream: 1, payload: rawRequest({ method: 'Create', payload: mounts.subarray(0, 200) }) }));
  assert.equal((await client.answer()).code, 0);
  client.send(rawFrame({ stream: 3, payload: rawRequest({ method: 'Create', payload: mounts }) }));
  assert.equal((await client.answer()).code, 8);
});

test('data has no stream to go to; kinds of frames that are not known are passed over', async () => {
  await using server = await startRpcServer(program);
  using client = await openRawTtrpc(server.path);
  const wait = rawRequest({ method: 'Wait' });
  client.send(rawFrame({ stream: 1, type: 3, payload: Buffer.from('x') }));
  assert.deepEqual([(await client.answer()).code], [3]);
  client.send(rawFrame({ stream: 3, type: 9, payload: Buffer.from('x') }), rawFrame({ stream: 3, type: 2 }));
  client.send(rawFrame({ stream: 3, payload: wait, flags: 2 }));
  client.send(rawFrame({ stream: 3, type: 3, flags: 5 }), rawFrame({ stream: 5, payload: askState('still') }));
  assert.equal((await client.answer()).stream, 5);
  client.send(rawFrame({ stream: 3, type: 3, payload: Buffer.from('x') }));
  const refused = await client.answer();
  assert.deepEqual([refused.stream, refused.code], [3, 3]);
  await using other = await openTtrpcClient(server.path);
  assert.equal((await other.call(Task.method.connect, { id: '' })).taskPid, 0);
});

test('a deadline that passes is told, and what waited stops waiting', async () => {
  await using server = await startRpcServer(program);
  using client = await openRawTtrpc(server.path);
  client.send(rawFrame({ stream: 1, payload: rawRequest({ method: 'Wait', timeoutNano: 20_000_000n }) }));
  client.send(rawFrame({ stream: 3, payload: rawRequest({ method: 'Wait', timeoutNano: -1n }) }));
  client.send(rawFrame({ stream: 5, payload: rawRequest({ method: 'Wait', timeoutNano: 2n ** 63n - 1n }) }));
  const [first, second] = [await client.answer(), await client.answer()];
  assert.deepEqual([first.stream, first.code], [3, 4]);
  assert.deepEqual([second.stream, second.code], [1, 4]);
  await using other = await openTtrpcClient(server.path);
  assert.equal((await other.call(Task.method.connect, { id: '' })).taskPid, 1);
});

test('a client that vanishes in the middle of a call or of a frame leaves nothing behind', async () => {
  await using server = await startRpcServer(program);
  await using watcher = await openTtrpcClient(server.path);
  for (let round = 0; round < 50; round++) {
    using client = await openRawTtrpc(server.path);
    for (let stream = 1; stream < 40; stream += 2)
      client.send(rawFrame({ stream, payload: rawRequest({ method: 'Wait' }) }));
    client.send(rawFrame({ stream: 41, payload: askState('x'), length: 1 + (round << 12) }));
    if (round % 2 === 0) client.socket.end();
    else client.send(rawFrame({ stream: 1, payload: askState('x') }).subarray(0, 10 + round));
    if (round % 2 === 0) await client.closed;
  }
  await untilTrue('no call waits', async () => (await watcher.call(Task.method.connect, { id: '' })).taskPid === 0);
});

test('a client that does not read is paused, and cut off before it costs much; others do not notice', async () => {
  await using server = await startRpcServer(program);
  using deaf = await openRawTtrpc(server.path);
  deaf.socket.pause();
  const before = server.memory('VmRSS');
  for (let stream = 1; stream < 200; stream += 2)
    deaf.send(rawFrame({ stream, payload: askState('d'.repeat(1 << 20)) }));
  await using client = await openTtrpcClient(server.path);
  for (let count = 0; count < 50; count++) await client.call(Task.method.state, { id: 'e' });
  assert.ok(server.memory('VmHWM') - before < 64 << 10);
  deaf.socket.resume();
  for (let stream = 1; stream < 200; stream += 2) assert.equal((await deaf.answer()).stream, stream);
});

test('noise, in any pieces, never stops the server', async () => {
  await using server = await startRpcServer(program);
  for (let round = 0; round < 100; round++) {
    using client = await openRawTtrpc(server.path);
    const noise = Buffer.concat([rawFrame({ stream: 1, payload: askState('n') }), randomBytes(3000)]);
    for (const byte of noise.subarray(0, 20)) client.send(Buffer.from([byte]));
    client.send(noise.subarray(20));
    assert.equal((await client.answer()).stream, 1);
  }
  await using client = await openTtrpcClient(server.path);
  assert.equal((await client.call(Task.method.state, { id: 'alive' })).id, 'alive');
});

test('Shutdown is answered before the connection closes, and nothing is left unfreed', async () => {
  await using server = await startRpcServer(program);
  await using client = await openTtrpcClient(server.path);
  const wait = client.call(Task.method.wait, { id: 'w' });
  const lost = assert.rejects(wait, { kind: 'unavailable' });
  await client.call(Task.method.shutdown, { id: '' });
  await lost;
  assert.deepEqual(await server.ended(), { code: 0, complaint: '' });
});
