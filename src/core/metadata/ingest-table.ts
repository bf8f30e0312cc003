import { numberOf, textOf, timeOf } from '#/core/metadata/columns.ts';
import type { IngestRecord } from '#/core/metadata/contract.ts';
import { wholeKey, type RecordTable } from '#/core/metadata/record-table.ts';

export const ingestTable: RecordTable<IngestRecord> = {
  kind: 'ingest',
  table: 'ingests',
  keyColumns: ['ref'],
  splitKey: wholeKey,
  keyOf: (ingest) => ingest.ref,
  columns: ['directory', 'expected', 'total', 'expires_at', 'started_at', 'updated_at'],
  encode: (ingest) => [
    ingest.directory,
    ingest.expected,
    ingest.total,
    ingest.expiresAt,
    ingest.startedAt,
    ingest.updatedAt,
  ],
  decode: (row) => ({
    ref: textOf(row, 'ref'),
    directory: textOf(row, 'directory'),
    expected: textOf(row, 'expected'),
    total: numberOf(row, 'total'),
    expiresAt: timeOf(row, 'expires_at'),
    startedAt: timeOf(row, 'started_at'),
    updatedAt: timeOf(row, 'updated_at'),
  }),
};
