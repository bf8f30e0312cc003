import { jsonOf, labelsOf, numberOf, textOf, timeOf } from '#/core/metadata/columns.ts';
import type { ActivationRecord } from '#/core/metadata/contract.ts';
import { wholeKey, type RecordTable } from '#/core/metadata/record-table.ts';

export const mountTable: RecordTable<ActivationRecord> = {
  kind: 'mount',
  table: 'mounts',
  keyColumns: ['name'],
  splitKey: wholeKey,
  keyOf: (activation) => activation.name,
  columns: ['id', 'complete', 'lease', 'active', 'system', 'labels', 'created_at', 'updated_at'],
  encode: ({ id, complete, lease, active, system, labels, createdAt, updatedAt }) => [
    id,
    complete ? 1 : 0,
    lease,
    JSON.stringify(active),
    JSON.stringify(system),
    JSON.stringify(labels),
    createdAt,
    updatedAt,
  ],
  decode: (row) => ({
    name: textOf(row, 'name'),
    id: numberOf(row, 'id'),
    complete: numberOf(row, 'complete') === 1,
    lease: textOf(row, 'lease'),
    active: jsonOf(row, 'active'),
    system: jsonOf(row, 'system'),
    labels: labelsOf(row),
    createdAt: timeOf(row, 'created_at'),
    updatedAt: timeOf(row, 'updated_at'),
  }),
};
