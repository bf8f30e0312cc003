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

/** `KEY=VALUE`; a key alone has the value `bare`. Throws UsageError. */
export function parseLabels(words: readonly string[], bare = 'true'): Record<string, string> {
  return Object.fromEntries(
    words.map((word): [string, string] => {
      const equals = word.indexOf('=');
      const key = equals < 0 ? word : word.slice(0, equals);
      if (key === '') throw new UsageError(`${JSON.stringify(word)} is no label: expected KEY=VALUE`, 1);
      return [key, equals < 0 ? bare : word.slice(equals + 1)];
    }),
  );
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

/** `2026-11-25 03:12:26.585 +0000 UTC`: how Go prints a time to people. */
export function printedTime(moment: Timestamp | undefined): string {
  return `${timeText(moment).replace('T', ' ').replace('Z', '')} +0000 UTC`;
}

/** RFC 3339 in the zone of this machine, whole seconds. */
export function localTimeText(moment: Timestamp | undefined): string {
  const date = moment === undefined ? new Date(0) : timestampDate(moment);
  const offset = -date.getTimezoneOffset();
  const two = (number: number): string => String(Math.floor(Math.abs(number))).padStart(2, '0');
  const zone = offset === 0 ? 'Z' : `${offset < 0 ? '-' : '+'}${two(offset / 60)}:${two(offset % 60)}`;
  return `${new Date(date.getTime() + offset * 60_000).toISOString().slice(0, 19)}${zone}`;
}

/** Go's encoder: keys in the order given, absent members left out, `<>&` as escapes, big integers whole. */
export function jsonText(value: unknown, indent = '    '): string {
  return escaped(write(value, { indent, at: '', end: '\n', colon: ': ' }));
}

/** The same on one line, without blanks. */
export function jsonLine(value: unknown): string {
  return escaped(write(value, { indent: '', at: '', end: '', colon: ':' }));
}

/** Go sorts the keys of its maps. */
export function sortedMap<Value>(map: Readonly<Record<string, Value>>): Record<string, Value> {
  return Object.fromEntries(Object.entries(map).sort(([left], [right]) => (left < right ? -1 : 1)));
}

function escaped(json: string): string {
  return json.replaceAll(/[<>&\u2028\u2029]/g, (character) => {
    return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
  });
}

interface Place {
  readonly indent: string;
  readonly at: string;
  readonly end: string;
  readonly colon: string;
}

function write(value: unknown, place: Place): string {
  if (typeof value === 'bigint') return String(value);
  if (value instanceof Uint8Array) return JSON.stringify(Buffer.from(value).toString('base64'));
  if (typeof value !== 'object' || value === null) return JSON.stringify(value) ?? 'null';
  const { end, colon } = place;
  const inner = place.at + place.indent;
  const deeper = { ...place, at: inner };
  const parts = Array.isArray(value)
    ? value.map((entry) => write(entry, deeper))
    : Object.entries(value)
        .filter(([, entry]) => entry !== undefined)
        .map(([key, entry]) => `${JSON.stringify(key)}${colon}${write(entry, deeper)}`);
  const [open, close] = Array.isArray(value) ? ['[', ']'] : ['{', '}'];
  if (parts.length === 0) return open + close;
  return `${open}${end}${parts.map((part) => inner + part).join(`,${end}`)}${end}${place.at}${close}`;
}
