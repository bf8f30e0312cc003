import { labelsOf, numberOf, textOf, timeOf } from '#/core/metadata/columns.ts';
import type { ContentRecord } from '#/core/metadata/contract.ts';
import { wholeKey, type RecordTable } from '#/core/metadata/record-table.ts';
import { parseDigest } from '#/oci/digest.ts';

export const contentTable: RecordTable<ContentRecord> = {
  kind: 'content',
  table: 'content',
  keyColumns: ['digest'],
  splitKey: wholeKey,
  keyOf: (blob) => blob.digest,
  columns: ['size', 'labels', 'created_at', 'updated_at'],
  encode: (blob) => [blob.size, JSON.stringify(blob.labels), blob.createdAt, blob.updatedAt],
  decode: (row) => ({
    digest: parseDigest(textOf(row, 'digest')),
    size: numberOf(row, 'size'),
    labels: labelsOf(row),
    createdAt: timeOf(row, 'created_at'),
    updatedAt: timeOf(row, 'updated_at'),
  }),
};
