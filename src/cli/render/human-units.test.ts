import assert from 'node:assert/strict';
import { test } from 'node:test';
import { humanBinarySize, humanDuration, humanSize } from '#/cli/render/human-units.ts';

const minute = 60;
const hour = 3600;
const day = 86_400;

const durations: readonly (readonly [number, string])[] = [
  [-5, 'Less than a second'],
  [0.4, 'Less than a second'],
  [1, '1 second'],
  [59, '59 seconds'],
  [minute, 'About a minute'],
  [2 * minute, '2 minutes'],
  [59.9 * minute, '59 minutes'],
  [hour, 'About an hour'],
  [1.6 * hour, '2 hours'],
  [47 * hour, '47 hours'],
  [2 * day, '2 days'],
  [14 * day, '2 weeks'],
  [60 * day, '2 months'],
  [729 * day, '24 months'],
  [800 * day, '2 years'],
];

for (const [seconds, text] of durations)
  test(`humanDuration() calls ${seconds} s "${text}"`, () => assert.equal(humanDuration(seconds * 1000), text));

test('humanSize() has three digits in powers of 1000', () => {
  assert.deepEqual(
    [0, 1, 999, 1000, 1024, 1_984_162, 121_984_162, 999_600, 5e9, 1.5e21].map((bytes) => humanSize(bytes)),
    ['0B', '1B', '999B', '1kB', '1.02kB', '1.98MB', '122MB', '1MB', '5GB', '1500EB'],
  );
});

test('humanBinarySize() has powers of 1024', () => {
  assert.equal(humanBinarySize(4_112_130_048), '3.83GiB');
});
