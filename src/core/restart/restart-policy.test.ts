import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isToBeStarted, parseRestartPolicy } from '#/core/restart/restart-policy.ts';

const label = (name: string): string => `containerd.io/restart.${name}`;

test('parseRestartPolicy() reads what nerdctl writes, and refuses the rest', () => {
  assert.deepEqual(parseRestartPolicy(''), { kind: 'always' });
  for (const kind of ['no', 'always', 'unless-stopped'] as const) assert.deepEqual(parseRestartPolicy(kind), { kind });
  assert.deepEqual(parseRestartPolicy('on-failure'), { kind: 'on-failure', most: 0 });
  assert.deepEqual(parseRestartPolicy('on-failure:3'), { kind: 'on-failure', most: 3 });
  for (const text of ['always:1', 'no:', 'on-failure:', 'on-failure:x', 'on-failure:1.5', 'sometimes', 'Always'])
    assert.throws(() => parseRestartPolicy(text), { kind: 'invalid-argument' }, text);
});

test('isToBeStarted() follows the policy, the count and whether somebody stopped it', () => {
  const cases: readonly (readonly [string, Record<string, string>, number, boolean])[] = [
    ['', {}, 0, true],
    ['no', {}, 1, false],
    ['always', { [label('explicitly-stopped')]: 'true' }, 0, true],
    ['unless-stopped', {}, 0, true],
    ['unless-stopped', { [label('explicitly-stopped')]: 'true' }, 1, false],
    ['unless-stopped', { [label('explicitly-stopped')]: 'false' }, 1, true],
    ['on-failure', {}, 0, false],
    ['on-failure', { [label('count')]: '1000' }, 1, true],
    ['on-failure:2', { [label('count')]: '1' }, 1, true],
    ['on-failure:2', { [label('count')]: '2' }, 1, false],
    ['on-failure:2', { [label('count')]: 'many' }, 1, false],
  ];
  for (const [policy, labels, exitStatus, started] of cases)
    assert.equal(isToBeStarted({ ...labels, [label('policy')]: policy }, exitStatus), started, policy);
});
