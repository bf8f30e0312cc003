/** How ctr writes labels, sizes, times and JSON. */
import { timestampDate, type Timestamp } from '@bufbuild/protobuf/wkt';
import { humanDuration, humanSize } from '#/cli/render/human-units.ts';
import { UsageError } from '#/cli/usage-error.ts';

/** `a=1,b=2`, by name. */
export function labelsText(labels: Readonly<Record<string, string>>, none = ''): string {
  const pairs = Object.entries(labels)
    .map(([key, value]) => `${key}=${value}`)
    .sort();
  return pairs.length === 0 ? none : pairs.join(',');
}

/** `NAME [KEY=VALUE...]`: a key alone has an empty value. Throws UsageError. */
export function parseLabelWords(words: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    words.map((word): [string, string] => {
      const equals = word.indexOf('=');
      const key = equals < 0 ? word : word.slice(0, equals);
      if (key === '') throw new UsageError(`${JSON.stringify(word)} is no label: expected KEY=VALUE`, 1);
      return [key, equals < 0 ? '' : word.slice(equals + 1)];
    }),
  );
}

/** `--label` flags: a key alone means "true". */
export function parseLabelFlags(words: readonly string[]): Record<string, string> {
  return parseLabelWords(words.map((word) => (word.includes('=') ? word : `${word}=true`)));
}

const binaryUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB', 'EiB'];

/** One decimal in powers of 1024: `2.1 MiB`. */
export function binarySizeText(bytes: bigint | number): string {
  let value = Number(bytes);
  let unit = 0;
  while (value >= 1024 && unit < binaryUnits.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${value.toFixed(1)} ${binaryUnits[unit] ?? ''}`;
}

/** Four digits in powers of 1000: `2.142MB`. */
export const decimalSizeText = (bytes: bigint): string => humanSize(Number(bytes), 4);

/** `3 hours`: how long ago it was. */
export function ageText(moment: Timestamp | undefined): string {
  return humanDuration(moment === undefined ? 0 : Date.now() - timestampDate(moment).getTime());
}

/** RFC 3339 in UTC with as many decimals as there are: how Go puts a time into JSON. */
export function timeText(moment: Timestamp | undefined): string {
  if (moment === undefined) return '0001-01-01T00:00:00Z';
  const whole = timestampDate({ ...moment, nanos: 0 })
    .toISOString()
    .slice(0, 19);
  const decimals = moment.nanos.toString().padStart(9, '0').replace(/0+$/, '');
  return `${whole}${decimals === '' ? '' : `.${decimals}`}Z`;
}

/** Go's encoder: four blanks, keys in the order given, absent members left out, `<>&` as escapes, big integers whole. */
export function jsonText(value: unknown, indent = '    '): string {
  return write(value, { indent, at: '' }).replaceAll(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

interface Place {
  readonly indent: string;
  readonly at: string;
}

function write(value: unknown, place: Place): string {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const inner = place.at + place.indent;
  const deeper = { ...place, at: inner };
  const parts = Array.isArray(value)
    ? value.map((entry) => write(entry, deeper))
    : Object.entries(value)
        .filter(([, entry]) => entry !== undefined)
        .map(([key, entry]) => `${JSON.stringify(key)}: ${write(entry, deeper)}`);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  if (parts.length === 0) return open + close;
  return `${open}\n${parts.map((part) => inner + part).join(',\n')}\n${place.at}${close}`;
}
