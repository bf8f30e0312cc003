import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { describeFailure, EngineError, errnoOf, isKind, kindOf, messageOf } from '#/base/errors.ts';

test('kindOf() knows errors of berth, aborts and time limits, and calls the rest unknown', () => {
  assert.equal(kindOf(new EngineError('not-found', 'x')), 'not-found');
  assert.equal(kindOf(AbortSignal.abort().reason), 'cancelled');
  assert.equal(kindOf(new DOMException('late', 'TimeoutError')), 'deadline-exceeded');
  assert.equal(kindOf(new Error('x')), 'unknown');
  assert.equal(kindOf('text'), 'unknown');
  assert.equal(kindOf(undefined), 'unknown');
  assert(isKind(new EngineError('conflict', 'x'), 'conflict') && !isKind(new Error('x'), 'conflict'));
});

test('messageOf() adds the causes that say something new', () => {
  const cause = new Error('no such host');
  assert.equal(messageOf(new Error('Cannot pull "x"', { cause })), 'Cannot pull "x": no such host');
  assert.equal(messageOf(new Error('Cannot pull "x": no such host', { cause })), 'Cannot pull "x": no such host');
  assert.equal(messageOf(new Error('a', { cause: new Error('b', { cause: 'c' }) })), 'a: b: c');
  assert.equal(messageOf(new Error('a', { cause: { code: 'b' } })), 'a');
  assert.equal(messageOf('text'), 'text');
});

test('errnoOf() names the errno of a failed system call', async () => {
  const failure: unknown = await readFile('/nonexistent/x').catch((error: unknown) => error);
  assert.equal(errnoOf(failure), 'ENOENT');
  assert.equal(errnoOf(new Error('x')), undefined);
  assert.equal(errnoOf({ code: 'ENOENT' }), undefined);
});

test('describeFailure() says what was tried and keeps kind and cause', () => {
  const cause = new EngineError('unavailable', 'the registry is down');
  const described = describeFailure('Cannot pull "busybox"', cause);
  assert.equal(described.message, 'Cannot pull "busybox": the registry is down');
  assert.equal(described.kind, 'unavailable');
  assert.equal(described.cause, cause);
});

test('kindOf() and messageOf() of a failure whose undo failed too tell both, the first one first', async () => {
  const failing = async (): Promise<void> => {
    await using undo = new AsyncDisposableStack();
    undo.defer(() => Promise.reject(new EngineError('internal', 'Cannot undo "x"')));
    throw new EngineError('resource-exhausted', 'Cannot do "x": the disk is full');
  };
  const error: unknown = await failing().catch((thrown: unknown) => thrown);
  assert.equal(kindOf(error), 'resource-exhausted');
  assert.equal(messageOf(error), 'Cannot do "x": the disk is full; and then: Cannot undo "x"');
});
