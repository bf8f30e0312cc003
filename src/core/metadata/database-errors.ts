import { EngineError, errnoOf, type ErrorKind } from '#/base/errors.ts';

/** What SQLite's primary result codes (the low byte) mean to a caller. What is not listed is `internal`. */
const kinds: Readonly<Record<number, readonly [ErrorKind, string]>> = {
  5: ['unavailable', 'another program holds its lock; close it and try again'],
  6: ['unavailable', 'another program holds its lock; close it and try again'],
  8: ['failed-precondition', 'it is read-only; make the file and its directory writable'],
  11: ['data-loss', 'it is damaged; nothing was changed: restore a copy, or move it away with its -wal and -shm files'],
  13: ['resource-exhausted', 'the disk is full; free some space'],
  14: ['unavailable', 'it cannot be opened; check that its directory exists and is writable'],
  26: ['data-loss', 'it is no SQLite database; nothing was changed: restore a copy, or move it away'],
};

/** The result code of a failed SQLite call; undefined when `error` is none. */
export function sqliteCodeOf(error: unknown): number | undefined {
  if (errnoOf(error) !== 'ERR_SQLITE_ERROR' || !(error instanceof Error) || !('errcode' in error)) return undefined;
  return typeof error.errcode === 'number' ? error.errcode & 0xff : undefined;
}

export const sqliteBusy = 5;
export const sqliteFull = 13;

/** Gives an error of the database its kind and a sentence that names the file; what is none of its errors passes. */
export function describeDatabaseError(path: string, error: unknown): unknown {
  const code = sqliteCodeOf(error);
  if (code !== undefined && error instanceof Error) {
    const [kind, advice] = kinds[code] ?? (['internal', ''] as const);
    const why = advice === '' ? error.message : `${advice} (${error.message})`;
    return new EngineError(kind, `Cannot use the metadata file "${path}": ${why}`, { cause: error });
  }
  const nodeCode = errnoOf(error);
  if (nodeCode === 'ERR_INVALID_STATE')
    return new EngineError('unavailable', `Cannot use the metadata file "${path}": it is closed`, { cause: error });
  if (nodeCode === 'ERR_INVALID_ARG_VALUE')
    return new EngineError('out-of-range', `Cannot store a value in "${path}": it does not fit`, { cause: error });
  return error;
}
