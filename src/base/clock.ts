/** Nanoseconds since 1970, as a bigint: the time unit of every record and event. */
export type Nanoseconds = bigint;

/** `Date.now()` truncates to the millisecond, so it can lie before a client's own clock; this one does not. */
let origin = wallOrigin();
let lastSync = performance.now();
let last = 0n;

function wallOrigin(): bigint {
  // Wait for nothing: half a millisecond of error is within the kernel's own tick.
  return BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
}

/** The wall clock with nanosecond resolution; never goes backwards within a process unless the wall clock is set. */
export function now(): Nanoseconds {
  const monotonic = performance.now();
  if (monotonic - lastSync > 1000) {
    const fresh = wallOrigin();
    const drift = fresh - origin;
    if (drift > 2_000_000n || drift < -2_000_000n) {
      origin = fresh;
      last = 0n;
    }
    lastSync = monotonic;
  }
  const current = origin + process.hrtime.bigint();
  last = current > last ? current : last + 1n;
  return last;
}

const fractionDigits = 9;

/** RFC 3339 in UTC with up to nine decimals, trailing zeros cut, as Go's RFC3339Nano prints it. */
export function formatTime(time: Nanoseconds): string {
  const seconds = time >= 0n ? time / 1_000_000_000n : (time - 999_999_999n) / 1_000_000_000n;
  const fraction = (time - seconds * 1_000_000_000n).toString().padStart(fractionDigits, '0').replace(/0+$/, '');
  const whole = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return fraction === '' ? `${whole}Z` : `${whole}.${fraction}Z`;
}

const rfc3339 = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9})\d*)?([Zz]|[+-]\d{2}:\d{2})$/;

/** Reads RFC 3339 with any number of decimals; undefined when the text is none. */
export function parseTime(text: string): Nanoseconds | undefined {
  const match = rfc3339.exec(text);
  if (match === null) return undefined;
  const [, day = '', clock = '', fraction = '', zone = ''] = match;
  const milliseconds = Date.parse(`${day}T${clock}${zone.toUpperCase()}`);
  if (Number.isNaN(milliseconds)) return undefined;
  return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(fractionDigits, '0'));
}
