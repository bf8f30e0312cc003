import { parseTime } from '#/base/clock.ts';
import { UsageError } from '#/cli/usage-error.ts';

const sizePattern = /^([0-9]{1,15}(?:\.[0-9]{1,6})?) ?([kmgtp]?)(?:i?b)?$/i;
const powers = ['', 'k', 'm', 'g', 't', 'p'];

/** Reads `512m`, `1.5g`, `1073741824`: bytes, in powers of 1024 as docker has it. Throws UsageError. */
export function parseBytes(flag: string, text: string): number {
  const [, digits, unit = ''] = sizePattern.exec(text) ?? [];
  const bytes = Math.floor(Number(digits) * 1024 ** powers.indexOf(unit.toLowerCase()));
  if (digits === undefined || !Number.isSafeInteger(bytes))
    throw new UsageError(`flag "${flag}" needs a size such as 512m or 2g, not ${JSON.stringify(text)}`);
  return bytes;
}

/** Reads a count of CPUs with up to nine decimals into billionths. Throws UsageError. */
export function parseCpus(flag: string, text: string): number {
  const [, whole, fraction = ''] = /^(?=\.?[0-9])([0-9]{0,6})(?:\.([0-9]{1,9}))?$/.exec(text) ?? [];
  if (whole === undefined)
    throw new UsageError(`flag "${flag}" needs a number of CPUs such as 1.5, not ${JSON.stringify(text)}`);
  return Number(whole) * 1e9 + Number(fraction.padEnd(9, '0'));
}

const nanosecondsOf: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
};

/** Reads Go's durations, `1h30m` or `1.5s`, into nanoseconds; undefined when the text is none. */
export function parseDuration(text: string): bigint | undefined {
  if (!/^(?:[0-9]{1,10}(?:\.[0-9]{1,9})?(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return undefined;
  let total = 0;
  for (const [, count = '0', unit = ''] of text.matchAll(/([0-9.]+)(ns|us|µs|ms|s|m|h)/g))
    total += Number(count) * (nanosecondsOf[unit] ?? 0);
  return BigInt(Math.round(total));
}

/**
 * Reads what `--since` and `--until` take, into `seconds.nanoseconds` as the API wants it: a time (RFC 3339; without a
 * zone it is local), seconds since 1970, or how long ago. Throws UsageError.
 */
export function parseMoment(flag: string, text: string, now: bigint): string {
  if (/^[0-9]{1,12}(?:\.[0-9]{1,9})?$/.test(text) && !/^[0-9]{4}$/.test(text)) return text;
  const ago = parseDuration(text);
  if (ago !== undefined) return formatSeconds(now - ago);
  const time = parseTime(completeTime(text));
  if (time !== undefined) return formatSeconds(time);
  throw new UsageError(
    `flag "${flag}" needs a time such as 2026-01-02T15:04:05Z, seconds since 1970, or how long ago (10m), not ${JSON.stringify(text)}`,
  );
}

/** Fills up a date, or a time without seconds or zone. */
function completeTime(text: string): string {
  const [, day, hours = '00', minutes = '00', rest = ':00', zone] =
    /^([0-9]{4}-[0-9]{2}-[0-9]{2})(?:T([0-9]{2})(?::([0-9]{2})(:[0-9]{2}(?:\.[0-9]{1,9})?)?)?)?(Z|[+-][0-9]{2}:[0-9]{2})?$/.exec(
      text,
    ) ?? [];
  if (day === undefined) return text;
  return `${day}T${hours}:${minutes}${rest}${zone ?? localZone(new Date(`${day}T${hours}:${minutes}:00`))}`;
}

function localZone(moment: Date): string {
  const offset = -moment.getTimezoneOffset();
  const two = (part: number): string => String(Math.floor(part)).padStart(2, '0');
  return `${offset < 0 ? '-' : '+'}${two(Math.abs(offset) / 60)}:${two(Math.abs(offset) % 60)}`;
}

function formatSeconds(nanoseconds: bigint): string {
  return `${nanoseconds / 1_000_000_000n}.${(nanoseconds % 1_000_000_000n).toString().padStart(9, '0')}`;
}
