import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { EngineError, messageOf } from '#/base/errors.ts';
import { newToken } from '#/base/ids.ts';
import type { Mount } from '#/core/snapshots/contract.ts';
import { treeOf, type SnapshotTree } from '#/core/snapshots/directory-snapshotter.ts';
import { mappingLabels } from '#/core/snapshots/id-mapping.ts';
import { mountAll, unmountAll } from '#/linux/mount.ts';

/** Overlay's own directory beside a writable tree. */
export const workOf = (directory: string): string => join(directory, 'work');

const tryPrefix = 'try-';
const mergedOf = (place: string): string => join(place, 'merged');

/** A daemon that was killed while it tried leaves its try behind. */
export async function undoLeftTries(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (!name.startsWith(tryPrefix)) continue;
    await unmountAll(mergedOf(join(root, name)));
    await rm(join(root, name), { recursive: true, force: true });
  }
}

/**
 * Mounts a small overlay once, so that a kernel or a disk that cannot do it says so at the start, and once more with its
 * owners mapped, which not every kernel can.
 */
export async function tryOverlay(
  root: string,
  mountsOf: (tree: SnapshotTree) => Mount[],
): Promise<{ readonly mapsOwners: boolean }> {
  await using undo = new AsyncDisposableStack();
  const place = join(root, `${tryPrefix}${newToken()}`);
  undo.defer(() => rm(place, { recursive: true, force: true }));
  const upper = join(place, 'upper');
  const lower = join(place, 'lower');
  const target = mergedOf(place);
  for (const directory of [treeOf(upper), workOf(upper), treeOf(lower), target])
    await mkdir(directory, { recursive: true });
  undo.defer(() => unmountAll(target));
  const tree: SnapshotTree = { directory: upper, kind: 'active', parents: [lower], labels: {} };
  try {
    await mountAll(mountsOf(tree), target);
    await unmountAll(target);
  } catch (error) {
    throw new EngineError(
      'unimplemented',
      `Cannot keep overlay snapshots in "${root}": the kernel refuses to mount one there (${messageOf(error)}); use the native snapshotter or another disk`,
      { cause: error },
    );
  }
  try {
    await mountAll(mountsOf({ ...tree, labels: mappingLabels('0:1:1', '0:1:1') }), target);
    return { mapsOwners: true };
  } catch {
    return { mapsOwners: false };
  }
}
