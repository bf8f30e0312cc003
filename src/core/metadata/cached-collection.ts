import { textOf } from '#/core/metadata/columns.ts';
import type { ReadCollection } from '#/core/metadata/contract.ts';
import type { Database } from '#/core/metadata/database.ts';
import { readCollection, type RecordTable } from '#/core/metadata/record-table.ts';

/** A collection whose decoded records are kept until they are written. */
export interface CachedCollection<R> extends ReadCollection<R> {
  /** Must be called for each record that a transaction writes. */
  forget(namespace: string, key: string): void;
}

/**
 * For a table whose rows are large and read often: a runtime spec has some ten kilobytes, and kubelet lists all
 * containers every second. At most `limit` records are kept. What is read while a transaction is open is not: it may be
 * rolled back.
 */
export function cachedCollection<R>(database: Database, table: RecordTable<R>, limit: number): CachedCollection<R> {
  const stored = readCollection(database, table);
  const [keyColumn = ''] = table.keyColumns;
  const keys = `SELECT ${keyColumn} AS key FROM ${table.table} WHERE namespace = ? ORDER BY ${keyColumn}`;
  const records = new Map<string, R>();
  const placeOf = (namespace: string, key: string): string => `${namespace}\0${key}`;
  const find = (namespace: string, key: string): R | undefined => {
    if (database.inTransaction) return stored.find(namespace, key);
    const known = records.get(placeOf(namespace, key));
    if (known !== undefined) return known;
    const record = stored.find(namespace, key);
    if (record !== undefined && records.size < limit) records.set(placeOf(namespace, key), record);
    return record;
  };
  return {
    find,
    get: (namespace, key) => find(namespace, key) ?? stored.get(namespace, key),
    list: (namespace) =>
      database.all(keys, namespace).flatMap((row) => {
        const record = find(namespace, textOf(row, 'key'));
        return record === undefined ? [] : [record];
      }),
    listAfter: (namespace, key, limit) => stored.listAfter(namespace, key, limit),
    holders: (key) => stored.holders(key),
    forget: (namespace, key) => {
      records.delete(placeOf(namespace, key));
    },
  };
}
