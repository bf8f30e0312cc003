import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkLabels } from '#/core/metadata/label-limits.ts';

test('checkLabels() takes 4096 bytes of key and value together, and no more', () => {
  checkLabels('it', {});
  checkLabels('it', { abcd: 'x'.repeat(4092), empty: '' });
  assert.throws(() => checkLabels('it', { abcd: 'x'.repeat(4093) }), {
    kind: 'invalid-argument',
    message: /"abcd".*4097/,
  });
});

test('checkLabels() counts bytes, not characters', () => {
  checkLabels('it', { k: 'ä'.repeat(2047) });
  assert.throws(() => checkLabels('it', { k: 'ä'.repeat(2048) }), { kind: 'invalid-argument' });
});

test('checkLabels() refuses an empty key and shows little of a long one', () => {
  assert.throws(() => checkLabels('it', { '': 'x' }), { kind: 'invalid-argument' });
  assert.throws(
    () => checkLabels('it', { ['k'.repeat(10_000)]: '' }),
    (error: Error) => error.message.length < 300,
  );
});
