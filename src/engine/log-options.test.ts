import assert from 'node:assert/strict';
import { test } from 'node:test';
import { logOptionsOf } from '#/engine/log-options.ts';

const read = (Config: Record<string, string>): unknown => logOptionsOf({ Type: 'json-file', Config });

test('logOptionsOf() reads sizes in thousands, and buffers in 1024s as Docker does', () => {
  assert.deepEqual(read({}), { maxSize: 0, maxFiles: 1 });
  assert.deepEqual(read({ 'max-size': '10m', 'max-file': '3' }), { maxSize: 10_000_000, maxFiles: 3 });
  assert.deepEqual(read({ 'max-size': '1.5KiB' }), { maxSize: 1500, maxFiles: 1 });
  assert.deepEqual(read({ mode: 'blocking' }), { maxSize: 0, maxFiles: 1 });
  assert.deepEqual(read({ mode: 'non-blocking' }), { maxSize: 0, maxFiles: 1, maxBuffer: 1_000_000 });
  assert.deepEqual(read({ mode: 'non-blocking', 'max-buffer-size': '4m' }), {
    maxSize: 0,
    maxFiles: 1,
    maxBuffer: 4 << 20,
  });
});

test('logOptionsOf() refuses by name what Docker refuses, and what berth has not', () => {
  for (const [option, text] of [
    ['mode', 'sometimes'],
    ['max-buffer-size', '1m'],
    ['max-size', '-1'],
    ['max-size', '0'],
    ['max-size', 'big'],
    ['max-file', '0'],
    ['compress', 'true'],
  ] as const)
    assert.throws(() => read({ [option]: text }), { kind: 'invalid-argument', message: new RegExp(option) }, option);
  for (const size of ['x', '2g'])
    assert.throws(() => read({ mode: 'non-blocking', 'max-buffer-size': size }), { kind: 'invalid-argument' }, size);
  assert.throws(() => logOptionsOf({ Type: 'none', Config: { 'max-size': '1m' } }), { message: /none driver/ });
  assert.throws(() => logOptionsOf({ Type: 'syslog', Config: {} }), { message: /log driver "syslog"/ });
});
