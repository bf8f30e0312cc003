import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { BoundedQueue } from '#/base/bounded-queue.ts';

async function readAll<T>(queue: BoundedQueue<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of queue) items.push(item);
  return items;
}

test('offer() takes items up to the limit and says when there is no room', async () => {
  const queue = new BoundedQueue<number>(2);
  assert.deepEqual([queue.offer(1), queue.offer(2), queue.offer(3)], [true, true, false]);
  assert.equal(queue.size, 2);
  queue.close();
  assert.equal(queue.offer(4), false);
  assert.deepEqual(await readAll(queue), [1, 2]);
});

test('push() waits for room, and the order is kept', { timeout: 5000 }, async () => {
  const queue = new BoundedQueue<number>(1);
  const writing = (async () => {
    for (let item = 0; item < 5; item++) assert(await queue.push(item));
    queue.close();
  })();
  await turn();
  assert.equal(queue.size, 1);
  assert.deepEqual(await readAll(queue), [0, 1, 2, 3, 4]);
  await writing;
});

test('push() keeps the order of several writers that wait', { timeout: 5000 }, async () => {
  const queue = new BoundedQueue<number>(1);
  const writing = [0, 1, 2, 3].map((item) => queue.push(item));
  void Promise.all(writing).then(() => queue.close());
  assert.deepEqual(await readAll(queue), [0, 1, 2, 3]);
});

test('close() lets waiting writers go with false, and the reader read what was taken', { timeout: 5000 }, async () => {
  const queue = new BoundedQueue<number>(1);
  queue.offer(1);
  const waiting = queue.push(2);
  queue.close();
  assert.equal(await waiting, false);
  assert.equal(await queue.push(3), false);
  assert.deepEqual(await readAll(queue), [1]);
});

test('close() with a failure throws it at the reader after the last item', { timeout: 5000 }, async () => {
  const queue = new BoundedQueue<number>(4);
  queue.offer(1);
  queue.close(new Error('broken'));
  const seen: number[] = [];
  await assert.rejects(async () => {
    for await (const item of queue) seen.push(item);
  }, /broken/);
  assert.deepEqual(seen, [1]);
});

test('a reader that leaves closes the queue', { timeout: 5000 }, async () => {
  const queue = new BoundedQueue<number>(1);
  queue.offer(1);
  const waiting = queue.push(2);
  for await (const item of queue) {
    assert.equal(item, 1);
    break;
  }
  assert.equal(await queue.push(3), false);
  await waiting;
});

test('a waiting reader is woken by an item and by the end', { timeout: 5000 }, async () => {
  const queue = new BoundedQueue<string>(1);
  const reading = readAll(queue);
  await turn();
  queue.offer('late');
  await turn();
  queue.close();
  assert.deepEqual(await reading, ['late']);
});
