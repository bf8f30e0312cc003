import { EngineError } from '#/base/errors.ts';
import type { ChangeJournal } from '#/core/metadata/change-journal.ts';
import { textOf } from '#/core/metadata/columns.ts';
import type { Reader, Transaction } from '#/core/metadata/contract.ts';
import type { Database } from '#/core/metadata/database.ts';

export function readNames(database: Database): Pick<Reader, 'findName' | 'listNames'> {
  return {
    findName: (namespace, name) => {
      const row = database.find('SELECT container FROM names WHERE namespace = ? AND name = ?', namespace, name);
      return row === undefined ? undefined : textOf(row, 'container');
    },
    listNames: (namespace) =>
      new Map(
        database
          .all('SELECT name, container FROM names WHERE namespace = ? ORDER BY name', namespace)
          .map((row) => [textOf(row, 'name'), textOf(row, 'container')]),
      ),
  };
}

export function writeNames(
  database: Database,
  journal: ChangeJournal,
): Pick<Transaction, 'reserveName' | 'releaseName'> {
  const { findName } = readNames(database);
  return {
    reserveName: (namespace, name, containerId) => {
      journal.requireOpen();
      const holder = findName(namespace, name);
      if (holder === containerId) return;
      if (holder !== undefined)
        throw new EngineError(
          'conflict',
          `Cannot name container "${containerId}" "${name}": container "${holder}" has that name; remove or rename it`,
        );
      database.run('INSERT INTO names (namespace, name, container) VALUES (?, ?, ?)', namespace, name, containerId);
    },
    releaseName: (namespace, name) => {
      journal.requireOpen();
      database.run('DELETE FROM names WHERE namespace = ? AND name = ?', namespace, name);
    },
  };
}

/** Within the transaction that deletes the container. */
export function releaseNamesOf(database: Database, namespace: string, containerId: string): void {
  database.run('DELETE FROM names WHERE namespace = ? AND container = ?', namespace, containerId);
}
