import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBind, tmpfsMount } from '#/engine/parse-bind.ts';

test('parseBind() reads source, destination and options', () => {
  assert.deepEqual(parseBind('/a/../b:/c/'), { source: '/b', destination: '/c', options: ['rbind', 'rw', 'rprivate'] });
  assert.deepEqual(parseBind('/a:/c:ro,rslave,z').options, ['rbind', 'ro', 'rslave']);
});

test('parseBind() refuses what berth does not do, and what makes no sense', () => {
  assert.throws(() => parseBind('data:/c'), { kind: 'invalid-argument', message: /named volumes/ });
  assert.throws(() => parseBind('/data'), { kind: 'invalid-argument', message: /anonymous volumes/ });
  assert.throws(() => parseBind('/a:/'), { kind: 'invalid-argument' });
  assert.throws(() => parseBind('/a:b'), { kind: 'invalid-argument', message: /absolute/ });
  assert.throws(() => parseBind('/a:/b:fast'), { kind: 'invalid-argument', message: /"fast"/ });
  assert.throws(() => parseBind('/a:/b:ro:x'), { kind: 'invalid-argument' });
  assert.throws(() => parseBind('/a\0:/b'), { kind: 'invalid-argument' });
});

test('tmpfsMount() passes on sizes and modes and nothing that is no option of tmpfs', () => {
  assert.deepEqual(tmpfsMount('/t', 'size=64m,mode=1777,exec').options, [
    'nosuid',
    'nodev',
    'size=64m',
    'mode=1777',
    'exec',
  ]);
  assert.throws(() => tmpfsMount('/t', 'lowerdir=/etc'), { kind: 'invalid-argument' });
  assert.throws(() => tmpfsMount('t', ''), { kind: 'invalid-argument' });
});
