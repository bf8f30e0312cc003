import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkLabels } from '#/core/metadata/label-limits.ts';

test('checkLabels() takes 4096 bytes of key and value together, and no more', () => {
  checkLabels({});
  checkLabels({ abcd: 'x'.repeat(4092), empty: '' });
  assert.throws(() => checkLabels({ abcd: 'x'.repeat(4093) }), { kind: 'invalid-argument', message: /"abcd".*4097/ });
});

test('checkLabels() counts bytes, not characters', () => {
  checkLabels({ k: 'ä'.repeat(2047) });
  assert.throws(() => checkLabels({ k: 'ä'.repeat(2048) }), { kind: 'invalid-argument' });
});

test('checkLabels() refuses an empty key and shows little of a long one', () => {
  assert.throws(() => checkLabels({ '': 'x' }), { kind: 'invalid-argument' });
  assert.throws(
    () => checkLabels({ ['k'.repeat(10_000)]: '' }),
    (error: Error) => error.message.length < 300,
  );
});
