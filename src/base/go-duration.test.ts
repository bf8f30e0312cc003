import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatGoDuration, parseGoDuration } from '#/base/go-duration.ts';

/** What Go's time.ParseDuration and Duration.String make of it. */
const pairs: readonly (readonly [string, bigint, string])[] = [
  ['0', 0n, '0s'],
  ['+5s', 5_000_000_000n, '5s'],
  ['-1.5h', -5_400_000_000_000n, '-1h30m0s'],
  ['.5ms', 500_000n, '500µs'],
  ['1.ms', 1_000_000n, '1ms'],
  ['2h45m', 9_900_000_000_000n, '2h45m0s'],
  ['1m1ns', 60_000_000_001n, '1m0.000000001s'],
  ['1500us', 1_500_000n, '1.5ms'],
  ['3µs7ns', 3_007n, '3.007µs'],
  ['7ns', 7n, '7ns'],
];

test('parseGoDuration() reads and formatGoDuration() prints as Go does', () => {
  for (const [text, duration, printed] of pairs) {
    assert.equal(parseGoDuration(text), duration, text);
    assert.equal(formatGoDuration(duration), printed, text);
  }
});

test('parseGoDuration() reads nothing else', () => {
  for (const text of ['', '-', '5', '1', '.s', 's', '1s2', '1 s', '1d', '--1s', '1e3s', '9223372037s'])
    assert.equal(parseGoDuration(text), undefined, text);
});
