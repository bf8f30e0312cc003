import { mkdtemp, readdir, rmdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { errnoOf } from '#/base/errors.ts';
import { addon } from '#/linux/addon.ts';
import { checkCall } from '#/linux/errno-error.ts';
import { mountFuse, splitFuseType } from '#/linux/fuse-mount.ts';
import { mountMapped, splitIdMap } from '#/linux/mapped-mount.ts';
import { type MountCall, type MountWish, mountFlags, planMount } from '#/linux/mount-options.ts';

export interface Mount extends MountWish {
  readonly target: string;
}

const detach = 2;
const noFollow = 8;

/** What is still busy shortly after its last user ended is tried again this often, then detached. */
const busyRetries = 40;
const busyPause = 25;

/**
 * Mounts on libuv's pool; options `uidmap=` and `gidmap=` show owners shifted, and types such as `fuse3.fuse-overlayfs`
 * are left to their helper. A mount whose second step (remount, propagation) fails is undone.
 */
export async function mount({ target, ...wish }: Mount): Promise<void> {
  const place = resolve(target);
  const fuse = splitFuseType(wish);
  if (fuse !== undefined) return await mountFuse(fuse, place);
  const mapped = splitIdMap(wish);
  if (mapped !== undefined) return await mountMapped(mapped, place);
  const [first, ...rest] = planMount(wish);
  if (first === undefined) return;
  await call(first, place);
  try {
    for (const next of rest) await call(next, place);
  } catch (error) {
    if (!isChange(first)) await unmount(place, { detach: true });
    throw error;
  }
}

async function call({ source, type, flags, data, directory }: MountCall, target: string): Promise<void> {
  const result = await addon().mountPathAsync(source, target, type, flags, data, directory);
  checkCall(result, 'mount', { path: source, dest: target });
}

/** A call that changes a mount instead of making one. */
function isChange({ type, flags }: MountCall): boolean {
  const makes = type !== '' || (flags & mountFlags.bind) !== 0;
  return !makes || (flags & mountFlags.remount) !== 0;
}

/** Undoes the topmost mount on `target`, which is not followed when it is a symbolic link. */
export async function unmount(target: string, options: { readonly detach?: boolean } = {}): Promise<void> {
  const flags = noFollow | (options.detach === true ? detach : 0);
  checkCall(await addon().unmountPathAsync(resolve(target), flags), 'umount2', { path: target });
}

/** Mounts one over the other; when one fails, those before it are undone. */
export async function mountAll(mounts: readonly MountWish[], target: string): Promise<void> {
  await using undo = new AsyncDisposableStack();
  for (const wish of mounts) {
    await mount({ ...wish, target });
    undo.defer(() => unmount(target, { detach: true }));
  }
  undo.move();
}

/**
 * Undoes every mount on `target`; none there, or no such directory, is fine. One that stays busy for a second is
 * detached: gone from the tree at once, and for good when its last user ends.
 */
export async function unmountAll(target: string): Promise<void> {
  for (let busy = 0; ;) {
    try {
      await unmount(target, { detach: busy >= busyRetries });
      busy = 0;
    } catch (error) {
      const code = errnoOf(error);
      if (code === 'EINVAL' || code === 'ENOENT') return;
      if (code !== 'EBUSY' || busy >= busyRetries) throw error;
      busy += 1;
      await delay(busyPause);
    }
  }
}

export const temporaryPrefix: string = 'mount-';

/** Runs `work` on the mounts at a new directory under `directory`; afterwards mounts and directory are gone. */
export async function withMounts<T>(
  mounts: readonly MountWish[],
  directory: string,
  work: (target: string) => Promise<T>,
): Promise<T> {
  await using undo = new AsyncDisposableStack();
  const target = await mkdtemp(join(directory, temporaryPrefix));
  undo.defer(() => rmdir(target));
  await mountAll(mounts, target);
  undo.defer(() => unmountAll(target));
  return await work(target);
}

/** Undoes what `withMounts` left in `directory` when its process was killed; nothing else in there is touched. */
export async function undoLeftMounts(directory: string): Promise<void> {
  for (const name of await readdir(directory)) {
    if (!name.startsWith(temporaryPrefix)) continue;
    await unmountAll(join(directory, name));
    await rmdir(join(directory, name));
  }
}
