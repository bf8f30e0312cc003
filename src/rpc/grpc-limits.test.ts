import assert from 'node:assert/strict';
import { connect as connectHttp2 } from 'node:http2';
import type { Socket } from 'node:net';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Echo } from '#/rpc/echo.suite.ts';
import { collect, openRig, texts, untilAborted } from '#/rpc/grpc-rig.suite.ts';

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

test('a server takes and sends messages up to the limits that it was given', async () => {
  const rig = { limits: { receive: 1000, send: 100 } };
  await using small = await openRig({ say: ({ value }) => ({ value: value.slice(0, 200) }) }, rig);
  assert.equal((await small.client.unary(Echo.method.say, { value: 'x'.repeat(90) })).value.length, 90);
  await assert.rejects(small.client.unary(Echo.method.say, { value: 'x'.repeat(1100) }), {
    kind: 'resource-exhausted',
    message: /limit is 1000/,
  });
  await assert.rejects(small.client.unary(Echo.method.say, { value: 'x'.repeat(150) }), {
    kind: 'resource-exhausted',
    message: /limit is 100/,
  });
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
