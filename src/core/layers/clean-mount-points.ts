import { readdir, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { unmountAll } from '#/linux/mount.ts';

/** A directory that holds the mount points of one diff. */
export const pairPrefix = 'diff-';

/** As `withMounts` names its directories. */
const mountPrefix = 'mount-';

/** Unmounts and removes the mount points that a killed daemon left in `directory`, and only those. */
export async function cleanMountPoints(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    if (name.startsWith(pairPrefix)) await cleanMountPoints(path);
    else if (name.startsWith(mountPrefix)) await unmountAll(path);
    else continue;
    await rmdir(path);
  }
}
