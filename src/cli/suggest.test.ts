import assert from 'node:assert/strict';
import { test } from 'node:test';
import { editDistance, suggest } from '#/cli/suggest.ts';

test('editDistance() counts changes, and a swap as one', () => {
  assert.equal(editDistance('pull', 'pull'), 0);
  assert.equal(editDistance('plul', 'pull'), 1);
  assert.equal(editDistance('pul', 'pull'), 1);
  assert.equal(editDistance('', 'abc'), 3);
});

test('suggest() names the nearest candidate, or none when all are far', () => {
  const names = ['pull', 'push', 'ps', 'images'];
  assert.equal(suggest('imges', names), 'images');
  assert.equal(suggest('psuh', names), 'push');
  assert.equal(suggest('frobnicate', names), undefined);
});
