/** Values of the metadata file's columns as the records have them. A column of another type is `data-loss`. */
import type { Labels, TypedValue } from '#/base/any.ts';
import type { Nanoseconds } from '#/base/clock.ts';
import { EngineError } from '#/base/errors.ts';
import type { Row } from '#/core/metadata/database.ts';

export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value === 'string') return value;
  throw unexpected(column, value);
}

export function timeOf(row: Row, column: string): Nanoseconds {
  const value = row[column];
  if (typeof value === 'bigint') return value;
  throw unexpected(column, value);
}

export function numberOf(row: Row, column: string): number {
  return Number(timeOf(row, column));
}

export function bytesOf(row: Row, column: string): Uint8Array {
  const value = row[column];
  if (value instanceof Uint8Array) return value;
  throw unexpected(column, value);
}

/** A column that this program wrote as JSON. */
export function jsonOf<T>(row: Row, column: string): T {
  return JSON.parse(textOf(row, column)) as T;
}

export function labelsOf(row: Row, column = 'labels'): Labels {
  const text = textOf(row, column);
  return text === '{}' ? {} : (JSON.parse(text) as Labels);
}

/** A typed value that may be absent, kept in two columns. */
export function typedValueOf(row: Row, typeColumn: string, valueColumn: string): TypedValue | undefined {
  if (row[typeColumn] === null) return undefined;
  return { typeUrl: textOf(row, typeColumn), value: bytesOf(row, valueColumn) };
}

function unexpected(column: string, value: unknown): EngineError {
  return new EngineError(
    'data-loss',
    `Cannot read column "${column}" of the metadata file: it holds a ${typeof value}`,
  );
}
