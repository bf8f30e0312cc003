import { parse, TomlError } from 'smol-toml';
import { EngineError } from '#/base/errors.ts';

export type TomlValue = string | number | bigint | boolean | Date | readonly TomlValue[] | TomlTable;
export interface TomlTable {
  readonly [name: string]: TomlValue;
}

/** Reads a document. Throws `invalid-argument` with the place of a mistake. */
export function parseToml(source: string, path: string): TomlTable {
  try {
    return plainTable(parse(source) as TomlTable);
  } catch (cause) {
    throw new EngineError('invalid-argument', `Cannot read configuration "${path}": ${mistakeOf(cause)}`);
  }
}

/** Of the parser's text its first line: below it, the place is drawn. */
function mistakeOf(cause: unknown): string {
  if (!(cause instanceof TomlError)) return String(cause);
  const what = cause.message.split('\n')[0]?.replace(/^Invalid TOML document: /, '');
  return `line ${cause.line}, column ${cause.column}: ${what}`;
}

/** The parser's tables have no prototype, so that they equal nothing that was written here. */
const plainTable = (table: TomlTable): TomlTable =>
  Object.fromEntries(Object.entries(table).map(([name, value]) => [name, plain(value)]));

function plain(value: TomlValue): TomlValue {
  if (Array.isArray(value)) return (value as readonly TomlValue[]).map(plain);
  return isTable(value) ? plainTable(value) : value;
}

export function isTable(value: TomlValue | undefined): value is TomlTable {
  return typeof value === 'object' && !Array.isArray(value) && !(value instanceof Date);
}

/** The table at `path`; an empty one where there is none. */
export function tableAt(table: TomlTable, ...path: readonly string[]): TomlTable {
  const found = valueAt(table, ...path);
  return isTable(found) ? found : {};
}

export function valueAt(table: TomlTable, ...path: readonly string[]): TomlValue | undefined {
  let value: TomlValue | undefined = table;
  for (const name of path) {
    if (!isTable(value) || !Object.hasOwn(value, name)) return undefined;
    value = value[name];
  }
  return value;
}

/** A key as it is written in a file: `plugins."io.containerd.gc.v1.scheduler".pause_threshold`. */
export function formatKey(path: readonly string[]): string {
  return path.map((name) => (/^[\w-]+$/.test(name) ? name : JSON.stringify(name))).join('.');
}

export const pickKeys = (table: TomlTable, names: readonly string[]): TomlTable =>
  keepKeys(table, (name) => names.includes(name));

export const omitKeys = (table: TomlTable, names: readonly string[]): TomlTable =>
  keepKeys(table, (name) => !names.includes(name));

const keepKeys = (table: TomlTable, keep: (name: string) => boolean): TomlTable =>
  Object.fromEntries(Object.entries(table).filter(([name]) => keep(name)));
