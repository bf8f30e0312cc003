import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newsOnly } from '#/cli/ctr/transfer/show-transfer.ts';

test('what a daemon says late of a layer that is done is no news, so that no bar comes back', () => {
  const isNews = newsOnly();
  const said = (event: string, name = 'layer-a'): boolean => isNews({ event, name });
  assert.deepEqual(
    [said('waiting'), said('downloading'), said('downloading'), said('extracted')],
    [true, true, true, true],
  );
  assert.deepEqual([said('already exists'), said('extracted')], [false, false]);
  assert.deepEqual([said('already exists', 'layer-b'), said('extracted', 'layer-b')], [true, true]);
  assert.deepEqual([said('Completed', ''), said('saved', 'image')], [true, true]);
});
