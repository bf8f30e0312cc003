import assert from 'node:assert/strict';
import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { EngineError } from '#/base/errors.ts';
import { silentLogger } from '#/base/log.ts';
import { createChangeJournal } from '#/core/metadata/change-journal.ts';
import type { DiskReserve } from '#/core/metadata/disk-reserve.ts';
import type { LogDisk } from '#/core/metadata/log-disk.ts';
import { createMetadataFile, openDatabase } from '#/core/metadata/open-database.ts';
import { createReader, createTransaction } from '#/core/metadata/transaction.ts';
import { WriteQueue } from '#/core/metadata/write-queue.ts';

/** A disk whose syncs end when the test says so. */
function heldDisk() {
  const syncs: PromiseWithResolvers<void>[] = [];
  const folds: PromiseWithResolvers<boolean>[] = [];
  const held = <T>(list: PromiseWithResolvers<T>[]) => {
    const entry = Promise.withResolvers<T>();
    list.push(entry);
    return entry.promise;
  };
  const state = { logLength: 1 };
  const disk: LogDisk = {
    syncLog: () => held(syncs),
    logLength: () => state.logLength,
    fold: () => held(folds),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
  return { disk, syncs, folds, state };
}

const noReserve: DiskReserve = { give: () => false, [Symbol.asyncDispose]: () => Promise.resolve() };

async function openQueue() {
  const undo = new AsyncDisposableStack();
  const dir = undo.use(await mkdtempDisposable(join(tmpdir(), 'queue-')));
  const path = join(dir.path, 'meta.db');
  await createMetadataFile(path);
  const database = undo.use(openDatabase(path));
  const held = heldDisk();
  const journal = createChangeJournal(database);
  const transaction = createTransaction(database, journal);
  const queue = new WriteQueue({
    database,
    disk: held.disk,
    reserve: noReserve,
    journal,
    transaction,
    logger: silentLogger,
  });
  const add = (id: string): Promise<string> =>
    queue.write((tx) => {
      tx.leases.create('n', { id, labels: {}, createdAt: 1n });
      return id;
    });
  return { ...held, queue, add, path, read: createReader(database), [Symbol.asyncDispose]: () => undo.disposeAsync() };
}

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

function watch<T>(promise: Promise<T>): { state: 'waiting' | 'done' | 'failed' } {
  const watched: { state: 'waiting' | 'done' | 'failed' } = { state: 'waiting' };
  promise.then(
    () => (watched.state = 'done'),
    () => (watched.state = 'failed'),
  );
  return watched;
}

test('write() is visible at once and resolves only after the sync', async () => {
  await using parts = await openQueue();
  const written = watch(parts.add('a'));
  assert(parts.read.leases.find('n', 'a') !== undefined);
  await turn();
  assert.equal(written.state, 'waiting');
  parts.syncs[0]?.resolve();
  await turn();
  assert.equal(written.state, 'done');
});

test('write() shares one sync among all commits that wait, and gives none a sync that began before it', async () => {
  await using parts = await openQueue();
  const first = watch(parts.add('a'));
  const others = ['b', 'c', 'd'].map((id) => watch(parts.add(id)));
  parts.syncs[0]?.resolve();
  await turn();
  assert.equal(first.state, 'done');
  assert.deepEqual(
    others.map(({ state }) => state),
    ['waiting', 'waiting', 'waiting'],
  );
  assert.equal(parts.syncs.length, 2);
  parts.syncs[1]?.resolve();
  await turn();
  assert.deepEqual(
    others.map(({ state }) => state),
    ['done', 'done', 'done'],
  );
  assert.equal(parts.syncs.length, 2);
});

test('onChange() hears of each write after its sync, in order, before the writer does', async () => {
  await using parts = await openQueue();
  const heard: string[] = [];
  const stop = parts.queue.onChange((changes) => heard.push(changes.map(({ id, op }) => `${op} ${id}`).join(', ')));
  const stopThrowing = parts.queue.onChange(() => {
    throw new Error('a listener that fails');
  });
  const done = [parts.add('a'), parts.add('b')].map((promise) => promise.then((id) => heard.push(`told ${id}`)));
  await turn();
  assert.deepEqual(heard, []);
  parts.syncs[0]?.resolve();
  await turn();
  parts.syncs[1]?.resolve();
  await Promise.all(done);
  assert.deepEqual(heard, ['create n, create a', 'told a', 'create b', 'told b']);
  stop();
  stopThrowing();
  const last = parts.add('c');
  parts.syncs[2]?.resolve();
  await last;
  assert.equal(heard.length, 4);
});

test('write() fails for all once a sync has failed', async () => {
  await using parts = await openQueue();
  const heard: unknown[] = [];
  parts.queue.onChange((changes) => heard.push(changes));
  const first = parts.add('a');
  const second = parts.add('b');
  parts.syncs[0]?.reject(new EngineError('resource-exhausted', 'no space'));
  await assert.rejects(first, { kind: 'resource-exhausted' });
  await assert.rejects(second, { kind: 'resource-exhausted' });
  await assert.rejects(parts.add('c'), { kind: 'unavailable', message: /no space.*restart berthd/ });
  assert.deepEqual(heard, []);
  await parts.queue.close();
});

test('write() waits while the log is folded, and the commits before it are durable first', async () => {
  await using parts = await openQueue();
  const before = watch(parts.add('a'));
  const beside = watch(parts.add('b'));
  parts.state.logLength = 10_000;
  parts.syncs[0]?.resolve();
  await turn();
  assert.equal(before.state, 'done');
  assert.equal(parts.folds.length, 0, 'the log may not be folded before "b" is synced');
  const during = watch(parts.add('c'));
  assert.equal(parts.read.leases.find('n', 'c'), undefined);
  parts.syncs[1]?.resolve();
  await turn();
  assert.equal(beside.state, 'done');
  assert.equal(parts.folds.length, 1);
  assert.equal(parts.read.leases.find('n', 'c'), undefined);
  parts.state.logLength = 1;
  parts.folds[0]?.resolve(true);
  await turn();
  assert(parts.read.leases.find('n', 'c') !== undefined);
  assert.equal(during.state, 'waiting');
  parts.syncs[2]?.resolve();
  await turn();
  assert.equal(during.state, 'done');
});

test('write() goes on when the log could not be folded, and does not try again at once', async () => {
  await using parts = await openQueue();
  parts.state.logLength = 600;
  for (const [index, id] of ['a', 'b'].entries()) {
    const written = parts.add(id);
    parts.syncs[index]?.resolve();
    await turn();
    parts.folds[0]?.resolve(false);
    await written;
    await turn();
  }
  assert.equal(parts.folds.length, 1);
});

test('write() refuses more than its limit of waiting writes', async () => {
  await using parts = await openQueue();
  parts.state.logLength = 10_000;
  const first = parts.add('a');
  parts.syncs[0]?.resolve();
  await first;
  await turn();
  const waiting = Array.from({ length: 10_000 }, (_, index) => watch(parts.add(`w${index}`)));
  await assert.rejects(parts.add('one too many'), { kind: 'resource-exhausted' });
  parts.folds[0]?.reject(new EngineError('data-loss', 'the end'));
  await turn();
  assert(waiting.every(({ state }) => state === 'failed'));
});

test('close() lets what was taken become durable and takes nothing more', async () => {
  await using parts = await openQueue();
  const written = parts.add('a');
  const closed = watch(parts.queue.close());
  await assert.rejects(parts.add('b'), { kind: 'unavailable' });
  await turn();
  assert.equal(closed.state, 'waiting');
  parts.syncs[0]?.resolve();
  await written;
  await turn();
  assert.equal(closed.state, 'done');
});

test('write() runs a write that was asked for inside another one after it', async () => {
  await using parts = await openQueue();
  let inner: Promise<string> | undefined;
  const outer = parts.queue.write((tx) => {
    inner = parts.add('inner');
    assert.equal(tx.leases.find('n', 'inner'), undefined);
    tx.leases.create('n', { id: 'outer', labels: {}, createdAt: 1n });
  });
  parts.syncs[0]?.resolve();
  await Promise.all([outer, inner]);
  assert.deepEqual(
    parts.read.leases.list('n').map(({ id }) => id),
    ['inner', 'outer'],
  );
});

test('write() refuses an asynchronous change, and a transaction kept beyond its end', async () => {
  await using parts = await openQueue();
  await assert.rejects(
    parts.queue.write(async (tx) => {
      tx.leases.create('n', { id: 'a', labels: {}, createdAt: 1n });
      await turn();
    }),
    { kind: 'internal' },
  );
  assert.equal(parts.read.leases.find('n', 'a'), undefined);
  const kept = parts.queue.write((tx) => tx);
  parts.syncs[0]?.resolve();
  const tx = await kept;
  assert.throws(() => tx.leases.create('n', { id: 'a', labels: {}, createdAt: 1n }), { kind: 'internal' });
  assert.throws(() => tx.nextNumber('x'), { kind: 'internal' });
  assert.equal(parts.read.findNamespace('n'), undefined);
});

test('write() that need not be durable resolves at its commit, and the next durable one takes it along', async () => {
  await using q = await openQueue();
  const soft = watch(
    q.queue.write((tx) => tx.leases.create('n', { id: 'soft', labels: {}, createdAt: 1n }), { durable: false }),
  );
  await turn();
  assert.equal(soft.state, 'done');
  assert.equal(q.syncs.length, 0);
  assert.equal(q.read.leases.get('n', 'soft').id, 'soft');
  const hard = watch(q.add('hard'));
  await turn();
  assert.deepEqual([q.syncs.length, hard.state], [1, 'waiting']);
  q.syncs[0]?.resolve();
  await turn();
  assert.equal(hard.state, 'done');
});

test('write() that nobody waits for is synced a little later all the same', async () => {
  await using q = await openQueue();
  await q.queue.write((tx) => tx.leases.create('n', { id: 'soft', labels: {}, createdAt: 1n }), { durable: false });
  for (let tries = 0; q.syncs.length === 0; tries++) {
    assert(tries < 500, 'no sync came');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  q.syncs[0]?.resolve();
});
