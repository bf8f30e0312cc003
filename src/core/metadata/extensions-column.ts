import type { TypedValue } from '#/base/any.ts';
import { jsonOf } from '#/core/metadata/columns.ts';
import type { Row } from '#/core/metadata/database.ts';

type Extensions = Readonly<Record<string, TypedValue>>;

/** Extensions lie in one JSON column, their bytes in base64. */
type StoredExtensions = Readonly<Record<string, { readonly typeUrl: string; readonly value: string }>>;

export function encodeExtensions(extensions: Extensions): string {
  const stored = Object.entries(extensions).map(([key, { typeUrl, value }]) => [
    key,
    { typeUrl, value: value.toBase64() },
  ]);
  return JSON.stringify(Object.fromEntries(stored));
}

export function decodeExtensions(row: Row): Extensions {
  const stored = jsonOf<StoredExtensions>(row, 'extensions');
  return Object.fromEntries(
    Object.entries(stored).map(([key, { typeUrl, value }]) => [key, { typeUrl, value: Uint8Array.fromBase64(value) }]),
  );
}
