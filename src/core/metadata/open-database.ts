import { mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { EngineError, isKind, messageOf } from '#/base/errors.ts';
import { numberOf, textOf } from '#/core/metadata/columns.ts';
import { Database } from '#/core/metadata/database.ts';
import { migrations } from '#/core/metadata/schema.ts';

/** "brth": marks the file as ours, so that another program's database is never mistaken for it. */
const applicationId = 0x62727468;

/** Makes an empty file that only root can read, if there is none. It must be there before its lock-free handle is. */
export async function createMetadataFile(path: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await using _file = await open(path, 'a', 0o600);
  } catch (error) {
    throw new EngineError('unavailable', `Cannot open the metadata file "${path}": ${messageOf(error)}`, {
      cause: error,
    });
  }
}

/**
 * Opens the file, checks that it is whole and ours, and brings it to this program's layout. Throws `data-loss` for a
 * damaged file and `failed-precondition` for one that a newer program wrote; neither is touched.
 */
export function openDatabase(path: string, steps: readonly string[] = migrations): Database {
  examine(path, steps);
  using undo = new DisposableStack();
  const database = undo.use(new Database(path));
  configure(database);
  migrate(database, steps);
  undo.move();
  return database;
}

/** Through a connection that cannot write, so that a file we refuse stays as it is, its log included. */
function examine(path: string, steps: readonly string[]): void {
  using database = new Database(path, { readOnly: true });
  checkOwner(database);
  checkVersion(database, steps);
  checkIntegrity(database);
}

function pragma(database: Database, name: string): number {
  const row = database.find(`PRAGMA ${name}`);
  return row === undefined ? 0 : numberOf(row, name);
}

function checkOwner(database: Database): void {
  const owner = pragma(database, 'application_id');
  const tables = database.find('SELECT count(*) AS n FROM sqlite_schema');
  const empty = tables === undefined || numberOf(tables, 'n') === 0;
  if (owner === applicationId || (owner === 0 && empty)) return;
  throw new EngineError(
    'failed-precondition',
    `Cannot use "${database.path}" as the metadata file: it is a database of another program; choose another root`,
  );
}

function checkVersion(database: Database, steps: readonly string[]): void {
  const version = pragma(database, 'user_version');
  if (version <= steps.length) return;
  throw new EngineError(
    'failed-precondition',
    `Cannot use the metadata file "${database.path}": a newer berth wrote it (layout ${version}, this one knows up to ` +
      `${steps.length}); start that version again, or choose another root`,
  );
}

/** The log is synced and folded back by WriteQueue and LogDisk, never by SQLite within a commit. */
function configure(database: Database): void {
  const row = database.find('PRAGMA journal_mode = WAL');
  if (row === undefined || textOf(row, 'journal_mode') !== 'wal')
    throw new EngineError(
      'failed-precondition',
      `Cannot use the metadata file "${database.path}": its file system lacks shared memory maps, which SQLite's WAL needs`,
    );
  database.exec(`
    PRAGMA synchronous = NORMAL;
    PRAGMA wal_autocheckpoint = 0;
    PRAGMA foreign_keys = ON;
    PRAGMA temp_store = MEMORY;
  `);
}

function checkIntegrity(database: Database): void {
  const row = database.find('PRAGMA quick_check(1)');
  const verdict = row === undefined ? 'no answer' : textOf(row, 'quick_check');
  if (verdict === 'ok') return;
  throw new EngineError(
    'data-loss',
    `Cannot use the metadata file "${database.path}": it is damaged (${verdict.replaceAll('\n', ' ')}); nothing was ` +
      `changed: restore a copy, or move it away with its -wal and -shm files`,
  );
}

/** Each missing step is one transaction: after a crash the file has the step or has it not. */
function migrate(database: Database, steps: readonly string[]): void {
  for (let version = pragma(database, 'user_version'); version < steps.length; version++) {
    database.exec('BEGIN IMMEDIATE');
    try {
      database.exec(steps[version] ?? '');
      database.exec(`PRAGMA application_id = ${applicationId}; PRAGMA user_version = ${version + 1}; COMMIT`);
    } catch (error) {
      if (database.inTransaction) database.exec('ROLLBACK');
      throw describeFailedStep(database.path, version + 1, error);
    }
  }
}

function describeFailedStep(path: string, version: number, error: unknown): unknown {
  if (!isKind(error, 'internal') || !(error instanceof Error)) return error;
  return new EngineError(
    'internal',
    `Cannot bring the metadata file "${path}" to layout ${version}: ${error.message}; it is as it was before`,
    { cause: error },
  );
}
