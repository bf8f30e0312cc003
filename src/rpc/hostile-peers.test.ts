import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { mkdtempDisposable } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { silentLogger } from '#/base/log.ts';
import { Echo } from '#/rpc/echo.suite.ts';
import { openGrpcClient } from '#/rpc/grpc-client.ts';
import { createGrpcServer } from '#/rpc/grpc-server.ts';
import { bindService } from '#/rpc/service.ts';
import { openTtrpcClient } from '#/rpc/ttrpc-client.ts';
import { createTtrpcServer } from '#/rpc/ttrpc-server.ts';

const services = [bindService(Echo, { say: ({ value }) => ({ value }) })];
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n');
const settings = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

/** What a confused or hostile peer may send. */
const nonsense: readonly Buffer[] = [
  Buffer.from('GET / HTTP/1.1\r\nHost: x\r\n\r\n'),
  preface.subarray(0, 10),
  preface,
  Buffer.concat([preface, settings]),
  // DATA on a stream that was never opened, CONTINUATION out of nowhere, a frame of 16 MiB.
  Buffer.concat([preface, settings, Buffer.from([0, 0, 1, 0, 0, 0, 0, 0, 1, 7])]),
  Buffer.concat([preface, settings, Buffer.from([0, 0, 1, 9, 4, 0, 0, 0, 1, 7])]),
  Buffer.concat([preface, settings, Buffer.from([255, 255, 255, 1, 4, 0, 0, 0, 1])]),
  ...Array.from({ length: 20 }, () => randomBytes(2000)),
  ...Array.from({ length: 20 }, () => Buffer.concat([preface, settings, randomBytes(2000)])),
];

/** Sends bytes, hangs up a moment later, and does not mind what comes back. */
async function pester(path: string, bytes: Buffer): Promise<void> {
  const socket = connect({ path });
  const { promise, resolve } = Promise.withResolvers<void>();
  socket.on('error', () => {});
  socket.on('close', () => resolve());
  socket.resume();
  socket.write(bytes, () => setTimeout(() => socket.destroy(), 10));
  await promise;
}

test('nonsense on the gRPC socket harms neither the server nor others on it', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'nonsense-'));
  const path = join(dir.path, 's.sock');
  await using server = createGrpcServer({ services, logger: silentLogger });
  await server.listen({ path });
  await using client = await openGrpcClient(path);
  await Promise.all(nonsense.map((bytes) => pester(path, bytes)));
  assert.equal((await client.unary(Echo.method.say, { value: 'still here' })).value, 'still here');
  await using late = await openGrpcClient(path);
  assert.equal((await late.unary(Echo.method.say, { value: 'late' })).value, 'late');
});

test('nonsense on the ttrpc socket harms neither the server nor others on it', async () => {
  await using dir = await mkdtempDisposable(join(tmpdir(), 'nonsense-'));
  const path = join(dir.path, 's.ttrpc');
  await using server = createTtrpcServer({ services, logger: silentLogger });
  await server.listen({ path });
  await using client = await openTtrpcClient(path);
  await Promise.all(nonsense.map((bytes) => pester(path, bytes)));
  assert.equal((await client.call(Echo.method.say, { value: 'still here' })).value, 'still here');
});
