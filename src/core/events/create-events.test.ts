import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createEvents } from '#/core/events/create-events.ts';
import type { Envelope, ForeignEvent } from '#/core/events/contract.ts';

const numbered = (index: number): ForeignEvent => ({
  topic: `/test/${index}`,
  foreign: { typeUrl: 'test', value: new Uint8Array([index]) },
});
const topics = (envelopes: readonly Envelope[]): string[] => envelopes.map(({ event }) => event.topic);

async function take(source: AsyncIterable<Envelope>, count: number): Promise<string[]> {
  const taken: Envelope[] = [];
  for await (const envelope of source) {
    taken.push(envelope);
    if (taken.length === count) break;
  }
  return topics(taken);
}

test('subscribe() gives every subscriber all later events in order', async () => {
  const events = createEvents();
  events.publish('default', numbered(0));
  const { signal } = new AbortController();
  const first = events.subscribe(signal);
  const second = events.subscribe(signal);
  for (let index = 1; index <= 3; index++) events.publish('default', numbered(index));
  assert.deepEqual(await take(first, 3), ['/test/1', '/test/2', '/test/3']);
  assert.deepEqual(await take(second, 3), ['/test/1', '/test/2', '/test/3']);
});

test('publish() stamps with the present time and forward() keeps the time it is given', async () => {
  const events = createEvents({ now: () => 7n });
  const reading = take(events.subscribe(new AbortController().signal), 2);
  events.publish('a', numbered(1));
  events.forward({ timestamp: 3n, namespace: 'b', event: numbered(2) });
  await reading;
  assert.deepEqual(
    events.history(0n).map(({ timestamp, namespace }) => [timestamp, namespace]),
    [
      [7n, 'a'],
      [3n, 'b'],
    ],
  );
});

test('subscribe() ends with resource-exhausted for who falls behind, and the others go on', async () => {
  const events = createEvents({ queueLimit: 3 });
  const { signal } = new AbortController();
  const slow = events.subscribe(signal);
  const fast = events.subscribe(signal)[Symbol.asyncIterator]();
  for (let index = 1; index <= 5; index++) {
    events.publish('default', numbered(index));
    const { value } = (await fast.next()) as IteratorYieldResult<Envelope>;
    assert.equal(value.event.topic, `/test/${index}`);
  }
  const seen: string[] = [];
  await assert.rejects(
    async () => {
      for await (const { event } of slow) seen.push(event.topic);
    },
    { kind: 'resource-exhausted' },
  );
  assert.deepEqual(seen, ['/test/1', '/test/2', '/test/3']);
});

test('subscribe() ends quietly when its signal aborts, also while it waits', { timeout: 5000 }, async () => {
  const events = createEvents();
  const stop = new AbortController();
  const reading = take(events.subscribe(stop.signal), 10);
  events.publish('default', numbered(1));
  await new Promise((resolve) => setImmediate(resolve));
  stop.abort();
  events.publish('default', numbered(2));
  assert.deepEqual(await reading, ['/test/1']);
});

test('subscribe() with an aborted signal is empty', { timeout: 5000 }, async () => {
  const events = createEvents();
  const source = events.subscribe(AbortSignal.abort());
  events.publish('default', numbered(1));
  assert.deepEqual(await take(source, 1), []);
});

test('history() gives the last events since a time, oldest first', () => {
  let time = 0n;
  const events = createEvents({ historyLimit: 4, now: () => ++time });
  for (let index = 1; index <= 6; index++) events.publish('default', numbered(index));
  assert.deepEqual(topics(events.history(0n)), ['/test/3', '/test/4', '/test/5', '/test/6']);
  assert.deepEqual(topics(events.history(5n)), ['/test/5', '/test/6']);
  assert.deepEqual(events.history(7n), []);
});
