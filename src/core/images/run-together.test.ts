import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { allOrStop, Slots } from '#/core/images/run-together.ts';

test('Slots.run() lets no more than its limit work at once, in order', async () => {
  const slots = new Slots(2);
  const { signal } = new AbortController();
  const started: number[] = [];
  let busy = 0;
  let most = 0;
  await Promise.all(
    [0, 1, 2, 3, 4].map((index) =>
      slots.run(signal, async () => {
        started.push(index);
        busy += 1;
        most = Math.max(most, busy);
        await sleep(5);
        busy -= 1;
      }),
    ),
  );
  assert.equal(most, 2);
  assert.deepEqual(started, [0, 1, 2, 3, 4]);
});

test('Slots.run() starts nothing after the abort, and gives its places back', async () => {
  const slots = new Slots(1);
  const stop = new AbortController();
  const first = slots.run(stop.signal, async () => await sleep(10));
  const second = slots.run(stop.signal, async () => assert.fail('it was started'));
  stop.abort();
  await first;
  await assert.rejects(second, { name: 'AbortError' });
  assert.equal(await slots.run(new AbortController().signal, async () => 7), 7);
});

test('allOrStop() aborts the others by the first failure, waits for them, and throws it', async () => {
  const stop = new AbortController();
  let ended = false;
  const patient = async (): Promise<void> => {
    await sleep(1000, undefined, { signal: stop.signal }).catch(() => sleep(20));
    ended = true;
  };
  const failing = async (): Promise<void> => {
    await sleep(5);
    throw new Error('first');
  };
  await assert.rejects(allOrStop([patient(), failing()], stop), /first/);
  assert.equal(ended, true);
});
