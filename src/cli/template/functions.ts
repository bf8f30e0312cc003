import { printf } from '#/cli/template/printf.ts';
import { templateError } from '#/cli/template/lexer.ts';
import { isTrue, printJson, printValue } from '#/cli/template/values.ts';

type TemplateFunction = (...values: readonly unknown[]) => unknown;

/** Text/template's own functions and the ones that docker adds. `and`, `or` stop early, so the evaluator has them. */
export const functions: Readonly<Record<string, TemplateFunction>> = {
  json: (value) => printJson(value),
  index: (value, ...keys) => keys.reduce(indexOne, value),
  len: (value) => lengthOf(value),
  not: (value) => !isTrue(value),
  print: (...values) => printAll(values),
  println: (...values) => `${values.map(printValue).join(' ')}\n`,
  printf: (format, ...values) => printf(textOf('printf', format), values),
  eq: (left, ...others) => {
    if (others.length === 0) throw templateError('"eq" needs two values');
    return others.some((other) => isEqual(left, other));
  },
  ne: (left, right) => !isEqual(left, right),
  lt: (left, right) => compare('lt', left, right) < 0,
  le: (left, right) => compare('le', left, right) <= 0,
  gt: (left, right) => compare('gt', left, right) > 0,
  ge: (left, right) => compare('ge', left, right) >= 0,
  slice: (value, from, to) => sliceOf(value, from, to),
  join: (parts, separator) => listOf('join', parts).map(printValue).join(textOf('join', separator)),
  split: (value, separator) => textOf('split', value).split(textOf('split', separator)),
  lower: (value) => textOf('lower', value).toLowerCase(),
  upper: (value) => textOf('upper', value).toUpperCase(),
  title: (value) =>
    textOf('title', value).replace(/(^|\s)(\S)/g, (_, gap: string, letter: string) => gap + letter.toUpperCase()),
  pad: (value, before, after) =>
    `${' '.repeat(countOf('pad', before))}${textOf('pad', value)}${' '.repeat(countOf('pad', after))}`,
  truncate: (value, length) => textOf('truncate', value).slice(0, countOf('truncate', length)),
};

export const functionNames: ReadonlySet<string> = new Set([...Object.keys(functions), 'and', 'or']);

function indexOne(value: unknown, key: unknown): unknown {
  if (value === null || value === undefined) return undefined;
  if (Array.isArray(value)) {
    const at = typeof key === 'number' ? key : Number.NaN;
    if (!Number.isInteger(at) || at < 0 || at >= value.length)
      throw templateError(`index ${printValue(key)} is outside of a list of ${value.length}`);
    return (value as readonly unknown[])[at];
  }
  if (typeof value !== 'object') throw templateError(`"index" needs a list or a map, not ${printValue(value)}`);
  const name = printValue(key);
  return Object.hasOwn(value, name) ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

function lengthOf(value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (Array.isArray(value)) return value.length;
  if (value === null || value === undefined) return 0;
  if (typeof value === 'object') return Object.keys(value).length;
  throw templateError(`${printValue(value)} has no length`);
}

/** Go puts spaces between operands when neither is a string. */
function printAll(values: readonly unknown[]): string {
  return values.reduce<string>((text, value, at) => {
    const spaced = at > 0 && typeof value !== 'string' && typeof values[at - 1] !== 'string';
    return `${text}${spaced ? ' ' : ''}${printValue(value)}`;
  }, '');
}

function isEqual(left: unknown, right: unknown): boolean {
  if (isNumeric(left) && isNumeric(right)) return BigInt(left) === BigInt(right);
  return (left ?? null) === (right ?? null);
}

function isNumeric(value: unknown): value is number | bigint {
  return typeof value === 'bigint' || (typeof value === 'number' && Number.isInteger(value));
}

function compare(name: string, left: unknown, right: unknown): number {
  const numbers =
    (typeof left === 'number' || typeof left === 'bigint') && (typeof right === 'number' || typeof right === 'bigint');
  if (!numbers && !(typeof left === 'string' && typeof right === 'string'))
    throw templateError(`"${name}" compares two numbers or two texts`);
  return left < right ? -1 : left > right ? 1 : 0;
}

function sliceOf(value: unknown, from: unknown, to: unknown): unknown {
  if (typeof value !== 'string' && !Array.isArray(value)) throw templateError('"slice" needs a text or a list');
  const start = from === undefined ? 0 : countOf('slice', from);
  const end = to === undefined ? value.length : countOf('slice', to);
  if (start > end || end > value.length)
    throw templateError(`"slice" from ${start} to ${end} is outside of ${value.length}`);
  return value.slice(start, end);
}

function listOf(name: string, value: unknown): readonly unknown[] {
  if (value === null || value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw templateError(`"${name}" needs a list, not ${printValue(value)}`);
}

function textOf(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  if (value === undefined) return '';
  throw templateError(`"${name}" needs a text, not ${printValue(value)}`);
}

const longestPadding = 10_000;

function countOf(name: string, value: unknown): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= longestPadding) return value;
  throw templateError(`"${name}" needs a whole number, not ${printValue(value)}`);
}
