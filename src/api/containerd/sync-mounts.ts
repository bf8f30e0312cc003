import { describeFailure } from '#/base/errors.ts';
import type { Mount } from '#/core/snapshots/contract.ts';
import { syncFileSystem } from '#/linux/sync.ts';

/** Writes the file system below writable mounts to the disk, as a client asks with sync_fs. */
export async function syncMounts(mounts: readonly Mount[]): Promise<void> {
  for (const path of new Set(mounts.map(directoryOf)))
    await syncFileSystem(path).catch((error: unknown) => {
      throw describeFailure(`Cannot sync the file system of "${path}"`, error);
    });
}

/** Where writes through the mount land: an overlay's upper directory, else the source. */
function directoryOf({ source, options }: Mount): string {
  const upper = options.find((option) => option.startsWith('upperdir='));
  return upper === undefined ? source : upper.slice('upperdir='.length);
}
