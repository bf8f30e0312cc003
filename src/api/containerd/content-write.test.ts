import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MessageInitShape } from '@bufbuild/protobuf';
import type { ApiRig } from '#/api/containerd/open-api.suite.ts';
import { inNamespace, openApi } from '#/api/containerd/open-api.suite.ts';
import { BoundedQueue } from '#/base/bounded-queue.ts';
import type {
  WriteContentRequestSchema,
  WriteContentResponse,
} from '#/gen/containerd/services/content/v1/content_pb.ts';
import { Content, WriteAction } from '#/gen/containerd/services/content/v1/content_pb.ts';
import { digestOf } from '#/oci/digest.ts';
import type { GrpcCallOptions } from '#/rpc/grpc-client-call.ts';

type Request = MessageInitShape<typeof WriteContentRequestSchema>;

/** One Write stream, used as Go's clients do: a request, then its response. */
function openWrite({ client }: ApiRig, options: GrpcCallOptions = inNamespace('blue')) {
  const requests = new BoundedQueue<Request>(4);
  const answers = client.bidi(Content.method.write, requests, options);
  return {
    async send(request: Request): Promise<WriteContentResponse> {
      await requests.push(request);
      const { value, done } = await answers.next();
      assert(done !== true, 'the stream ended instead of answering');
      return value;
    },
    /** True when the server ended the stream well. */
    async ended(): Promise<boolean> {
      return (await answers.next()).done === true;
    },
    async close(): Promise<void> {
      requests.close();
      await answers.return(undefined);
    },
  };
}

const hello = Buffer.from('hello world');
const digest = digestOf(hello);
const size = BigInt(hello.length);

async function write(rig: ApiRig, ref: string, data: Uint8Array, options?: GrpcCallOptions): Promise<void> {
  const stream = openWrite(rig, options);
  await stream.send({ action: WriteAction.STAT, ref });
  await stream.send({ action: WriteAction.WRITE, ref, data });
  await stream.send({ action: WriteAction.COMMIT, ref, offset: BigInt(data.length) });
  assert(await stream.ended());
}

async function readAll(rig: ApiRig, range: { offset?: bigint; size?: bigint } = {}): Promise<[string, bigint[]]> {
  const parts: Uint8Array[] = [];
  const offsets: bigint[] = [];
  const answers = rig.client.serverStream(Content.method.read, { digest, ...range }, inNamespace('blue'));
  for await (const { data, offset } of answers) {
    parts.push(data);
    offsets.push(offset);
  }
  return [Buffer.concat(parts).toString(), offsets];
}

test('Write answers STAT, WRITE and COMMIT one for one, and the blob can be read in ranges', async () => {
  await using rig = await openApi();
  const stream = openWrite(rig);
  const stat = await stream.send({ action: WriteAction.STAT, ref: 'a', total: size, expected: digest });
  assert.deepEqual([stat.action, stat.offset, stat.total], [WriteAction.STAT, 0n, size]);
  assert.equal(stat.digest, digestOf(''));
  assert((stat.startedAt?.seconds ?? 0n) > 0n && (stat.updatedAt?.seconds ?? 0n) > 0n);
  const first = await stream.send({ action: WriteAction.WRITE, ref: 'a', data: hello.subarray(0, 5) });
  assert.deepEqual([first.action, first.offset, first.digest], [WriteAction.WRITE, 5n, digestOf('hello')]);
  const last = await stream.send({
    action: WriteAction.COMMIT,
    ref: 'a',
    offset: 5n,
    data: hello.subarray(5),
    labels: { k: 'v' },
  });
  assert.deepEqual([last.action, last.offset, last.digest], [WriteAction.COMMIT, size, digest]);
  assert(await stream.ended());
  const { info } = await rig.client.unary(Content.method.info, { digest }, inNamespace('blue'));
  assert.deepEqual([info?.size, info?.labels], [size, { k: 'v' }]);
  assert.deepEqual(await readAll(rig), ['hello world', [0n]]);
  assert.deepEqual(await readAll(rig, { offset: 6n }), ['world', [0n]]);
  assert.deepEqual(await readAll(rig, { offset: -3n, size: 5n }), ['hello', [0n]]);
  assert.deepEqual(await readAll(rig, { offset: size, size: 100n }), ['', []]);
  await assert.rejects(readAll(rig, { offset: size + 1n }), { kind: 'out-of-range' });
});

