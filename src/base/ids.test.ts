import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newContainerId, newToken } from '#/base/ids.ts';

test('newContainerId() is 64 hex digits, unique, and its short form is no number', () => {
  const ids = Array.from({ length: 2000 }, newContainerId);
  assert.equal(new Set(ids).size, ids.length);
  for (const id of ids) {
    assert.match(id, /^[0-9a-f]{64}$/);
    assert.doesNotMatch(id.slice(0, 12), /^\d+$/);
  }
});

test('newToken() is as many random bytes in hex as are asked for', () => {
  assert.match(newToken(), /^[0-9a-f]{16}$/);
  assert.match(newToken(3), /^[0-9a-f]{6}$/);
  assert.notEqual(newToken(), newToken());
});
