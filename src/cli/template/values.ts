import { formatJson } from '#/client/json-text.ts';

/** Go's idea of emptiness: what `if` takes for false. */
export function isTrue(value: unknown): boolean {
  if (value === undefined || value === null) return false;
  if (typeof value === 'boolean') return value;
  if (typeof value === 'number') return value !== 0;
  if (typeof value === 'bigint') return value !== 0n;
  if (typeof value === 'string') return value !== '';
  if (Array.isArray(value)) return value.length > 0;
  return typeof value !== 'object' || Object.keys(value).length > 0;
}

/** As Go's fmt prints a value with %v. A missing map entry is empty text. */
export function printValue(value: unknown): string {
  if (value === undefined) return '';
  if (value === null) return '<no value>';
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'bigint' || typeof value === 'boolean') return String(value);
  if (Array.isArray(value)) return `[${value.map(printInside).join(' ')}]`;
  if (typeof value !== 'object') return '';
  const pairs = sortedEntries(value).map(([key, part]) => `${key}:${printInside(part)}`);
  return `map[${pairs.join(' ')}]`;
}

const printInside = (value: unknown): string => (value === null ? '<nil>' : printValue(value));

/** Without methods, in the order of their names, as Go prints maps. */
export function sortedEntries(value: object): [string, unknown][] {
  return Object.entries(value)
    .filter(([, part]) => typeof part !== 'function')
    .sort(([left], [right]) => (left < right ? -1 : 1));
}

/** One line of JSON; the row of a list is written in the order of its names. */
export function printJson(value: unknown): string {
  return formatJson(value);
}
