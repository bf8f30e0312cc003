import { EngineError } from '#/base/errors.ts';
import type { ChangeJournal } from '#/core/metadata/change-journal.ts';
import { labelsOf, numberOf, textOf } from '#/core/metadata/columns.ts';
import type { NamespaceRecord, RecordKind, Transaction } from '#/core/metadata/contract.ts';
import type { Database, Row } from '#/core/metadata/database.ts';

export function findNamespace(database: Database, name: string): NamespaceRecord | undefined {
  const row = database.find('SELECT * FROM namespaces WHERE name = ?', name);
  return row === undefined ? undefined : decodeNamespace(row);
}

export function listNamespaces(database: Database): NamespaceRecord[] {
  return database.all('SELECT * FROM namespaces ORDER BY name').map(decodeNamespace);
}

function decodeNamespace(row: Row): NamespaceRecord {
  return { name: textOf(row, 'name'), labels: labelsOf(row) };
}

function insertNamespace(database: Database, journal: ChangeJournal, { name, labels }: NamespaceRecord): boolean {
  const sql = 'INSERT INTO namespaces (name, labels) VALUES (?, ?) ON CONFLICT DO NOTHING';
  if (database.run(sql, name, JSON.stringify(labels)) === 0) return false;
  journal.record(name, 'namespace', name, 'create');
  return true;
}

/** Any record may be written into a namespace that nobody made: it comes to be. */
export function ensureNamespace(database: Database, journal: ChangeJournal, name: string): void {
  insertNamespace(database, journal, { name, labels: {} });
}

export function writeNamespaces(
  database: Database,
  journal: ChangeJournal,
): Pick<Transaction, 'createNamespace' | 'putNamespace' | 'deleteNamespace'> {
  return {
    createNamespace: (record) => {
      journal.requireOpen();
      if (!insertNamespace(database, journal, record))
        throw new EngineError('already-exists', `Cannot create namespace "${record.name}": it exists already`);
    },
    putNamespace: (record) => {
      journal.requireOpen();
      if (insertNamespace(database, journal, record)) return;
      database.run('UPDATE namespaces SET labels = ? WHERE name = ?', JSON.stringify(record.labels), record.name);
      journal.record(record.name, 'namespace', record.name, 'update');
    },
    deleteNamespace: (name) => {
      journal.requireOpen();
      if (findNamespace(database, name) === undefined)
        throw new EngineError('not-found', `Cannot delete namespace "${name}": no such namespace`);
      requireEmpty(database, name);
      deleteLeftovers(database, journal, name);
      database.run('DELETE FROM namespaces WHERE name = ?', name);
      journal.record(name, 'namespace', name, 'delete');
    },
  };
}

function requireEmpty(database: Database, name: string): void {
  const left = [
    countOf(database, 'images', name, 'image'),
    countOf(database, 'content', name, 'blob'),
    countOf(database, 'containers', name, 'container'),
    countOf(database, 'sandboxes', name, 'sandbox'),
    countOf(database, 'mounts', name, 'active mount'),
    ...database
      .all('SELECT snapshotter, count(*) AS n FROM snapshots WHERE namespace = ? GROUP BY snapshotter', name)
      .map((row) => `${plural(numberOf(row, 'n'), 'snapshot')} on "${textOf(row, 'snapshotter')}"`),
  ].filter((text) => text !== '');
  if (left.length === 0) return;
  throw new EngineError(
    'failed-precondition',
    `Cannot delete namespace "${name}": it still has ${left.join(', ')}; remove them first`,
  );
}

function countOf(database: Database, table: string, namespace: string, noun: string): string {
  const row = database.find(`SELECT count(*) AS n FROM ${table} WHERE namespace = ?`, namespace);
  const count = row === undefined ? 0 : numberOf(row, 'n');
  return count === 0 ? '' : plural(count, noun);
}

function plural(count: number, noun: string): string {
  if (count === 1) return `1 ${noun}`;
  return `${count} ${noun}${noun.endsWith('x') ? 'es' : 's'}`;
}

/** Leases, unfinished uploads and names do not keep a namespace; they go with it. */
function deleteLeftovers(database: Database, journal: ChangeJournal, namespace: string): void {
  const leftovers: readonly (readonly [RecordKind, string, string])[] = [
    ['lease', 'leases', 'id'],
    ['ingest', 'ingests', 'ref'],
  ];
  for (const [kind, table, column] of leftovers) {
    const rows = database.all(`DELETE FROM ${table} WHERE namespace = ? RETURNING ${column} AS key`, namespace);
    for (const row of rows) journal.record(namespace, kind, textOf(row, 'key'), 'delete');
  }
  database.run('DELETE FROM names WHERE namespace = ?', namespace);
}
