import { jsonOf, labelsOf, textOf, timeOf } from '#/core/metadata/columns.ts';
import type { ImageRecord } from '#/core/metadata/contract.ts';
import { wholeKey, type RecordTable } from '#/core/metadata/record-table.ts';

export const imageTable: RecordTable<ImageRecord> = {
  kind: 'image',
  table: 'images',
  keyColumns: ['name'],
  splitKey: wholeKey,
  keyOf: (image) => image.name,
  columns: ['target', 'labels', 'created_at', 'updated_at'],
  encode: (image) => [JSON.stringify(image.target), JSON.stringify(image.labels), image.createdAt, image.updatedAt],
  decode: (row) => ({
    name: textOf(row, 'name'),
    target: jsonOf(row, 'target'),
    labels: labelsOf(row),
    createdAt: timeOf(row, 'created_at'),
    updatedAt: timeOf(row, 'updated_at'),
  }),
};
