import { labelsOf, numberOf, textOf, timeOf } from '#/core/metadata/columns.ts';
import { snapshotRecordKey, type SnapshotKind, type SnapshotRecord } from '#/core/metadata/contract.ts';
import type { RecordTable } from '#/core/metadata/record-table.ts';

/** Names of snapshotters have no slash; keys may. */
function splitSnapshotKey(key: string): readonly string[] {
  const slash = key.indexOf('/');
  return slash === -1 ? ['', key] : [key.slice(0, slash), key.slice(slash + 1)];
}

const optional = <K extends 'backendKey' | 'unsynced'>(name: K, text: string): Partial<Record<K, string>> =>
  text === '' ? {} : ({ [name]: text } as Record<K, string>);

export const snapshotTable: RecordTable<SnapshotRecord> = {
  kind: 'snapshot',
  table: 'snapshots',
  keyColumns: ['snapshotter', 'key'],
  splitKey: splitSnapshotKey,
  keyOf: (snapshot) => snapshotRecordKey(snapshot.snapshotter, snapshot.key),
  columns: ['id', 'kind', 'parent', 'backend_key', 'unsynced', 'size', 'inodes', 'labels', 'created_at', 'updated_at'],
  encode: (snapshot) => [
    snapshot.id,
    snapshot.kind,
    snapshot.parent,
    snapshot.backendKey ?? '',
    snapshot.unsynced ?? '',
    snapshot.size,
    snapshot.inodes,
    JSON.stringify(snapshot.labels),
    snapshot.createdAt,
    snapshot.updatedAt,
  ],
  decode: (row) => ({
    snapshotter: textOf(row, 'snapshotter'),
    key: textOf(row, 'key'),
    id: numberOf(row, 'id'),
    kind: textOf(row, 'kind') as SnapshotKind,
    parent: textOf(row, 'parent'),
    ...optional('backendKey', textOf(row, 'backend_key')),
    ...optional('unsynced', textOf(row, 'unsynced')),
    size: numberOf(row, 'size'),
    inodes: numberOf(row, 'inodes'),
    labels: labelsOf(row),
    createdAt: timeOf(row, 'created_at'),
    updatedAt: timeOf(row, 'updated_at'),
  }),
};
