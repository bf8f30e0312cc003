import type { TypedValue } from '#/base/any.ts';
import { bytesOf, jsonOf, labelsOf, textOf, timeOf, typedValueOf } from '#/core/metadata/columns.ts';
import type { ContainerRecord } from '#/core/metadata/contract.ts';
import { wholeKey, type RecordTable } from '#/core/metadata/record-table.ts';

/** Extensions lie in one JSON column, their bytes in base64. */
type StoredExtensions = Readonly<Record<string, { readonly typeUrl: string; readonly value: string }>>;

function encodeExtensions(extensions: ContainerRecord['extensions']): string {
  const stored = Object.entries(extensions).map(([key, { typeUrl, value }]) => [
    key,
    { typeUrl, value: value.toBase64() },
  ]);
  return JSON.stringify(Object.fromEntries(stored));
}

function decodeExtensions(stored: StoredExtensions): Readonly<Record<string, TypedValue>> {
  return Object.fromEntries(
    Object.entries(stored).map(([key, { typeUrl, value }]) => [key, { typeUrl, value: Uint8Array.fromBase64(value) }]),
  );
}

export const containerTable: RecordTable<ContainerRecord> = {
  kind: 'container',
  table: 'containers',
  keyColumns: ['id'],
  splitKey: wholeKey,
  keyOf: (container) => container.id,
  columns: [
    'image',
    'runtime',
    'options_type',
    'options',
    'spec_type',
    'spec',
    'snapshotter',
    'snapshot_key',
    'extensions',
    'sandbox',
    'labels',
    'created_at',
    'updated_at',
  ],
  encode: (container) => [
    container.image,
    container.runtime.name,
    container.runtime.options?.typeUrl ?? null,
    container.runtime.options?.value ?? null,
    container.spec.typeUrl,
    container.spec.value,
    container.snapshotter,
    container.snapshotKey,
    encodeExtensions(container.extensions),
    container.sandbox,
    JSON.stringify(container.labels),
    container.createdAt,
    container.updatedAt,
  ],
  decode: (row) => {
    const options = typedValueOf(row, 'options_type', 'options');
    return {
      id: textOf(row, 'id'),
      image: textOf(row, 'image'),
      runtime: { name: textOf(row, 'runtime'), ...(options === undefined ? {} : { options }) },
      spec: { typeUrl: textOf(row, 'spec_type'), value: bytesOf(row, 'spec') },
      snapshotter: textOf(row, 'snapshotter'),
      snapshotKey: textOf(row, 'snapshot_key'),
      extensions: decodeExtensions(jsonOf(row, 'extensions')),
      sandbox: textOf(row, 'sandbox'),
      labels: labelsOf(row),
      createdAt: timeOf(row, 'created_at'),
      updatedAt: timeOf(row, 'updated_at'),
    };
  },
};
