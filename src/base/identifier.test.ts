import assert from 'node:assert/strict';
import { test } from 'node:test';
import { checkIdentifier, isIdentifier } from '#/base/identifier.ts';

test('isIdentifier() takes letters and digits with single separators, up to 76 characters', () => {
  for (const text of ['a', '0', 'k8s.io', 'my-container_1.x', 'A'.repeat(76)]) assert(isIdentifier(text), text);
});

test('isIdentifier() refuses everything that is unsafe in a path or too long', () => {
  const refused = [
    '',
    '.',
    '..',
    '../x',
    'a/b',
    '-a',
    'a-',
    '_a',
    'a..b',
    'a--b',
    'a b',
    'a\n',
    'a\0',
    'ä',
    'A'.repeat(77),
  ];
  for (const text of refused) assert(!isIdentifier(text), JSON.stringify(text));
});

test('isIdentifier() answers at once for a long hostile text', () => {
  const started = performance.now();
  assert(!isIdentifier(`${'a-'.repeat(500_000)}!`));
  assert(performance.now() - started < 100);
});

test('checkIdentifier() returns the text, or says what is wrong without repeating all of it', () => {
  assert.equal(checkIdentifier('a namespace', 'default'), 'default');
  assert.throws(() => checkIdentifier('a namespace', 'no/slash'), {
    kind: 'invalid-argument',
    message: /^Cannot use "no\/slash" as a namespace: it must be 1 to 76 letters/,
  });
  assert.throws(
    () => checkIdentifier('an id', 'x'.repeat(10_000)),
    (error: Error) => error.message.length < 300,
  );
});
