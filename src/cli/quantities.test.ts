import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseBytes, parseCpus, parseDuration, parseMoment } from '#/cli/quantities.ts';

test('parseBytes() counts in powers of 1024', () => {
  assert.equal(parseBytes('-m', '512m'), 512 * 1024 ** 2);
  assert.equal(parseBytes('-m', '1.5GiB'), 1.5 * 1024 ** 3);
  assert.equal(parseBytes('-m', '10 kb'), 10240);
  assert.equal(parseBytes('-m', '42'), 42);
  for (const text of ['', 'm', '-1', '1x', '1e9', '99999999p'])
    assert.throws(() => parseBytes('-m', text), { name: 'UsageError' });
});

test('parseCpus() is exact to the billionth', () => {
  assert.equal(parseCpus('--cpus', '0.1'), 100_000_000);
  assert.equal(parseCpus('--cpus', '1.5'), 1_500_000_000);
  assert.equal(parseCpus('--cpus', '.5'), 500_000_000);
  assert.equal(parseCpus('--cpus', '0.000000001'), 1);
  for (const text of ['', '.', '-1', '1,5', '0.0000000001'])
    assert.throws(() => parseCpus('--cpus', text), { name: 'UsageError' });
});

test('parseDuration() reads Go durations', () => {
  assert.equal(parseDuration('1h30m'), 5_400_000_000_000n);
  assert.equal(parseDuration('1.5s'), 1_500_000_000n);
  assert.equal(parseDuration('2ms3us'), 2_003_000n);
  assert.equal(parseDuration('10'), undefined);
  assert.equal(parseDuration('10 m'), undefined);
});

test('parseMoment() takes seconds, RFC 3339, dates and how long ago', () => {
  const now = 1_700_000_000_123_456_789n;
  assert.equal(parseMoment('--since', '1600000000.5', now), '1600000000.5');
  assert.equal(parseMoment('--since', '10s', now), '1699999990.123456789');
  assert.equal(parseMoment('--since', '2020-09-13T12:26:40Z', now), '1600000000.000000000');
  assert.equal(parseMoment('--since', '2020-09-13T14:26:40.25+02:00', now), '1600000000.250000000');
  const midnight = new Date(2020, 8, 13).getTime() / 1000;
  assert.equal(parseMoment('--since', '2020-09-13', now), `${midnight}.000000000`);
  assert.equal(parseMoment('--since', '2020-09-13T01:02', now), `${midnight + 3720}.000000000`);
  for (const text of ['', 'yesterday', '2020-13-45', '12:00'])
    assert.throws(() => parseMoment('--since', text, now), {
      name: 'UsageError',
      message: /^flag "--since" needs a time/,
    });
});
