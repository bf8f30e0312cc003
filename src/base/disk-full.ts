import { statfs } from 'node:fs/promises';
import { EngineError, errnoOf, isKind } from '#/base/errors.ts';

const fullErrors: readonly (string | undefined)[] = ['ENOSPC', 'EDQUOT'];

/** Whether a full disk is at the bottom of a failure. */
export function isDiskFull(error: unknown): boolean {
  if (error instanceof SuppressedError) return isDiskFull(error.suppressed);
  if (fullErrors.includes(errnoOf(error))) return true;
  return error instanceof Error && error.cause !== undefined && isDiskFull(error.cause);
}

/**
 * Runs disk work; when the disk is full, throws `resource-exhausted` with what was tried, the path and the free space.
 * Other errors pass.
 */
export async function namingFullDisk<T>(tried: string, path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (isKind(error, 'resource-exhausted') || !fullErrors.includes(errnoOf(error))) throw error;
    throw await fullDiskError(tried, path, error);
  }
}

async function fullDiskError(tried: string, path: string, cause: unknown): Promise<EngineError> {
  const free = await freeBytes(path);
  const left = free === undefined ? '' : `, ${free} bytes are free`;
  return new EngineError('resource-exhausted', `${tried}: the disk of "${path}" is full${left}; free some space`, {
    cause,
  });
}

async function freeBytes(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await statfs(path);
    return bavail * bsize;
  } catch {
    return undefined; // the size is a help in the message, no more
  }
}