test('Write tells of the blob by an event only once it is committed', async () => {
  await using rig = await openApi();
  const seen: unknown[] = [];
  const controller = new AbortController();
  const reading = (async () => {
    for await (const { event } of rig.core.events.subscribe(controller.signal)) seen.push(event);
  })();
  const stream = openWrite(rig);
  await stream.send({ action: WriteAction.WRITE, ref: 'a', data: hello });
  assert.deepEqual(seen, []);
  await stream.send({ action: WriteAction.COMMIT, ref: 'a', offset: size });
  controller.abort();
  await reading;
  assert.deepEqual(
    rig.core.events.history(0n).map(({ event }) => event),
    [{ topic: '/content/create', digest, size: hello.length }],
  );
});

test('Write without a ref, namespace, known lease or good digest is refused', async () => {
  await using rig = await openApi();
  const open = (request: Request, options?: GrpcCallOptions): Promise<unknown> =>
    openWrite(rig, options).send({ action: WriteAction.STAT, ...request });
  await assert.rejects(open({}), { kind: 'invalid-argument' });
  await assert.rejects(open({ ref: 'a', expected: 'sha256:short' }), { kind: 'invalid-argument' });
  await assert.rejects(open({ ref: 'a', total: -1n }), { kind: 'invalid-argument' });
  await assert.rejects(open({ ref: 'a' }, {}), { kind: 'failed-precondition', message: /namespace is required/ });
  await assert.rejects(open({ ref: 'a' }, inNamespace('no/slash')), { kind: 'invalid-argument' });
  await assert.rejects(open({ ref: 'a' }, inNamespace('blue', 'nowhere')), { kind: 'not-found' });
});

