import assert from 'node:assert/strict';
import { test } from 'node:test';
import { matched, missed, refused } from '#/core/metadata/filter-cases.fixture.ts';
import { lookUp, parseFilters } from '#/core/metadata/filters.ts';

const record = lookUp({
  id: 'abcdef',
  name: 'docker.io/library/busybox:latest',
  ref: 'layer-sha256:00',
  kind: 'active',
  parent: '',
  namespace: 'moby',
  topic: '/tasks/oom',
  type: 'io.containerd.snapshotter.v1',
  digest: 'sha256:0123',
  missing: undefined,
  event: { container_id: 'c1' },
  target: { digest: 'sha256:0123' },
  labels: {
    foo: 'bar',
    'foo.bar': 'baz',
    'containerd.io/x': 'a, "b"',
    'foo-bar': 'dash',
    foo_bar: 'under',
    '0': 'zero',
    ünï: 'ok',
    empty: '',
  },
});

const matches = (...filters: string[]): boolean => parseFilters(filters)(record);

test('parseFilters() of nothing, and of an empty filter, matches everything', () => {
  assert(matches());
  assert(matches(''));
  assert(matches('id==no', ''));
});

test('parseFilters() matches, misses and refuses what containerd does', () => {
  for (const filter of matched) assert.equal(matches(filter), true, `${filter} must match`);
  for (const filter of missed) assert.equal(matches(filter), false, `${filter} must not match`);
  for (const filter of refused)
    assert.throws(() => matches(filter), { kind: 'invalid-argument' }, `${filter} must be refused`);
});

test('parseFilters() means "or" between filters and "and" within one', () => {
  assert(matches('id==no', 'kind==active'));
  assert(!matches('id==no', 'kind==view'));
  assert(!matches('id==no,kind==active'));
});

test('parseFilters() takes an absent field as unequal, not present, and empty for patterns', () => {
  assert(!matches('nope'));
  assert(!matches('missing'));
  assert(!matches('labels.nope'));
  assert(!matches('labels.toString'));
  assert(!matches('nope==""'));
  assert(!matches('nope==x'));
  assert(matches('nope!=x'));
  assert(matches('nope~=^$'));
  assert(!matches('nope~="\\x2e"'));
  assert(matches('labels.empty'));
  assert(matches('parent'));
});

test('parseFilters() refuses null characters, and what is too long or too many', () => {
  assert.throws(() => matches('id==a\0b'), { kind: 'invalid-argument' });
  assert.throws(() => matches(`id==${'x'.repeat(17_000)}`), { kind: 'invalid-argument' });
  assert.throws(() => parseFilters(Array.from({ length: 1001 }, () => 'id')), { kind: 'invalid-argument' });
});
