import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMount, formatText } from '#/core/mounts/format.ts';

const active = ['a', 'b', 'c'].map((name) => ({
  mount: { type: 't', source: `/source/${name}`, target: `/target/${name}`, options: [] },
  mountPoint: `/mnt/${name}`,
  mountedAt: '1',
}));

test('formatText() knows mount, source, target and overlay', () => {
  assert.equal(formatText('plain }} text', active), 'plain }} text');
  assert.equal(formatText('{{ mount 0 }}/upper', active), '/mnt/a/upper');
  assert.equal(formatText('{{source 1}}:{{ target  2 }}', active), '/source/b:/target/c');
  assert.equal(formatText('lowerdir={{ overlay 0 2 }}', active), 'lowerdir=/mnt/a:/mnt/b:/mnt/c');
  assert.equal(formatText('lowerdir={{ overlay 2 1 }}', active), 'lowerdir=/mnt/c:/mnt/b');
  assert.equal(formatText('{{ overlay 1 1 }}', active), '/mnt/b');
});

test('formatText() refuses what it does not know', () => {
  const bad = ['{{ mount 3 }}', '{{ mount -1 }}', '{{ overlay 0 3 }}', '{{ overlay -1 2 }}', '{{ mount }}'];
  const worse = ['{{ other 0 }}', '{{ mount 0 | print }}', '{{ mount 0', '{{ mount 99999999999999999999 }}', '{{}}'];
  for (const text of [...bad, ...worse, '{{ overlay 0 999999 }}'])
    assert.throws(() => formatText(text, active), { kind: 'invalid-argument' }, text);
});

test('formatMount() formats source, target and options', () => {
  const mount = {
    type: 'overlay',
    source: '{{ mount 0 }}',
    target: '{{ target 1 }}',
    options: ['x={{ mount 2 }}', 'ro'],
  };
  assert.deepEqual(formatMount(mount, active), {
    type: 'overlay',
    source: '/mnt/a',
    target: '/target/b',
    options: ['x=/mnt/c', 'ro'],
  });
});
