import { EngineError } from '#/base/errors.ts';
import { numberOf, textOf } from '#/core/metadata/columns.ts';
import type { Change, LeaseResource, RecordKind } from '#/core/metadata/contract.ts';
import type { Database, Row } from '#/core/metadata/database.ts';

/** How many changes are kept, and after how many new ones the oldest are cut off. */
const kept = 100_000;
const trimEvery = 512;

/** Appends to the change log inside a transaction, and collects what that transaction appended. */
export interface ChangeJournal {
  /** Throws when no transaction runs: its Transaction was kept beyond its end. */
  requireOpen(): void;
  record(namespace: string, kind: RecordKind, id: string, op: Change['op']): void;
  /** A lease keeps one thing more. It is no change of a record, but the collector must hear of it. */
  leased(namespace: string, lease: string, resource: LeaseResource): void;
  begin(): void;
  /** Ends the collection and returns what was recorded since `begin`. */
  end(): readonly Change[];
}

/** Hears of each write at once, while its transaction may still be rolled back. */
export interface JournalObserver {
  changed(change: Change): void;
  leased(namespace: string, lease: string, resource: LeaseResource): void;
}

const nobody: JournalObserver = { changed: () => {}, leased: () => {} };

export function createChangeJournal(database: Database, observer: JournalObserver = nobody): ChangeJournal {
  let open: Change[] | undefined;
  const requireOpen = (): Change[] => {
    if (open !== undefined) return open;
    throw new EngineError('internal', 'Cannot change metadata: the transaction is over');
  };
  return {
    requireOpen,
    record: (namespace, kind, id, op) => {
      const changes = requireOpen();
      const row = database.find(
        'INSERT INTO changes (namespace, kind, id, op) VALUES (?, ?, ?, ?) RETURNING seq',
        namespace,
        kind,
        id,
        op,
      );
      const seq = row === undefined ? 0 : numberOf(row, 'seq');
      const change: Change = { seq, namespace, kind, id, op };
      changes.push(change);
      observer.changed(change);
      if (seq % trimEvery === 0) database.run('DELETE FROM changes WHERE seq <= ?', seq - kept);
    },
    leased: (namespace, lease, resource) => {
      requireOpen();
      observer.leased(namespace, lease, resource);
    },
    begin: () => {
      open = [];
    },
    end: () => {
      const changes = open ?? [];
      open = undefined;
      return changes;
    },
  };
}

export function changesSince(database: Database, seq: number, limit: number): Change[] {
  return database.all('SELECT * FROM changes WHERE seq > ? ORDER BY seq LIMIT ?', seq, limit).map(decodeChange);
}

/** The number of the last change ever made; 0 when there was none. */
export function lastChange(database: Database): number {
  const row = database.find("SELECT seq FROM sqlite_sequence WHERE name = 'changes'");
  return row === undefined ? 0 : numberOf(row, 'seq');
}

/** The oldest change that is still kept: whoever has folded less than the one before it must read the records anew. */
export function firstChange(database: Database): number {
  const row = database.find('SELECT seq FROM changes ORDER BY seq LIMIT 1');
  return row === undefined ? lastChange(database) + 1 : numberOf(row, 'seq');
}

function decodeChange(row: Row): Change {
  return {
    seq: numberOf(row, 'seq'),
    namespace: textOf(row, 'namespace'),
    kind: textOf(row, 'kind') as RecordKind,
    id: textOf(row, 'id'),
    op: textOf(row, 'op') as Change['op'],
  };
}
