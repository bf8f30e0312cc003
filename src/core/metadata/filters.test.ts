import assert from 'node:assert/strict';
import { test } from 'node:test';
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
  labels: { foo: 'bar', 'foo.bar': 'baz', 'containerd.io/x': 'a, "b"', empty: '' },
});

const matches = (...filters: string[]): boolean => parseFilters(filters)(record);

test('parseFilters() of nothing, and of an empty filter, matches everything', () => {
  assert(matches());
  assert(matches(''));
  assert(matches('id==no', ''));
});

test('parseFilters() reads the forms that clients send', () => {
  for (const filter of [
    'labels."containerd.io/x"=="a, \\"b\\""',
    'labels.foo.bar==baz',
    'labels."foo.bar"==baz',
    'labels."foo"==bar',
    'name==docker.io/library/busybox:latest',
    'name~=^docker.io/library/busybox:latest$',
    'name~=docker\\.io',
    'ref~=^layer-sha256:',
    'id~=^abc.*$',
    'kind==active',
    'parent==""',
    'parent=="",kind==active',
    'namespace==moby,topic~=|^/tasks/|',
    'topic~=/^\\/tasks\\//',
    'topic=="/tasks/oom"',
    'event.container_id==c1',
    'digest~="sha256:01.*"',
    'target.digest~=sha256:01',
    'type==io.containerd.snapshotter.v1, id==abcdef',
    ' id == abcdef ',
    'id~="^\\\\w+$"',
    'id=="\\x61\\142\\u0063\\U00000064ef"',
  ])
    assert(matches(filter), `${filter} must match`);
});

test('parseFilters() tells what does not match', () => {
  for (const filter of [
    'labels."containerd.io/x"==a',
    'labels.foo.baz==bar',
    'name==busybox',
    'name~=^busybox$',
    'kind==committed',
    'kind==active,parent==x',
    'type==io.containerd.snapshotter.v1, id==overlayfs',
    'topic~=|^/containers/|',
    'labels==bar',
  ])
    assert(!matches(filter), `${filter} must not match`);
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
  assert(!matches('nope~=.'));
  assert(matches('labels.empty'));
  assert(matches('parent'));
  assert(!matches('id.x'));
});

test('parseFilters() refuses what it cannot read', () => {
  for (const filter of [
    ',',
    'id==a,',
    'id=a',
    'id===a',
    'id<a',
    'id a',
    'id==a b',
    '=="x"',
    'id=="x',
    'id=="x"y',
    'id==/x/',
    'id==|x|',
    'id=="\\q"',
    'id=="\\x6"',
    'labels.',
    'labels."x',
    '.id',
    'id~=(',
    'id~=/(?=x)/',
    'id~=|x/',
    'id=="a\nb"',
    'ä==x',
    `id==${'x'.repeat(17_000)}`,
  ])
    assert.throws(() => matches(filter), { kind: 'invalid-argument' }, `${filter.slice(0, 40)} must be refused`);
  assert.throws(() => parseFilters(Array.from({ length: 1001 }, () => 'id')), { kind: 'invalid-argument' });
});
