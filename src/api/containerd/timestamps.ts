import type { MessageInitShape } from '@bufbuild/protobuf';
import type { Timestamp, TimestampSchema } from '@bufbuild/protobuf/wkt';
import type { Nanoseconds } from '#/base/clock.ts';

const billion = 1_000_000_000n;

/** Go's zero time, which its clients print as "never". */
const zeroTime = { seconds: -62_135_596_800n, nanos: 0 } as const;

/** A record's time on the wire; 0 becomes Go's zero time. */
export function timestampOf(time: Nanoseconds): MessageInitShape<typeof TimestampSchema> {
  if (time === 0n) return zeroTime;
  const seconds = time >= 0n ? time / billion : (time - billion + 1n) / billion;
  return { seconds, nanos: Number(time - seconds * billion) };
}

/** The opposite; Go's zero time and a missing one are 0. */
export function nanosecondsOf(timestamp: Timestamp | undefined): Nanoseconds {
  if (timestamp === undefined || timestamp.seconds <= zeroTime.seconds) return 0n;
  return timestamp.seconds * billion + BigInt(timestamp.nanos);
}
