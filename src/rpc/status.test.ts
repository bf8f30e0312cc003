import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ErrorKind } from '#/base/errors.ts';
import { EngineError } from '#/base/errors.ts';
import { decodeStatusText, encodeStatusText, formatGrpcTimeout, parseGrpcTimeout } from '#/rpc/grpc-metadata.ts';
import { errorOfStatus, statusOf } from '#/rpc/status.ts';

const kinds: readonly ErrorKind[] = [
  'invalid-argument',
  'not-found',
  'already-exists',
  'failed-precondition',
  'conflict',
  'not-modified',
  'permission-denied',
  'unauthenticated',
  'resource-exhausted',
  'out-of-range',
  'aborted',
  'unimplemented',
  'unavailable',
  'deadline-exceeded',
  'cancelled',
  'data-loss',
  'internal',
  'unknown',
];

test('statusOf() and errorOfStatus() are each other’s opposite for every kind', () => {
  for (const kind of kinds) {
    const back = errorOfStatus(statusOf(new EngineError(kind, 'Cannot do it')));
    assert.equal(back.kind, kind);
    assert.equal(back.message, 'Cannot do it');
  }
});

test('statusOf() ends with the class text once, and tells causes', () => {
  assert.deepEqual(statusOf(new EngineError('not-found', 'Cannot get "x"')), {
    code: 5,
    message: 'Cannot get "x": not found',
  });
  assert.equal(
    statusOf(new EngineError('not-found', 'process already gone: not found')).message,
    'process already gone: not found',
  );
  assert.equal(statusOf(new EngineError('internal', 'a', { cause: new Error('b') })).message, 'a: b');
  assert.deepEqual(statusOf(new TypeError('oops')), { code: 2, message: 'oops' });
  assert.deepEqual(statusOf('thrown text'), { code: 2, message: 'thrown text' });
});

test('errorOfStatus() of an unknown code is unknown, and an empty message says the kind', () => {
  assert.equal(errorOfStatus({ code: 99, message: 'x' }).kind, 'unknown');
  assert.equal(errorOfStatus({ code: 5, message: '' }).message, 'not-found');
});

test('status texts survive percent-encoding, whatever is in them', () => {
  for (const text of ['plain', '100 %', 'ünïcödé ✓ 🛳', 'line\nbreak\ttab', '%41', ''])
    assert.equal(decodeStatusText(encodeStatusText(text)), text);
  assert.equal(encodeStatusText('a%b'), 'a%25b');
  assert.equal(decodeStatusText('bad %G1 stays'), 'bad %G1 stays');
  assert.match(encodeStatusText('half \ud83d'), /^half %EF%BF%BD$/);
  assert(encodeStatusText('x'.repeat(100_000)).length < 5000);
});

test('parseGrpcTimeout() reads every unit and refuses the rest', () => {
  assert.equal(parseGrpcTimeout('2H'), 7_200_000);
  assert.equal(parseGrpcTimeout('3S'), 3000);
  assert.equal(parseGrpcTimeout('5m'), 5);
  assert.equal(parseGrpcTimeout('1000u'), 1);
  for (const bad of ['', '5', 'm', '123456789S', '-1S', '1.5S', '5x']) assert.throws(() => parseGrpcTimeout(bad));
  assert.equal(parseGrpcTimeout(formatGrpcTimeout(1500)), 1500);
  assert.equal(formatGrpcTimeout(1e12), '99999999S');
});
