import { textOf } from '#/core/metadata/columns.ts';
import type { Reader } from '#/core/metadata/contract.ts';
import type { Database } from '#/core/metadata/database.ts';

/** Questions to one index each, of which many may be asked in a row. */
export function readKeepers(database: Database): Pick<Reader, 'findChild' | 'isSnapshotNumber' | 'isAwaited'> {
  return {
    findChild: (namespace, snapshotter, key) => {
      const sql = 'SELECT key FROM snapshots WHERE namespace = ? AND snapshotter = ? AND parent = ? LIMIT 1';
      const row = database.find(sql, namespace, snapshotter, key);
      return row === undefined ? undefined : textOf(row, 'key');
    },
    isSnapshotNumber: (snapshotter, id) =>
      database.find('SELECT 1 FROM snapshots WHERE snapshotter = ? AND id = ? LIMIT 1', snapshotter, id) !== undefined,
    isAwaited: (digest) => database.find('SELECT 1 FROM ingests WHERE expected = ? LIMIT 1', digest) !== undefined,
  };
}
