import type { SQLInputValue } from 'node:sqlite';
import { EngineError } from '#/base/errors.ts';
import type { ReadCollection, RecordKind, WriteCollection } from '#/core/metadata/contract.ts';
import { textOf } from '#/core/metadata/columns.ts';
import type { Database, Row } from '#/core/metadata/database.ts';
import type { ChangeJournal } from '#/core/metadata/change-journal.ts';

/** How one kind of record lies in its table: rows ⇄ records, and nothing else. */
export interface RecordTable<R> {
  readonly kind: RecordKind;
  readonly table: string;
  /** The key's columns beside the namespace, and the values of the key in their order. */
  readonly keyColumns: readonly string[];
  splitKey(key: string): readonly string[];
  keyOf(record: R): string;
  /** The other columns, and a record's values in their order. */
  readonly columns: readonly string[];
  encode(record: R): readonly SQLInputValue[];
  decode(row: Row): R;
}

/** The key of most kinds is one column. */
export const wholeKey = (key: string): readonly string[] => [key];

const noun = (kind: RecordKind): string => (kind === 'content' ? 'blob' : kind);

function missing(kind: RecordKind, namespace: string, key: string, tried: string): EngineError {
  const what = noun(kind);
  return new EngineError('not-found', `Cannot ${tried} ${what} "${key}" in namespace "${namespace}": no such ${what}`);
}

export function readCollection<R>(database: Database, table: RecordTable<R>): ReadCollection<R> {
  const matches = table.keyColumns.map((column) => `${column} = ?`).join(' AND ');
  const one = `SELECT * FROM ${table.table} WHERE namespace = ? AND ${matches}`;
  const columns = table.keyColumns.join(', ');
  const all = `SELECT * FROM ${table.table} WHERE namespace = ? ORDER BY ${columns}`;
  const after = `SELECT * FROM ${table.table} WHERE namespace = ? AND (${columns}) > (${table.keyColumns.map(() => '?').join(', ')})
    ORDER BY ${columns} LIMIT ?`;
  const holding = `SELECT name FROM namespaces WHERE EXISTS
    (SELECT 1 FROM ${table.table} WHERE namespace = namespaces.name AND ${matches}) ORDER BY name`;
  const find = (namespace: string, key: string): R | undefined => {
    const row = database.find(one, namespace, ...table.splitKey(key));
    return row === undefined ? undefined : table.decode(row);
  };
  return {
    find,
    get: (namespace, key) => {
      const record = find(namespace, key);
      if (record === undefined) throw missing(table.kind, namespace, key, 'find');
      return record;
    },
    list: (namespace) => database.all(all, namespace).map((row) => table.decode(row)),
    listAfter: (namespace, key, limit) =>
      database.all(after, namespace, ...table.splitKey(key), limit).map((row) => table.decode(row)),
    holders: (key) => database.all(holding, ...table.splitKey(key)).map((row) => textOf(row, 'name')),
  };
}

export function writeCollection<R>(
  database: Database,
  journal: ChangeJournal,
  table: RecordTable<R>,
  ensureNamespace: (name: string) => void,
): WriteCollection<R> {
  const every = ['namespace', ...table.keyColumns, ...table.columns];
  const matches = table.keyColumns.map((column) => `${column} = ?`).join(' AND ');
  const insert = `INSERT INTO ${table.table} (${every.join(', ')})
    VALUES (${every.map(() => '?').join(', ')}) ON CONFLICT DO NOTHING`;
  const replace = `UPDATE ${table.table} SET ${table.columns.map((column) => `${column} = ?`).join(', ')}
    WHERE namespace = ? AND ${matches}`;
  const remove = `DELETE FROM ${table.table} WHERE namespace = ? AND ${matches}`;
  return {
    ...readCollection(database, table),
    create: (namespace, record) => {
      const key = table.keyOf(record);
      journal.requireOpen();
      ensureNamespace(namespace);
      if (database.run(insert, namespace, ...table.splitKey(key), ...table.encode(record)) === 0)
        throw new EngineError(
          'already-exists',
          `Cannot create ${noun(table.kind)} "${key}" in namespace "${namespace}": it exists already`,
        );
      journal.record(namespace, table.kind, key, 'create');
    },
    update: (namespace, record) => {
      const key = table.keyOf(record);
      journal.requireOpen();
      if (database.run(replace, ...table.encode(record), namespace, ...table.splitKey(key)) === 0)
        throw missing(table.kind, namespace, key, 'update');
      journal.record(namespace, table.kind, key, 'update');
    },
    delete: (namespace, key) => {
      journal.requireOpen();
      if (database.run(remove, namespace, ...table.splitKey(key)) === 0)
        throw missing(table.kind, namespace, key, 'delete');
      journal.record(namespace, table.kind, key, 'delete');
    },
  };
}
