import { parseDuration } from '#/cli/quantities.ts';
import { UsageError } from '#/cli/usage-error.ts';

/** Go's durations (`1h30m`), and a bare 0; in milliseconds. Throws UsageError. */
export function readDuration(flag: string, text: string): number {
  if (text === '0') return 0;
  const parsed = parseDuration(text);
  if (parsed === undefined)
    throw new UsageError(`flag "${flag}" needs a duration such as 30s or 24h, not ${JSON.stringify(text)}`, 1);
  return Number(parsed / 1_000_000n);
}
