import assert from 'node:assert/strict';
import { test } from 'node:test';
import { apiPath, formatFilters, formatQuery, imagePath } from '#/client/api-call.ts';
import { agreedVersion, compareVersions } from '#/client/negotiate.ts';

test('apiPath keeps a hostile name within its segment', () => {
  assert.equal(apiPath`/containers/${'a/../b?x=1#y'}/json`, '/containers/a%2F..%2Fb%3Fx%3D1%23y/json');
  for (const name of ['', '.', '..'])
    assert.throws(() => apiPath`/containers/${name}/json`, { kind: 'invalid-argument' });
});

test('imagePath() keeps slashes, colons and digests, and refuses to climb', () => {
  assert.equal(imagePath('localhost:5000/a/b:1', '/json'), '/images/localhost:5000/a/b:1/json');
  assert.equal(imagePath('a@sha256:00', ''), '/images/a@sha256:00');
  assert.equal(imagePath('a b?c', ''), '/images/a%20b%3Fc');
  for (const name of ['', 'a//b', '../x', 'a/./b'])
    assert.throws(() => imagePath(name, ''), { kind: 'invalid-argument' });
});

test('formatQuery() leaves out what is not set and repeats lists', () => {
  assert.equal(
    formatQuery({ a: undefined, b: false, c: true, d: 0, e: 'x y&z', f: ['1', '2'] }),
    '?c=1&d=0&e=x%20y%26z&f=1&f=2',
  );
  assert.equal(formatQuery({}), '');
});

test('formatFilters() is a JSON map of lists', () => {
  assert.equal(formatFilters({ label: ['a=b'] }), '{"label":["a=b"]}');
  assert.equal(formatFilters({}), undefined);
});

test('agreedVersion() is the lower of both, and refuses what is too old or no version', () => {
  assert.equal(agreedVersion('1.41'), '1.41');
  assert.equal(agreedVersion('1.99'), '1.51');
  assert.equal(agreedVersion('1.9999'), '1.51');
  assert.throws(() => agreedVersion('1.23'), { kind: 'failed-precondition' });
  assert.throws(() => agreedVersion('../x'), { kind: 'data-loss' });
  assert(compareVersions('1.9', '1.10') < 0);
});
