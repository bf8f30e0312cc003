import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { Nanoseconds } from '#/base/clock.ts';

/** 0 for a time that is absent, or Go's zero time in the year 1. */
export function timeOf(timestamp: Timestamp | undefined): Nanoseconds {
  if (timestamp === undefined || timestamp.seconds < 0n) return 0n;
  return timestamp.seconds * 1_000_000_000n + BigInt(timestamp.nanos);
}

export const wireTime = (time: Nanoseconds): { readonly seconds: bigint; readonly nanos: number } => ({
  seconds: time / 1_000_000_000n,
  nanos: Number(time % 1_000_000_000n),
});
