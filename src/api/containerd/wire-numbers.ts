import { EngineError } from '#/base/errors.ts';

/** An int64 that counts bytes. Throws `invalid-argument` for what is negative or beyond exact numbers. */
export function sizeOf(what: string, value: bigint): number {
  if (value < 0n || value > BigInt(Number.MAX_SAFE_INTEGER))
    throw new EngineError('invalid-argument', `Cannot use ${value} as ${what}: it must be 0 or more`);
  return Number(value);
}
