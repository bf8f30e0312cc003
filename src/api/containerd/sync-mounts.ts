import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { EngineError } from '#/base/errors.ts';
import type { Mount } from '#/core/snapshots/contract.ts';

const run = promisify(execFile);

/** Writes the file system below writable mounts to the disk, as a client asks with sync_fs. */
export async function syncMounts(mounts: readonly Mount[], signal: AbortSignal): Promise<void> {
  const paths = new Set(mounts.map(directoryOf));
  for (const path of paths) {
    try {
      await run('sync', ['-f', '--', path], { signal });
    } catch (error) {
      throw new EngineError('unavailable', `Cannot sync the file system of "${path}"`, { cause: error });
    }
  }
}

/** Where writes through the mount land: an overlay's upper directory, else the source. */
function directoryOf({ source, options }: Mount): string {
  const upper = options.find((option) => option.startsWith('upperdir='));
  return upper === undefined ? source : upper.slice('upperdir='.length);
}
