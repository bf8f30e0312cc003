import { labelsOf, textOf, timeOf } from '#/core/metadata/columns.ts';
import type { LeaseRecord } from '#/core/metadata/contract.ts';
import { wholeKey, type RecordTable } from '#/core/metadata/record-table.ts';

export const leaseTable: RecordTable<LeaseRecord> = {
  kind: 'lease',
  table: 'leases',
  keyColumns: ['id'],
  splitKey: wholeKey,
  keyOf: (lease) => lease.id,
  columns: ['labels', 'created_at'],
  encode: (lease) => [JSON.stringify(lease.labels), lease.createdAt],
  decode: (row) => ({ id: textOf(row, 'id'), labels: labelsOf(row), createdAt: timeOf(row, 'created_at') }),
};
