import { join } from 'node:path';
import type { UserFiles } from '#/oci/find-user.ts';
import type { Mount } from '#/core/snapshots/contract.ts';
import { withMounts } from '#/linux/mount.ts';
import { readTextInRoot } from '#/linux/read-in-root.ts';
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
  const [passwd, group] = await Promise.all([
    readTextInRoot(root, 'etc/passwd', limit),
    readTextInRoot(root, 'etc/group', limit),
  ]);
  return { passwd, group };
}
