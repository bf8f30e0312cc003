import { addon } from '#/linux/addon.ts';
import { checkCall } from '#/linux/errno-error.ts';

/** Resolves when all that the file system of `path` has in memory is on its disk: everybody's files, so it may take long. */
export async function syncFileSystem(path: string): Promise<void> {
  checkCall(await addon().syncFileSystemAsync(path), 'syncfs', { path });
}
