import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate as turn } from 'node:timers/promises';
import { SharedLock } from '#/base/shared-lock.ts';

test('alone() waits for those who share, holds up those who come after, and a failure lets go', async () => {
  const lock = new SharedLock();
  const seen: string[] = [];
  const open = new Map(['a', 'b', 'x', 'y', 'c'].map((name) => [name, Promise.withResolvers<void>()]));
  const work = (name: string) => async (): Promise<void> => {
    seen.push(`${name} begins`);
    await open.get(name)?.promise;
    seen.push(`${name} ends`);
    if (name === 'x') throw new Error('x fails');
  };
  const go = async (name: string): Promise<void> => {
    open.get(name)?.resolve();
    for (let round = 0; round < 5; round++) await turn();
  };
  const all = [lock.share(work('a')), lock.share(work('b')), lock.alone(work('x')), lock.alone(work('y'))];
  all.push(lock.share(work('c')));
  const outcome = Promise.allSettled(all);
  for (const name of ['b', 'a', 'x', 'y', 'c']) await go(name);
  const outcomes = await outcome;
  assert.deepEqual(seen, [
    'a begins',
    'b begins',
    'b ends',
    'a ends',
    'x begins',
    'x ends',
    'y begins',
    'y ends',
    'c begins',
    'c ends',
  ]);
  assert.deepEqual(
    outcomes.map(({ status }) => status === 'fulfilled'),
    [true, true, false, true, true],
  );
});
