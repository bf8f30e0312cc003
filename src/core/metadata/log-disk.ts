import { open, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { syncDirectory } from '#/base/atomic-file.ts';
import { EngineError, errnoOf, messageOf } from '#/base/errors.ts';
import { numberOf } from '#/core/metadata/columns.ts';
import type { Database } from '#/core/metadata/database.ts';

/**
 * Makes commits durable beside the event loop, and folds the write-ahead log back into the main file.
 *
 * SQLite never syncs here: a commit only appends to the log, and `syncLog` then puts the log on the disk. `fold` copies
 * the log's pages into the main file, syncs that, and only then lets the log start over; a crash in between finds the
 * log whole and copies again. No commit may happen while `fold` runs.
 */
export interface LogDisk extends AsyncDisposable {
  syncLog(): Promise<void>;
  /** Pages in the log since it last started over. */
  logLength(): number;
  /** Resolves to false when the log could not be copied; it goes on growing, and nothing is lost. */
  fold(): Promise<boolean>;
}

/**
 * Opens the main file's handle. It must come before the database is opened and go after that was closed: closing any
 * handle of the file gives up SQLite's locks on it (fcntl(2) locks belong to the process, not to the handle).
 */
export async function openMainFile(path: string): Promise<FileHandle> {
  return await open(path, 'r');
}

export async function openLogDisk(database: Database, mainFile: FileHandle): Promise<LogDisk> {
  const log = await open(`${database.path}-wal`, 'r');
  await sync(log, database.path);
  await syncDirectory(dirname(database.path));
  return {
    syncLog: () => sync(log, database.path),
    logLength: () => {
      const row = database.find('PRAGMA wal_checkpoint(NOOP)');
      return row === undefined ? 0 : numberOf(row, 'log');
    },
    fold: () => fold(database, mainFile),
    [Symbol.asyncDispose]: () => log.close(),
  };
}

async function fold(database: Database, mainFile: FileHandle): Promise<boolean> {
  database.exec('PRAGMA synchronous = OFF');
  try {
    if (!copied(() => database.find('PRAGMA wal_checkpoint(PASSIVE)'))) return false;
    await sync(mainFile, database.path);
    return copied(() => database.run(startLogOver));
  } finally {
    database.exec('PRAGMA synchronous = NORMAL');
  }
}

/** The first commit after a full copy writes the log's new head; done here, where no caller waits for its sync. */
const startLogOver = `INSERT INTO counters (name, value) VALUES ('metadata/folds', 1)
  ON CONFLICT DO UPDATE SET value = value + 1`;

/** A full disk stops a copy, but the log still has all. */
function copied(work: () => unknown): boolean {
  try {
    work();
    return true;
  } catch (error) {
    if (error instanceof EngineError) return false;
    throw error;
  }
}

async function sync(file: FileHandle, path: string): Promise<void> {
  try {
    await file.datasync();
  } catch (error) {
    const kind = errnoOf(error) === 'ENOSPC' || errnoOf(error) === 'EDQUOT' ? 'resource-exhausted' : 'data-loss';
    throw new EngineError(kind, `Cannot put the metadata file "${path}" on the disk: ${messageOf(error)}`, {
      cause: error,
    });
  }
}
