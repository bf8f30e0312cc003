import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { KeyedMutex } from '#/base/keyed-mutex.ts';

test('run() lets one holder of a key in at a time, in the order of asking', async () => {
  const mutex = new KeyedMutex();
  const seen: string[] = [];
  const work = (name: string) => async (): Promise<string> => {
    seen.push(`+${name}`);
    await turn();
    seen.push(`-${name}`);
    return name;
  };
  const results = await Promise.all(['a', 'b', 'c'].map((name) => mutex.run('key', work(name))));
  assert.deepEqual(results, ['a', 'b', 'c']);
  assert.deepEqual(seen, ['+a', '-a', '+b', '-b', '+c', '-c']);
});

test('run() does not make different keys wait for each other', async () => {
  const mutex = new KeyedMutex();
  const held = Promise.withResolvers<void>();
  const first = mutex.run('a', () => held.promise);
  assert.equal(await mutex.run('b', () => Promise.resolve('free')), 'free');
  held.resolve();
  await first;
});

test('run() gives the key on after a failure, and keeps nothing of a free key', async () => {
  const mutex = new KeyedMutex();
  const failing = mutex.run('key', () => Promise.reject(new Error('no')));
  const next = mutex.run('key', () => Promise.resolve(1));
  assert(mutex.isHeld('key'));
  await assert.rejects(failing, /no/);
  assert.equal(await next, 1);
  await assert.rejects(
    mutex.run('key', () => {
      throw new Error('thrown at once');
    }),
    /thrown at once/,
  );
  assert(!mutex.isHeld('key'));
});
