import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { formatTime, now } from '#/base/clock.ts';
import { createCollector } from '#/core/images/collect-garbage.ts';
import { openStore, topicsOf } from '#/core/images/images.fixture.ts';

const ns = 'default';

test('collectGarbage() drops what nothing keeps, with its files, and tells of it', async () => {
  await using store = await openStore();
  const { content, metadata, overlay, images } = store;
  const lost = await content.put(ns, Buffer.from('lost'));
  const kept = await content.put(ns, Buffer.from('kept'), { labels: { 'containerd.io/gc.root': 'yes' } });
  await overlay.prepare(ns, 'lost', '');
  await overlay.prepare(ns, 'kept', '', { labels: { 'containerd.io/gc.root': 'yes' } });
  const expired = { 'containerd.io/gc.expire': formatTime(now() - 1_000_000_000n) };
  await metadata.write((tx) => tx.leases.create(ns, { id: 'old', labels: expired, createdAt: now() }));
  const collected = await images.collectGarbage();
  assert.deepEqual(collected, { deleted: [lost.digest], freed: 4 });
  assert.deepEqual(
    content.list(ns).map(({ digest }) => digest),
    [kept.digest],
  );
  assert.deepEqual(
    (await overlay.list(ns)).map(({ key }) => key),
    ['kept'],
  );
  assert.deepEqual(await readdir(join(overlay.root, 'snapshots')), [String((await overlay.stat(ns, 'kept')).id)]);
  assert.deepEqual(metadata.read.leases.list(ns), []);
  assert.deepEqual(topicsOf(store), ['/snapshot/remove', '/content/delete']);
  assert.deepEqual(await images.collectGarbage(), { deleted: [], freed: 0 });
});

test('createCollector() shares one further run among all who ask during a run', async () => {
  let runs = 0;
  const gates: (() => void)[] = [];
  const collect = createCollector(async () => {
    runs += 1;
    await new Promise<void>((resolve) => gates.push(resolve));
    return runs;
  });
  const open = async (): Promise<void> => {
    await new Promise((resolve) => setImmediate(resolve));
    gates.shift()?.();
  };
  const first = collect();
  const later = [collect(), collect(), collect()];
  await open();
  assert.equal(await first, 1);
  await open();
  assert.deepEqual(await Promise.all(later), [2, 2, 2]);
  const last = collect();
  await open();
  assert.equal(await last, 3);
});

test('createCollector() runs again after a run that failed', async () => {
  let runs = 0;
  const collect = createCollector(async () => {
    runs += 1;
    if (runs === 1) throw new Error('once');
    return runs;
  });
  const [first, second] = await Promise.allSettled([collect(), collect()]);
  assert.equal(first.status, 'rejected');
  assert.deepEqual(second, { status: 'fulfilled', value: 2 });
});
