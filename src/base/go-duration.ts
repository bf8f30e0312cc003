/** Durations as Go writes them: `300ms`, `-1.5h`, `2h45m`. */
import type { Nanoseconds } from '#/base/clock.ts';

const units: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['µs', 1_000n],
  ['μs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
]);

const part = /(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)/y;
const longest = 9_223_372_036_854_775_807n;

/** Undefined when the text is none, or longer than Go can hold (292 years). */
export function parseGoDuration(text: string): Nanoseconds | undefined {
  const [, sign = '', rest = ''] = /^([+-]?)(.*)$/s.exec(text) ?? [];
  if (rest === '0') return 0n;
  if (rest === '' || rest.length > 100) return undefined;
  let total = 0n;
  for (part.lastIndex = 0; part.lastIndex < rest.length;) {
    const [, whole = '', fraction = '', unit = ''] = part.exec(rest) ?? [];
    if (whole === '' && fraction === '') return undefined;
    const scale = units.get(unit) ?? 0n;
    total +=
      BigInt(whole === '' ? '0' : whole) * scale + (BigInt(`0${fraction}`) * scale) / 10n ** BigInt(fraction.length);
  }
  if (total > longest) return undefined;
  return sign === '-' ? -total : total;
}

/** As Go prints it: `0s`, `1.5ms`, `1h0m10s`. */
export function formatGoDuration(duration: Nanoseconds): string {
  const sign = duration < 0n ? '-' : '';
  const size = duration < 0n ? -duration : duration;
  if (size === 0n) return '0s';
  const small = (
    [
      ['ns', 1n],
      ['µs', 1_000n],
      ['ms', 1_000_000n],
    ] as const
  ).find(([, unit]) => size < unit * 1000n);
  if (small !== undefined) return `${sign}${decimal(size, small[1])}${small[0]}`;
  const [hours, minutes] = [size / 3_600_000_000_000n, (size / 60_000_000_000n) % 60n];
  const seconds = `${decimal(size % 60_000_000_000n, 1_000_000_000n)}s`;
  if (hours > 0n) return `${sign}${hours}h${minutes}m${seconds}`;
  return minutes > 0n ? `${sign}${minutes}m${seconds}` : `${sign}${seconds}`;
}

function decimal(size: bigint, unit: bigint): string {
  const digits = String(unit).length - 1;
  const fraction = (size % unit).toString().padStart(digits, '0').replace(/0+$/, '');
  return unit === 1n || fraction === '' ? String(size / unit) : `${size / unit}.${fraction}`;
}
