/** Parsers of single values: each takes what the file says and gives what the daemon uses, or throws with the key. */
import { EngineError } from '#/base/errors.ts';
import { parseGoDuration } from '#/base/go-duration.ts';
import { parseLogLevel, type LogLevel } from '#/base/log.ts';
import { isTable, type TomlTable, type TomlValue } from '#/daemon/config/toml.ts';

export type Parse<T> = (value: TomlValue, key: string) => T;

export const text: Parse<string> = (value, key) => (typeof value === 'string' ? value : mistake(key, 'a text', value));

export const flag: Parse<boolean> = (value, key) =>
  typeof value === 'boolean' ? value : mistake(key, 'true or false', value);

/** A whole number from 0. */
export const whole: Parse<number> = (value, key) => {
  const number = numberOf(value);
  return Number.isSafeInteger(number) && number >= 0 ? number : mistake(key, 'a whole number from 0', value);
};

/** An OOM score adjustment. */
/** Between 0 and 1. */
export const share: Parse<number> = (value, key) => {
  if (typeof value === 'number' && value >= 0 && value <= 1) return value;
  return mistake(key, 'a number from 0 to 1', value);
};

export const adjustment: Parse<number> = (value, key) => {
  const number = numberOf(value);
  if (Number.isInteger(number) && Math.abs(number) <= 1000) return number;
  return mistake(key, 'a whole number from -1000 to 1000', value);
};

export const texts: Parse<readonly string[]> = (value, key) =>
  Array.isArray(value) && value.every((item) => typeof item === 'string')
    ? value
    : mistake(key, 'a list of texts', value);

/** Full names of plugins. */
export const plugins: Parse<readonly string[]> = (value, key) => {
  const uris = texts(value, key);
  const short = uris.find((uri) => !uri.includes('.'));
  return short === undefined ? uris : mistake(key, 'full names such as "io.containerd.grpc.v1.cri"', short);
};

export const textTable: Parse<Readonly<Record<string, string>>> = (value, key) =>
  isTable(value) && Object.values(value).every((item) => typeof item === 'string')
    ? (value as Readonly<Record<string, string>>)
    : mistake(key, 'a table of texts', value);

/** Whatever is there: another part knows what it means. */
export const table: Parse<TomlTable> = (value, key) => (isTable(value) ? value : mistake(key, 'a table', value));

/** "NAME=VALUE" each. */
export const variables: Parse<readonly string[]> = (value, key) => {
  const lines = texts(value, key);
  const wrong = lines.find((line) => !/^[^=]+=/.test(line));
  return wrong === undefined ? lines : mistake(key, 'texts such as "NAME=VALUE"', wrong);
};

/** A path from the root, with or without `unix://`; '' where the default is wanted. */
export const path: Parse<string> = (value, key) => {
  const found = text(value, key).replace(/^unix:\/\//, '');
  if (found === '' || found.startsWith('/')) return found;
  throw new EngineError('invalid-argument', `Cannot use ${key} of the configuration: "${found}" is no absolute path`);
};

export const paths: Parse<readonly string[]> = (value, key) =>
  texts(value, key).map((item) => path(item, key) || mistake(key, 'paths that are not empty', value));

export const level: Parse<LogLevel> = (value, key) => {
  const word = text(value, key);
  const found = parseLogLevel(word === '' ? 'info' : word);
  if (found !== undefined) return found;
  throw new EngineError(
    'invalid-argument',
    `Cannot use ${key} of the configuration: "${word}" is no log level; levels are trace, debug, info, warn, error`,
  );
};

export function oneOf<T extends string>(first: T, ...others: readonly T[]): Parse<T> {
  const words = [first, ...others];
  return (value, key) => {
    const word = text(value, key);
    const found = word === '' ? first : words.find((known) => known === word);
    return found ?? mistake(key, `one of ${words.map((known) => `"${known}"`).join(', ')}`, value);
  };
}

/** A time as Go writes it ("1m30s", "100ms", "0"), in milliseconds. */
export const duration: Parse<number> = (value, key) => {
  const written = text(value, key);
  const nanoseconds = written === '' ? 0n : parseGoDuration(written);
  if (nanoseconds === undefined || nanoseconds < 0n) return mistake(key, 'a time such as "10s" or "1m30s"', value);
  return Number(nanoseconds) / 1e6;
};

const numberOf = (value: TomlValue): number =>
  typeof value === 'number' || typeof value === 'bigint' ? Number(value) : Number.NaN;

export function mistake(key: string, expected: string, found: TomlValue): never {
  const shown = typeof found === 'bigint' ? String(found) : JSON.stringify(found);
  throw new EngineError(
    'invalid-argument',
    `Cannot use ${key} of the configuration: expected ${expected}, found ${shown.slice(0, 200)}`,
  );
}
