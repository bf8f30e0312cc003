import { labelsOf, textOf, timeOf, typedValueOf } from '#/core/metadata/columns.ts';
import type { SandboxRecord } from '#/core/metadata/contract.ts';
import { decodeExtensions, encodeExtensions } from '#/core/metadata/extensions-column.ts';
import { wholeKey, type RecordTable } from '#/core/metadata/record-table.ts';

export const sandboxTable: RecordTable<SandboxRecord> = {
  kind: 'sandbox',
  table: 'sandboxes',
  keyColumns: ['id'],
  splitKey: wholeKey,
  keyOf: (sandbox) => sandbox.id,
  columns: [
    'runtime',
    'options_type',
    'options',
    'sandboxer',
    'spec_type',
    'spec',
    'extensions',
    'labels',
    'created_at',
    'updated_at',
  ],
  encode: (sandbox) => [
    sandbox.runtime.name,
    sandbox.runtime.options?.typeUrl ?? null,
    sandbox.runtime.options?.value ?? null,
    sandbox.sandboxer,
    sandbox.spec?.typeUrl ?? null,
    sandbox.spec?.value ?? null,
    encodeExtensions(sandbox.extensions),
    JSON.stringify(sandbox.labels),
    sandbox.createdAt,
    sandbox.updatedAt,
  ],
  decode: (row) => {
    const options = typedValueOf(row, 'options_type', 'options');
    const spec = typedValueOf(row, 'spec_type', 'spec');
    return {
      id: textOf(row, 'id'),
      runtime: { name: textOf(row, 'runtime'), ...(options === undefined ? {} : { options }) },
      sandboxer: textOf(row, 'sandboxer'),
      ...(spec === undefined ? {} : { spec }),
      extensions: decodeExtensions(row),
      labels: labelsOf(row),
      createdAt: timeOf(row, 'created_at'),
      updatedAt: timeOf(row, 'updated_at'),
    };
  },
};
