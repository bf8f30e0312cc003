/** Nanoseconds since 1970, as a bigint: the time unit of every record and event. */
export type Nanoseconds = bigint;

/** The two clocks of the system: whole milliseconds of the wall clock, and nanoseconds since any fixed point. */
export interface SystemClocks {
  readonly wall: () => number;
  readonly monotonic: () => bigint;
}

const millisecond = 1_000_000n;

/**
 * A wall clock with the resolution of the monotonic one, from the distance of the two. `distance` is what is known of
 * it at first; every reading improves it: the wall clock says at least its milliseconds, so a distance below that is
 * raised, and one that is a millisecond or more above it means that the wall clock was set back.
 */
export function createClock({ wall, monotonic }: SystemClocks, distance: bigint): () => Nanoseconds {
  let last = 0n;
  const least = (): bigint => BigInt(wall()) * millisecond - monotonic();
  // A process that was held up between the two readings sees too small a distance; not twice in a row.
  const wasSetBack = (): boolean => distance - least() > millisecond && distance - least() > millisecond;
  return () => {
    if (wasSetBack()) {
      distance = least();
      last = 0n;
    }
    const floor = least();
    if (floor > distance) distance = floor;
    const current = distance + monotonic();
    last = current > last ? current : last + 1n;
    return last;
  };
}

/**
 * The time with nanosecond resolution and, other than `Date.now()`, never before a reading that another process took
 * earlier. Never goes backwards within a process unless the wall clock is set back.
 */
export const now: () => Nanoseconds = createClock(
  { wall: () => Date.now(), monotonic: () => process.hrtime.bigint() },
  BigInt(Math.floor((performance.timeOrigin + performance.now()) * 1e6)) - process.hrtime.bigint(),
);

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
  if (Number.isNaN(milliseconds) || !isDay(day)) return undefined;
  return BigInt(milliseconds) * 1_000_000n + BigInt(fraction.padEnd(fractionDigits, '0'));
}

/** Date.parse takes the 30th of February for the 2nd of March. */
function isDay(day: string): boolean {
  return new Date(`${day}T00:00:00Z`).toISOString().startsWith(day);
}
