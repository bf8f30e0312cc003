import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { createClock, formatTime, now, parseTime } from '#/base/clock.ts';

/** How far now() is ahead of the wall clock, seen at the instant at which Date.now() turns to its next millisecond. */
function errorAtTick(): number {
  const before = Date.now();
  let tick = before;
  while (tick === before) tick = Date.now();
  return Number(now() - BigInt(tick) * 1_000_000n);
}

test('now() is the wall clock to a few microseconds, not to the millisecond', () => {
  const errors = Array.from({ length: 30 }, errorAtTick).toSorted((a, b) => a - b);
  const median = errors[15] ?? NaN;
  assert(Math.abs(median) < 100_000, `now() is ${median} ns off (${errors.join(' ')})`);
});

test("now() lies between two readings of another process's clock", () => {
  const read = (): bigint => BigInt(execFileSync('date', ['+%s%N'], { encoding: 'utf8' }).trim());
  for (let round = 0; round < 5; round++) {
    const before = read();
    const time = now();
    const after = read();
    assert(before < time && time < after, `${before} < ${time} < ${after}`);
  }
});

/** A wall clock that a test sets, with the milliseconds that Date.now() would say. */
function systemAt(start: bigint) {
  const system = { elapsed: 0n, set: start };
  return {
    system,
    clocks: {
      wall: () => Number((system.set + system.elapsed) / 1_000_000n),
      monotonic: () => 5_000n + system.elapsed,
    },
  };
}

test('createClock() follows the wall clock when it is set', () => {
  const start = 1_700_000_000_000_400_000n;
  const { system, clocks } = systemAt(start);
  const clock = createClock(clocks, start - 5_000n);
  assert.equal(clock(), start);
  system.elapsed = 10n;
  assert.equal(clock(), start + 10n);
  for (const step of [3_600_000_000_000n, -7_200_000_000_000n]) {
    system.set += step;
    let lag = 0n;
    for (let reading = 0; reading < 200; reading++) {
      system.elapsed += 1_337_331n;
      lag = system.set + system.elapsed - clock();
      assert(lag >= 0n && lag < 1_000_000n, `${lag} ns behind after a step of ${step}`);
    }
    assert(lag < 20_000n, `still ${lag} ns behind after 200 readings`);
  }
});

test('createClock() never gives the same time twice', () => {
  const { clocks } = systemAt(1_700_000_000_000_000_000n);
  const clock = createClock(clocks, 1_700_000_000_000_000_000n - 5_000n);
  const readings = Array.from({ length: 5 }, clock);
  assert.equal(new Set(readings).size, 5);
  assert.deepEqual(
    readings,
    readings.toSorted((a, b) => (a < b ? -1 : 1)),
  );
});

test('formatTime() prints RFC 3339 with as many decimals as it needs', () => {
  assert.equal(formatTime(0n), '1970-01-01T00:00:00Z');
  assert.equal(formatTime(1_700_000_000_123_456_789n), '2023-11-14T22:13:20.123456789Z');
  assert.equal(formatTime(1_700_000_000_120_000_000n), '2023-11-14T22:13:20.12Z');
  assert.equal(formatTime(-1n), '1969-12-31T23:59:59.999999999Z');
  assert.equal(formatTime(-62_135_596_800_000_000_000n), '0001-01-01T00:00:00Z');
});

test('parseTime() reads what formatTime() prints, zones, and more decimals than it keeps', () => {
  for (const time of [0n, 1_700_000_000_123_456_789n, -1n, -62_135_596_800_000_000_000n, 1_700_000_000_120_000_000n])
    assert.equal(parseTime(formatTime(time)), time);
  assert.equal(parseTime('2023-11-14T23:13:20.5+01:00'), 1_700_000_000_500_000_000n);
  assert.equal(parseTime('2023-11-14t22:13:20.1234567891234z'), 1_700_000_000_123_456_789n);
});

test('parseTime() of anything else is undefined', () => {
  for (const text of [
    '',
    'tomorrow',
    '2023-11-14',
    '2023-11-14T22:13:20',
    '2023-13-14T22:13:20Z',
    '2023-11-14T25:13:20Z',
    '2023-02-30T00:00:00Z',
    '1700000000',
  ])
    assert.equal(parseTime(text), undefined, `"${text}" is no time`);
});
