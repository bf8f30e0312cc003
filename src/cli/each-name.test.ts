import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EngineError } from '#/base/errors.ts';
import { eachName } from '#/cli/each-name.ts';
import type { Output } from '#/cli/output.ts';

function recorder(lines: string[], prefix: string): Output {
  return { line: (text) => void lines.push(prefix + text), text: () => {}, write: async () => {} };
}

test('eachName() reports in the order given, tells failures and goes on', async () => {
  const lines: string[] = [];
  const context = { out: recorder(lines, ''), err: recorder(lines, 'error: ') };
  const code = await eachName(context, ['slow', 'bad', 'ugly', 'quiet', 'good'], async (name) => {
    if (name === 'slow') await new Promise((resolve) => setTimeout(resolve, 20));
    if (name === 'bad') throw new EngineError('not-found', 'Error response from daemon: No such container: bad');
    if (name === 'ugly') throw new Error('ugly broke');
    return name === 'quiet' ? undefined : name;
  });
  assert.equal(code, 1);
  assert.deepEqual(lines, [
    'slow',
    'error: Error response from daemon: No such container: bad',
    'error: berth: ugly broke',
    'good',
  ]);
});

test('eachName() does many at once, but not all', async () => {
  const lines: string[] = [];
  let running = 0;
  let most = 0;
  const names = Array.from({ length: 60 }, (_, at) => `c${at}`);
  const code = await eachName({ out: recorder(lines, ''), err: recorder(lines, '') }, names, async (name) => {
    most = Math.max(most, ++running);
    await new Promise((resolve) => setTimeout(resolve, 2));
    running--;
    return name;
  });
  assert.equal(code, 0);
  assert.deepEqual(lines, names);
  assert(most > 4 && most <= 16, `${most} at once`);
});
