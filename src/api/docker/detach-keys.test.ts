import assert from 'node:assert/strict';
import { test } from 'node:test';
import { detachFilter, detachSequence } from '#/api/docker/detach-keys.ts';

test('detachSequence() reads control keys and plain ones', () => {
  assert.deepEqual([...detachSequence('')], [16, 17]);
  assert.deepEqual([...detachSequence('ctrl-a,x,ctrl-[')], [1, 120, 27]);
  assert.throws(() => detachSequence('ctrl-'), { kind: 'invalid-argument' });
  assert.throws(() => detachSequence('ab'), { kind: 'invalid-argument' });
});

test('detachFilter() finds the sequence over several writes and passes on what is none', () => {
  const filter = detachFilter(detachSequence(''));
  assert.deepEqual(filter.push(Buffer.from('a\x10')), { pass: Buffer.from('a'), detached: false });
  assert.deepEqual(filter.push(Buffer.from('b')), { pass: Buffer.from('\x10b'), detached: false });
  assert.deepEqual(filter.push(Buffer.from('\x10\x10')), { pass: Buffer.from('\x10'), detached: false });
  assert.deepEqual(filter.push(Buffer.from('\x11rest')), { pass: Buffer.from(''), detached: true });
});
