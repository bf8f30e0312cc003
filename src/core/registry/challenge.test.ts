import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseChallenges } from '#/core/registry/challenge.ts';

test('parseChallenges() reads a bearer challenge with commas inside its quotes', () => {
  const header = 'Bearer realm="https://auth.example/token",service="reg",scope="repository:a/b:pull,push"';
  const parameters = { realm: 'https://auth.example/token', service: 'reg', scope: 'repository:a/b:pull,push' };
  assert.deepEqual(parseChallenges(header), [{ scheme: 'bearer', parameters }]);
});

test('parseChallenges() reads several challenges, spaces, plain values and escapes', () => {
  assert.deepEqual(
    parseChallenges('Negotiate, BASIC realm = "a \\"b\\"" , charset=UTF-8, Bearer realm=x,service="y"'),
    [
      { scheme: 'negotiate', parameters: {} },
      { scheme: 'basic', parameters: { realm: 'a "b"', charset: 'UTF-8' } },
      { scheme: 'bearer', parameters: { realm: 'x', service: 'y' } },
    ],
  );
});

test('parseChallenges() takes what it can from nonsense, quickly', () => {
  assert.deepEqual(parseChallenges(''), []);
  assert.deepEqual(parseChallenges('realm="x"'), []);
  const started = performance.now();
  parseChallenges(`Bearer ${'a="\\'.repeat(100_000)}`);
  parseChallenges(`${' '.repeat(100_000)}x`);
  parseChallenges('a '.repeat(100_000));
  assert(performance.now() - started < 500);
});
