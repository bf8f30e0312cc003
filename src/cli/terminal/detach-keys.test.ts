import assert from 'node:assert/strict';
import { test } from 'node:test';
import { defaultDetachKeys, DetachScanner, parseDetachKeys } from '#/cli/terminal/detach-keys.ts';

test('parseDetachKeys() reads control keys and letters', () => {
  assert.deepEqual([...parseDetachKeys(defaultDetachKeys)], [16, 17]);
  assert.deepEqual([...parseDetachKeys('ctrl-@,ctrl-[,ctrl-A,x')], [0, 27, 1, 120]);
  for (const words of ['', 'ctrl-', 'ctrl-1', 'ab', 'a,,b', Array.from({ length: 17 }, () => 'a').join(',')])
    assert.throws(() => parseDetachKeys(words), { name: 'UsageError' });
});

function scan(keys: string, typed: readonly string[]): [string, boolean] {
  const scanner = new DetachScanner(Buffer.from(keys));
  let forward = '';
  for (const part of typed) {
    const scanned = scanner.push(Buffer.from(part));
    forward += scanned.forward.toString();
    if (scanned.detached) return [forward, true];
  }
  return [forward, false];
}

test('DetachScanner finds the keys however they arrive, and keeps what follows to itself', () => {
  assert.deepEqual(scan('PQ', ['abPQc']), ['ab', true]);
  assert.deepEqual(scan('PQ', ['abP', 'Q']), ['ab', true]);
  assert.deepEqual(scan('x', ['x']), ['', true]);
});

test('DetachScanner sends a beginning on once it is none', () => {
  assert.deepEqual(scan('PQ', ['P', 'a']), ['Pa', false]);
  assert.deepEqual(scan('PQ', ['PPQ']), ['P', true]);
  assert.deepEqual(scan('PQ', ['P']), ['', false]);
  assert.deepEqual(scan('PQR', ['PQPQR']), ['PQ', true]);
});