test('a ref has one writer: a second one is unavailable until the first has gone', async () => {
  await using rig = await openApi();
  const first = openWrite(rig);
  await first.send({ action: WriteAction.STAT, ref: 'a' });
  await assert.rejects(openWrite(rig).send({ action: WriteAction.STAT, ref: 'a' }), { kind: 'unavailable' });
  const other = openWrite(rig, inNamespace('green'));
  await other.send({ action: WriteAction.STAT, ref: 'a' });
  await first.close();
  for (let tries = 0; ; tries++) {
    const again = openWrite(rig);
    const opened = await again.send({ action: WriteAction.STAT, ref: 'a' }).catch((error: unknown) => error);
    if (!(opened instanceof Error)) return;
    assert(tries < 100, String(opened));
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

test('a stream that is left keeps its data, and a resume goes on with offset and digest', async () => {
  await using rig = await openApi();
  const first = openWrite(rig);
  await first.send({ action: WriteAction.WRITE, ref: 'a', data: hello.subarray(0, 5) });
  await first.close();
  const { status } = await rig.client.unary(Content.method.status, { ref: 'a' }, inNamespace('blue'));
  assert.equal(status?.offset, 5n);
  const second = openWrite(rig);
  const stat = await retry(() => second.send({ action: WriteAction.STAT, ref: 'a' }));
  assert.deepEqual([stat.offset, stat.digest], [5n, digestOf('hello')]);
  await second.send({ action: WriteAction.COMMIT, ref: 'a', offset: 5n, data: hello.subarray(5), expected: digest });
});

/** The server learns a moment later that a client has gone. */
async function retry<T>(attempt: () => Promise<T>): Promise<T> {
  await new Promise((resolve) => setTimeout(resolve, 50));
  return attempt();
}

test('a wrong offset is out-of-range, and offset 0 starts over', async () => {
  await using rig = await openApi();
  const stream = openWrite(rig);
  await stream.send({ action: WriteAction.WRITE, ref: 'a', data: Buffer.from('wrong bytes') });
  const again = await stream.send({ action: WriteAction.WRITE, ref: 'a', offset: 0n, data: hello.subarray(0, 5) });
  assert.deepEqual([again.offset, again.digest], [5n, digestOf('hello')]);
  await assert.rejects(stream.send({ action: WriteAction.WRITE, ref: 'a', offset: 3n, data: hello }), {
    kind: 'out-of-range',
  });
});

test('a commit whose size or digest lies is failed-precondition and keeps the data', async () => {
  await using rig = await openApi();
  for (const lie of [{ total: 99n }, { expected: digestOf('other') }]) {
    const stream = openWrite(rig);
    await stream.send({ action: WriteAction.WRITE, ref: 'a', data: hello });
    const commit = stream.send({ action: WriteAction.COMMIT, ref: 'a', offset: size, ...lie });
    await assert.rejects(commit, { kind: 'failed-precondition' });
    const { status } = await rig.client.unary(Content.method.status, { ref: 'a' }, inNamespace('blue'));
    assert.equal(status?.offset, size);
  }
  const stream = openWrite(rig);
  const stat = await stream.send({ action: WriteAction.STAT, ref: 'a' });
  assert.equal(stat.offset, size);
  await stream.send({ action: WriteAction.COMMIT, ref: 'a', offset: size, expected: digest, total: size });
});

test('writing what is here is already-exists, drops the ingest, and gives the blob to the lease', async () => {
  await using rig = await openApi();
  await rig.core.metadata.write((tx) => tx.leases.create('blue', { id: 'keep', labels: {}, createdAt: 1n }));
  const leased = inNamespace('blue', 'keep');
  const late = openWrite(rig, leased);
  await late.send({ action: WriteAction.WRITE, ref: 'late', data: hello.subarray(0, 3) });
  await write(rig, 'a', hello);
  const early = openWrite(rig, leased);
  await assert.rejects(early.send({ action: WriteAction.STAT, ref: 'b', expected: digest }), {
    kind: 'already-exists',
  });
  await assert.rejects(late.send({ action: WriteAction.STAT, ref: 'late', expected: digest }), {
    kind: 'already-exists',
  });
  await assert.rejects(rig.client.unary(Content.method.status, { ref: 'late' }, leased), { kind: 'not-found' });
  const resources = rig.core.metadata.read.leaseResources('blue', 'keep');
  assert(resources.some(({ type, id }) => type === 'content' && id === digest));
});

test('a blob of another namespace is linked without its bytes being sent', async () => {
  await using rig = await openApi();
  await write(rig, 'a', hello);
  const stream = openWrite(rig, inNamespace('green'));
  const stat = await stream.send({ action: WriteAction.STAT, ref: 'x', total: size, expected: digest });
  assert.deepEqual([stat.offset, stat.digest], [size, digest]);
  await stream.send({ action: WriteAction.COMMIT, ref: 'x', offset: size, expected: digest, total: size });
  const { info } = await rig.client.unary(Content.method.info, { digest }, inNamespace('green'));
  assert.equal(info?.size, size);
});

test('Abort drops an ingest, and ListStatuses filters by ref', async () => {
  await using rig = await openApi();
  for (const ref of ['layer-1', 'layer-2', 'config']) {
    const stream = openWrite(rig);
    await stream.send({ action: WriteAction.STAT, ref });
    await stream.close();
  }
  const list = async (...filters: string[]): Promise<string[]> =>
    (await rig.client.unary(Content.method.listStatuses, { filters }, inNamespace('blue'))).statuses
      .map(({ ref }) => ref)
      .toSorted();
  assert.deepEqual(await list(), ['config', 'layer-1', 'layer-2']);
  assert.deepEqual(await list('ref~=^layer-'), ['layer-1', 'layer-2']);
  await assert.rejects(list('ref=x'), { kind: 'invalid-argument' });
  await retry(() => rig.client.unary(Content.method.abort, { ref: 'layer-1' }, inNamespace('blue')));
  assert.deepEqual(await list('ref~=^layer-'), ['layer-2']);
  await assert.rejects(rig.client.unary(Content.method.abort, { ref: 'layer-1' }, inNamespace('blue')), {
    kind: 'not-found',
  });
});

test('8 MiB messages are written and read back whole', async () => {
  await using rig = await openApi();
  const part = Buffer.alloc(8 << 20, 'x');
  const stream = openWrite(rig);
  await stream.send({ action: WriteAction.WRITE, ref: 'big', data: part });
  await stream.send({ action: WriteAction.WRITE, ref: 'big', offset: BigInt(part.length), data: part });
  const done = await stream.send({ action: WriteAction.COMMIT, ref: 'big', offset: BigInt(part.length * 2) });
  let total = 0;
  const answers = rig.client.serverStream(Content.method.read, { digest: done.digest }, inNamespace('blue'));
  for await (const { data, offset } of answers) {
    assert.equal(offset, BigInt(total));
    assert(data.length <= 1 << 20);
    total += data.length;
  }
  assert.equal(total, part.length * 2);
});
