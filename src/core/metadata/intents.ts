import { EngineError } from '#/base/errors.ts';
import type { ChangeJournal } from '#/core/metadata/change-journal.ts';
import { jsonOf, numberOf, textOf, timeOf } from '#/core/metadata/columns.ts';
import type { Intent, Transaction } from '#/core/metadata/contract.ts';
import type { Database, Row } from '#/core/metadata/database.ts';

/** Oldest first: what was begun last is undone last. */
export function listIntents(database: Database, kind?: string): Intent[] {
  const rows =
    kind === undefined
      ? database.all('SELECT * FROM intents ORDER BY created_at, id')
      : database.all('SELECT * FROM intents WHERE kind = ? ORDER BY created_at, id', kind);
  return rows.map(decodeIntent);
}

function decodeIntent(row: Row): Intent {
  return {
    id: textOf(row, 'id'),
    namespace: textOf(row, 'namespace'),
    kind: textOf(row, 'kind'),
    detail: jsonOf(row, 'detail'),
    createdAt: timeOf(row, 'created_at'),
  };
}

export function writeIntents(
  database: Database,
  journal: ChangeJournal,
): Pick<Transaction, 'addIntent' | 'removeIntent' | 'nextNumber'> {
  return {
    addIntent: (intent) => {
      journal.requireOpen();
      const added = database.run(
        `INSERT INTO intents (id, namespace, kind, detail, created_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
        intent.id,
        intent.namespace,
        intent.kind,
        JSON.stringify(intent.detail),
        intent.createdAt,
      );
      if (added === 0)
        throw new EngineError('already-exists', `Cannot add intent "${intent.id}": one with this id exists already`);
    },
    removeIntent: (id) => {
      journal.requireOpen();
      database.run('DELETE FROM intents WHERE id = ?', id);
    },
    nextNumber: (counter) => {
      journal.requireOpen();
      const row = database.find(
        `INSERT INTO counters (name, value) VALUES (?, 1)
         ON CONFLICT DO UPDATE SET value = value + 1 RETURNING value`,
        counter,
      );
      if (row === undefined) throw new EngineError('internal', `Cannot count "${counter}": the counter is gone`);
      return numberOf(row, 'value');
    },
  };
}
