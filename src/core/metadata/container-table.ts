import { bytesOf, labelsOf, textOf, timeOf, typedValueOf } from '#/core/metadata/columns.ts';
import type { ContainerRecord } from '#/core/metadata/contract.ts';
import { decodeExtensions, encodeExtensions } from '#/core/metadata/extensions-column.ts';
import { wholeKey, type RecordTable } from '#/core/metadata/record-table.ts';

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
      extensions: decodeExtensions(row),
      sandbox: textOf(row, 'sandbox'),
      labels: labelsOf(row),
      createdAt: timeOf(row, 'created_at'),
      updatedAt: timeOf(row, 'updated_at'),
    };
  },
};
