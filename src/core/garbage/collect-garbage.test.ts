import assert from 'node:assert/strict';
import { mkdtempDisposable, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { formatTime, now } from '#/base/clock.ts';
import { openContent } from '#/core/content/open-content.ts';
import { createEvents } from '#/core/events/create-events.ts';
import { mountSource } from '#/core/garbage/mount-source.ts';
import { openGarbage } from '#/core/garbage/open-garbage.ts';
import { defaultSchedule } from '#/core/garbage/contract.ts';
import { openMetadata } from '#/core/metadata/open-metadata.ts';
import { openNative } from '#/core/snapshots/native.ts';

const ns = 'default';
const root = { 'containerd.io/gc.root': 'yes' };
const expire = (seconds: bigint) => ({ 'containerd.io/gc.expire': formatTime(now() + seconds * 1_000_000_000n) });

async function openStore() {
  const stack = new AsyncDisposableStack();
  const { path } = stack.use(await mkdtempDisposable(join(tmpdir(), 'garbage-')));
  const metadata = stack.use(await openMetadata({ path: join(path, 'meta.db') }));
  const content = await openContent({ root: join(path, 'content'), metadata });
  const native = stack.use(await openNative({ root: join(path, 'native'), metadata }));
  const events = createEvents();
  const topics: string[] = [];
  const stop = new AbortController();
  const watching = (async () => {
    for await (const { event } of events.subscribe(stop.signal)) topics.push(event.topic);
  })();
  const schedule = { ...defaultSchedule, startupDelay: 0 };
  const parts = { metadata, content, events, snapshotters: new Map([['native', native]]), schedule };
  const garbage = stack.use(openGarbage(parts));
  stack.defer(async () => {
    stop.abort();
    await watching;
  });
  return {
    path,
    metadata,
    content,
    native,
    events,
    topics,
    garbage,
    [Symbol.asyncDispose]: () => stack.disposeAsync(),
  };
}

test('collect() drops what nothing keeps, with its files, and tells of snapshots and images', async () => {
  await using store = await openStore();
  const { content, metadata, native, garbage } = store;
  const lost = await content.put(ns, Buffer.from('lost'));
  const kept = await content.put(ns, Buffer.from('kept'), { labels: root });
  await native.prepare(ns, 'lost', '');
  await native.prepare(ns, 'kept', '', { labels: root });
  const target = { mediaType: 'm', digest: lost.digest, size: 4 };
  await metadata.write((tx) => {
    tx.leases.create(ns, { id: 'old', labels: expire(-1n), createdAt: now() });
    tx.images.create(ns, { name: 'old', target, labels: expire(-1n), createdAt: now(), updatedAt: now() });
  });
  assert.deepEqual(await garbage.collect(), { deleted: [lost.digest], freed: 4 });
  assert.deepEqual(
    content.list(ns).map(({ digest }) => digest),
    [kept.digest],
  );
  assert.deepEqual(await readdir(join(store.path, 'native/snapshots')), [String((await native.stat(ns, 'kept')).id)]);
  assert.deepEqual(metadata.read.leases.list(ns), []);
  assert.deepEqual(store.topics.toSorted(), ['/images/delete', '/snapshot/remove']);
  assert.deepEqual(await garbage.collect(), { deleted: [], freed: 0 });
});

test('collect() gives up uploads whose lease has ended, and those that nobody took up for a day', async () => {
  await using store = await openStore();
  const { content, metadata, garbage } = store;
  for (const [id, labels] of [
    ['kept', {}],
    ['ended', expire(-1n)],
  ] as const)
    await metadata.write((tx) => tx.leases.create(ns, { id, labels, createdAt: now() }));
  const open = async (ref: string, lease?: string) => {
    const ingest = await content.openIngest(ns, lease === undefined ? { ref } : { ref, lease });
    await ingest.write(Buffer.from('12345'));
    return ingest;
  };
  for (const ref of ['kept', 'ended', 'stale', 'fresh'])
    await (await open(ref, ref === 'kept' || ref === 'ended' ? ref : undefined))[Symbol.asyncDispose]();
  await using held = await open('held', 'ended');
  await metadata.write((tx) => tx.ingests.update(ns, { ...tx.ingests.get(ns, 'stale'), expiresAt: 1n }));
  await garbage.collect();
  const left = (await content.listIngests(ns)).map(({ ref }) => ref);
  assert.deepEqual(left, ['fresh', 'kept']);
  assert.equal((await readdir(join(store.path, 'content/ingest'))).length, 2);
  await assert.rejects(held.commit(), { kind: 'aborted' });
});

test('an upload lives another day each time that it is taken up without a lease', async () => {
  await using store = await openStore();
  const { content, metadata } = store;
  const expiry = async (lease?: string): Promise<bigint> => {
    await using _ingest = await content.openIngest(ns, { ref: 'r', ...(lease === undefined ? {} : { lease }) });
    return metadata.read.ingests.get(ns, 'r').expiresAt;
  };
  await metadata.write((tx) => tx.leases.create(ns, { id: 'l', labels: {}, createdAt: now() }));
  assert.equal(await expiry('l'), 0n);
  const first = await expiry();
  assert(first > now());
  assert((await expiry()) > first);
});

test('a deletion leads to a collection of its own accord', async () => {
  await using store = await openStore();
  const { content, metadata } = store;
  await store.garbage.collect();
  await content.put(ns, Buffer.from('lost'));
  await metadata.write((tx) => tx.leases.create(ns, { id: 'l', labels: {}, createdAt: now() }));
  await metadata.write((tx) => tx.leases.delete(ns, 'l'));
  const gone = async (): Promise<void> => {
    while (content.list(ns).length > 0) await new Promise((resolve) => setTimeout(resolve, 10));
  };
  await gone();
});

test('what was planned when collect() is called is done by it, and not done again', async () => {
  await using store = await openStore();
  const { metadata, content, events } = store;
  const schedule = { ...defaultSchedule, startupDelay: 300 };
  await using garbage = openGarbage({ metadata, content, events, snapshotters: new Map(), schedule });
  await garbage.collect();
  const { digest } = await content.put(ns, Buffer.from('held by nothing, written later'));
  await delay(600); // twice as long as the planned one would have waited
  assert.notEqual(content.find(ns, digest), undefined);
  await garbage.collect();
  assert.equal(content.find(ns, digest), undefined);
});

test('collect() takes down active mounts that no lease, container or label keeps', async () => {
  await using store = await openStore();
  const { metadata, garbage } = store;
  const mount = (name: string, lease: string, labels: Record<string, string>, complete = true) => ({
    name,
    lease,
    labels,
    complete,
    id: 1,
    active: [],
    system: [],
    createdAt: 1n,
    updatedAt: 1n,
  });
  const spec = { typeUrl: 's', value: new Uint8Array() };
  const plain = {
    image: '',
    runtime: { name: 'r' },
    spec,
    snapshotter: '',
    snapshotKey: '',
    extensions: {},
    sandbox: '',
  };
  await metadata.write((tx) => {
    tx.leases.create(ns, { id: 'l', labels: {}, createdAt: 1n });
    tx.containers.create(ns, { ...plain, id: 'c', labels: {}, createdAt: 1n, updatedAt: 1n });
    tx.containers.create(ns, {
      ...plain,
      id: 'd',
      createdAt: 1n,
      updatedAt: 1n,
      labels: { 'containerd.io/gc.ref.mount.x': 'named' },
    });
    tx.mounts.create(ns, mount('leased', 'l', {}));
    tx.mounts.create(ns, mount('used', '', { 'containerd.io/gc.bref.container': 'c' }));
    tx.mounts.create(ns, mount('named', '', {}));
    tx.mounts.create(ns, mount('starting', '', {}, false));
    tx.mounts.create(ns, mount('lost', '', { 'containerd.io/gc.bref.container': 'gone' }));
  });
  const down: string[] = [];
  garbage.addSource(mountSource(metadata, async (namespace, name) => void down.push(`${namespace}/${name}`)));
  await garbage.collect();
  assert.deepEqual(down, ['default/lost']);
});
