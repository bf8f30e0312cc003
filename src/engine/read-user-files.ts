import type { FileHandle } from 'node:fs/promises';
import { join } from 'node:path';
import { errnoOf } from '#/base/errors.ts';
import type { UserFiles } from '#/core/containers/find-user.ts';
import type { Mount } from '#/core/snapshots/contract.ts';
import { withMounts } from '#/linux/mount.ts';
import { openInRoot } from '#/linux/root.ts';
import type { EngineContext } from '#/engine/context.ts';

/** Longer files are read to here: what lies behind is as if it were not there. */
const limit = 1024 * 1024;
const rememberedImages = 256;

/**
 * The passwd and group files of an image's root. They are read below the root only, whatever links the image holds.
 * Remembered per image, since its layers never change.
 */
export async function readUserFiles(
  context: EngineContext,
  chain: string,
  mounts: readonly Mount[],
): Promise<UserFiles> {
  const known = context.userFiles.get(chain);
  if (known !== undefined) return known;
  const files = await withMounts(mounts, join(context.state, 'tmpmounts'), (root) => userFilesBelow(root));
  if (context.userFiles.size >= rememberedImages) context.userFiles.clear();
  context.userFiles.set(chain, files);
  return files;
}

/** The same for a tree that is there already, such as `/proc/<pid>/root` of a running container. */
export async function userFilesBelow(root: string): Promise<UserFiles> {
  const [passwd, group] = await Promise.all([readBelow(root, 'etc/passwd'), readBelow(root, 'etc/group')]);
  return { passwd, group };
}

async function readBelow(root: string, path: string): Promise<string> {
  try {
    await using file = await openInRoot(root, path);
    return await readStart(file);
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP', 'EISDIR', 'ENXIO'].includes(errnoOf(error) ?? '')) return '';
    throw error;
  }
}

async function readStart(file: FileHandle): Promise<string> {
  const stats = await file.stat();
  if (!stats.isFile()) return '';
  const buffer = Buffer.alloc(Math.min(stats.size, limit));
  const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
  return buffer.toString('utf8', 0, bytesRead);
}
