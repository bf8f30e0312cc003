import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shareRuns } from '#/core/garbage/share-runs.ts';

test('shareRuns() shares one further run among all who ask during a run', async () => {
  let runs = 0;
  const gates: (() => void)[] = [];
  const collect = shareRuns(async () => {
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

test('shareRuns() runs again after a run that failed', async () => {
  let runs = 0;
  const collect = shareRuns(async () => {
    runs += 1;
    if (runs === 1) throw new Error('once');
    return runs;
  });
  const [first, second] = await Promise.allSettled([collect(), collect()]);
  assert.equal(first.status, 'rejected');
  assert.deepEqual(second, { status: 'fulfilled', value: 2 });
});
