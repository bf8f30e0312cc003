import { chmod, chown, mkdir, stat } from 'node:fs/promises';
import type { Mount } from '#/core/snapshots/contract.ts';
import { lutimes } from '#/linux/times.ts';
import { treeOf, type SnapshotTree } from '#/core/snapshots/directory-snapshotter.ts';

/** Shows one directory as it is. */
export function bindMount(source: string, kind: SnapshotTree['kind'], first: readonly string[] = []): Mount {
  return { type: 'bind', source, options: [...first, kind === 'view' ? 'ro' : 'rw', 'rbind'] };
}

/** Makes an empty root directory with the owner, mode and time of the parent's, or 0755 root's for the first layer. */
export async function makeRoot(path: string, parent: string | undefined): Promise<void> {
  await mkdir(path);
  if (parent === undefined) return await chmod(path, 0o755);
  const { uid, gid, mode, mtimeNs } = await stat(treeOf(parent), { bigint: true });
  await chown(path, Number(uid), Number(gid));
  await chmod(path, Number(mode) & 0o7777);
  await lutimes(path, { mtime: mtimeNs });
}
