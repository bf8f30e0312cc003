import { mkdtempDisposable } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Mount } from '#/gen/containerd/types/mount_pb.ts';
import { withMounts } from '#/linux/mount.ts';
import type { MountWish } from '#/linux/mount-options.ts';
import { readTextInRoot } from '#/linux/read-in-root.ts';
import type { UserFiles } from '#/oci/find-user.ts';

const mostBytes = 1024 * 1024;

/** The passwd and group files of a snapshot, which is mounted read-only for that. Needs the right to mount. */
export async function usersOfSnapshot(mounts: readonly Mount[]): Promise<UserFiles> {
  await using directory = await mkdtempDisposable(join(tmpdir(), 'berth-users-'));
  return await withMounts(mounts.map(readonlyMount), directory.path, (root) => usersBelow(root));
}

/** The same for a tree that is there already, such as `/proc/<pid>/root`. */
export async function usersBelow(root: string): Promise<UserFiles> {
  const [passwd, group] = await Promise.all([
    readTextInRoot(root, 'etc/passwd', mostBytes),
    readTextInRoot(root, 'etc/group', mostBytes),
  ]);
  return { passwd, group };
}

/** An overlay without its upper directory on top: that would be in use twice once the container runs. */
export function readonlyMount({ type, source, options }: Mount): MountWish {
  if (type !== 'overlay')
    return { type, source, options: [...options.filter((option) => option !== 'rw' && option !== 'ro'), 'ro'] };
  const upper = options.find((option) => option.startsWith('upperdir='))?.slice('upperdir='.length);
  const kept = options.filter((option) => !/^(?:upperdir|workdir)=|^volatile$/.test(option));
  const lower = (option: string): string =>
    upper !== undefined && option.startsWith('lowerdir=')
      ? `lowerdir=${upper}:${option.slice('lowerdir='.length)}`
      : option;
  return { type, source, options: kept.map(lower) };
}
