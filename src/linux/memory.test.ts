import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as delay } from 'node:timers/promises';
import { giveMemoryBack, openMemoryKeeper } from '#/linux/memory.ts';

test('giveMemoryBack() returns what was freed to the system', async () => {
  await giveMemoryBack();
  let ballast: Buffer[] = Array.from({ length: 20_000 }, () => Buffer.allocUnsafeSlow(8192).fill(1));
  const full = process.memoryUsage.rss();
  assert.equal(ballast.length, 20_000);
  ballast = [];
  // The collector may still see the list on its stack at the first try.
  const returned = (): number => full - process.memoryUsage.rss();
  for (let tries = 0; tries < 20 && returned() <= 100e6; tries++) {
    await delay(10);
    await giveMemoryBack();
  }
  assert(returned() > 100e6, `${returned()} bytes came back`);
});

test('openMemoryKeeper() acts once after work, never while it goes on', async () => {
  let times = 0;
  using keeper = openMemoryKeeper({ quietMs: 120, onGivenBack: () => void times++ });
  for (let i = 0; i < 10; i++) {
    keeper.touch();
    await delay(25);
  }
  assert.equal(times, 0);
  await delay(400);
  assert.equal(times, 1);
  await delay(300);
  assert.equal(times, 1);
  keeper.touch();
  await delay(400);
  assert.equal(times, 2);
});
